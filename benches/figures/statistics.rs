//! Quantiles, and the table that everything ends in.

use std::fmt::Write;

/// Numbers of one kind, in the order in which they were measured.
#[derive(Debug, Default, Clone)]
pub struct Series(Vec<f64>);

impl Series {
    pub fn add(&mut self, value: f64) {
        self.0.push(value);
    }

    pub fn extend(&mut self, other: Series) {
        self.0.extend(other.0);
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The value below which this share of all lies: the nearest rank, so always one that was measured.
    pub fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied().unwrap_or(f64::NAN)
    }

    pub fn p50(&self) -> f64 {
        self.quantile(0.50)
    }

    pub fn p95(&self) -> f64 {
        self.quantile(0.95)
    }

    pub fn p99(&self) -> f64 {
        self.quantile(0.99)
    }

    /// `p50 / p95`, with one digit after the point.
    pub fn shown(&self) -> String {
        format!("{:.1} / {:.1}", self.p50(), self.p95())
    }
}

/// One line of the table.
#[derive(Debug, Clone)]
pub struct Line {
    pub figure: String,
    pub product: String,
    pub floor: String,
    pub ratio: String,
    pub target: String,
    /// Whether the target is met; nothing where the line only explains another.
    pub met: Option<bool>,
}

impl Line {
    /// A line that is judged.
    pub fn judged(figure: &str, product: String, floor: String, ratio: String, target: &str, met: bool) -> Line {
        Line { figure: figure.into(), product, floor, ratio, target: target.into(), met: Some(met) }
    }

    /// A line that only explains.
    pub fn beside(figure: &str, product: String) -> Line {
        let none = String::new();
        Line { figure: figure.into(), product, floor: none.clone(), ratio: none.clone(), target: none, met: None }
    }
}

/// The lines as a Markdown table.
pub fn table(lines: &[Line]) -> String {
    let head = ["figure", "product", "floor", "ratio", "target", "met"].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(lines.iter().map(cells)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..6).map(width).collect();
    let mut text = String::new();
    for (place, row) in rows.iter().enumerate() {
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(text, "| {cell:width$} ");
        }
        text.push_str("|\n");
        if place == 0 {
            for width in &widths {
                let _ = write!(text, "| {} ", "-".repeat(*width));
            }
            text.push_str("|\n");
        }
    }
    text
}

fn cells(line: &Line) -> [String; 6] {
    let met = match line.met {
        Some(true) => "yes",
        Some(false) => "NO",
        None => "",
    };
    let cells: [&str; 6] = [&line.figure, &line.product, &line.floor, &line.ratio, &line.target, met];
    cells.map(str::to_owned)
}
