//! How far a viewer has come: the last entry of the ledger, and of each run under way so many lines of its log.
//!
//! Written as `310` or `310/RB-0001-1-1@40,RB-0001-1-2@0`. It is the `id` of each message, so that a browser sends the last
//! one back when it connects again; what comes back is data from outside, and is read as such.

use crate::app::Seen;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Runs in a position; nobody watches so many at once.
const RUNS: usize = 50;

/// A place in one viewer's stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Position {
    pub seq: i64,
    /// Lines seen, by run. A run that is not here was seen not at all.
    pub lines: BTreeMap<String, i64>,
}

impl Position {
    /// Where a page's stream goes on.
    pub fn of(seen: &Seen, reads_logs: bool) -> Position {
        let lines = seen.lines.iter().filter(|_| reads_logs);
        Position { seq: seen.seq, lines: lines.map(|(run, line)| (run.0.clone(), *line)).collect() }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.seq)?;
        for (place, (run, line)) in self.lines.iter().enumerate() {
            write!(f, "{}{run}@{line}", if place == 0 { '/' } else { ',' })?;
        }
        Ok(())
    }
}

impl FromStr for Position {
    type Err = ();

    fn from_str(text: &str) -> Result<Position, ()> {
        let number = |digits: &str| -> Result<i64, ()> {
            let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
            if plain { digits.parse().map_err(|_| ()) } else { Err(()) }
        };
        let (seq, runs) = text.split_once('/').map_or((text, None), |(seq, runs)| (seq, Some(runs)));
        let mut position = Position { seq: number(seq)?, lines: BTreeMap::new() };
        for part in runs.into_iter().flat_map(|runs| runs.split(',')) {
            let (run, line) = part.split_once('@').ok_or(())?;
            let named = !run.is_empty() && run.bytes().all(|sign| sign.is_ascii_alphanumeric() || sign == b'-');
            if !named || position.lines.len() >= RUNS {
                return Err(());
            }
            position.lines.insert(run.to_owned(), number(line)?);
        }
        Ok(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for text in ["0", "310", "310/RB-0001-1-1@40", "310/RB-0001-1-1@40,RB-0001-1-2@0"] {
            assert_eq!(text.parse::<Position>().map(|position| position.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_nobody_wrote_is_no_position() {
        let many = format!("1/{}", vec!["r@1"; 51].join(","));
        let others =
            ["", "-1", "+1", " 1", "1/", "1/@2", "1/r", "1/r@", "1/r@-1", "1/r@1,", "1/r\n@1", "99999999999999999999"];
        for text in others {
            assert_eq!(text.parse::<Position>(), Err(()), "{text:?}");
        }
        // One run, said again and again.
        assert!(many.parse::<Position>().is_ok());
        let many: Vec<String> = (0..51).map(|number| format!("r{number}@1")).collect();
        assert_eq!(format!("1/{}", many.join(",")).parse::<Position>(), Err(()));
    }
}
