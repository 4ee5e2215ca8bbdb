//! Plots as the server draws them: SVG in the page, whole without script, in print and for those who cannot see (L8).
//!
//! [`line`] draws a series with its thresholds and what was done, [`gantt`] the steps' windows against what happened,
//! [`spark`] a series in one row of a list. Each is drawn in two shapes, wide and narrow, of which the stylesheet shows
//! the one that fits its place. Colours are classes, so that the same drawing serves light, dark and paper.
//!
//! A place in a drawing is a whole number of tenths of a unit ([`Tenth`]): nothing here can be "not a number". Beside
//! each drawing stand its sentence and a table of its values; the drawing's own name is made of these.

pub mod gantt;
pub mod line;
mod scale;
pub mod spark;

pub use gantt::GanttView;
pub use line::LineView;
pub use spark::Spark;

use std::fmt;

/// A place or a length in a drawing, in tenths of a unit: `12`, `.5`, `-3.2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Tenth(pub i64);

impl fmt::Display for Tenth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        match (self.0.unsigned_abs() / 10, self.0.unsigned_abs() % 10) {
            (whole, 0) => write!(f, "{sign}{whole}"),
            (0, part) => write!(f, "{sign}.{part}"),
            (whole, part) => write!(f, "{sign}{whole}.{part}"),
        }
    }
}

/// A word at a place in a drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub x: Tenth,
    pub y: Tenth,
    /// Where the place is in the word: empty for its beginning, else a class.
    pub class: &'static str,
    pub text: String,
    /// Smaller, behind it on the same line.
    pub after: String,
}

impl Label {
    fn of(x: i64, y: i64, class: &'static str, text: impl Into<String>) -> Label {
        Label { x: Tenth(x), y: Tenth(y), class, text: text.into(), after: String::new() }
    }
}

/// How wide a text is about, in tenths, set in a size in tenths.
fn text_width(text: &str, size: i64) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(i64::MAX).saturating_mul(size * 58 / 100)
}

/// A text that fits a width, cut with an ellipsis where it must be; the whole stands in the table.
fn fitted(text: &str, size: i64, width: i64) -> String {
    let most = usize::try_from(width / (size * 58 / 100).max(1)).unwrap_or(0);
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests;
