//! Instants and spans as the journal keeps them: whole microseconds, no floating point, no clock.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, Sub};

/// An instant: microseconds since 1970-01-01T00:00:00 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// A span of time in microseconds. Never negative when it comes from a playbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Span(pub i64);

impl Span {
    pub const ZERO: Span = Span(0);

    pub const fn millis(ms: i64) -> Span {
        Span(ms * 1_000)
    }

    pub const fn seconds(s: i64) -> Span {
        Span(s * 1_000_000)
    }

    pub const fn minutes(m: i64) -> Span {
        Span(m * 60_000_000)
    }

    pub const fn hours(h: i64) -> Span {
        Span(h * 3_600_000_000)
    }

    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Reads a span as people write it: whole numbers with a unit, large to small: `200ms`, `5s`, `1h30m`, `7d`.
    ///
    /// Units: `d`, `h`, `m`, `s`, `ms`, `us`. No signs, no decimals, no blanks; each unit once, in that order.
    ///
    /// # Errors
    /// One plain sentence that quotes the text, names its fault and says what would be right.
    pub fn parse(text: &str) -> Result<Span, String> {
        let fault = |what: &str| format!("\"{text}\" is not a time span: {what}");
        if text.is_empty() {
            return Err(fault("it is empty; write a number and a unit, as in 30s or 5m"));
        }
        let (mut rest, mut total, mut smallest_so_far) = (text, 0_i64, UNITS.len());
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, tail) = rest.split_at(digits);
            if number.is_empty() {
                return Err(fault(match rest.chars().next() {
                    Some('-') => "it is negative; a span is zero or longer",
                    Some(c) if c.is_whitespace() => "it contains a blank; write 1h30m without blanks",
                    _ => "a number is missing before the unit; write 30s, 5m or 1h30m",
                }));
            }
            if tail.starts_with(['.', ',']) {
                return Err(fault("decimals are not read; use the next smaller unit, as in 1500ms for 1.5 s"));
            }
            let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
            let (unit, after) = tail.split_at(letters);
            if unit.is_empty() {
                return Err(fault(match tail.chars().next() {
                    Some(c) if c.is_whitespace() => "it contains a blank; write 5s, not 5 s",
                    _ => "the unit is missing; use d, h, m, s, ms or us, as in 30s",
                }));
            }
            let Some(rank) = UNITS.iter().position(|(name, _)| *name == unit) else {
                return Err(fault(&format!("the unit \"{unit}\" is unknown; use d, h, m, s, ms or us")));
            };
            if rank >= smallest_so_far {
                return Err(fault("units stand once each, from large to small, as in 1h30m"));
            }
            smallest_so_far = rank;
            total = number
                .parse::<i64>()
                .ok()
                .and_then(|count| count.checked_mul(UNITS[rank].1))
                .and_then(|part| total.checked_add(part))
                .ok_or_else(|| fault("it is too long; the longest span is about 106751991d"))?;
            rest = after;
        }
        Ok(Span(total))
    }

    /// The span as [`Span::parse`] reads it, exact: `1h30m`, `200ms`, `0s`; a leading minus for the past.
    pub fn written(self) -> String {
        let mut rest = self.0.unsigned_abs();
        let mut text = String::from(if self.0 < 0 { "-" } else { "" });
        for (name, micros) in UNITS.iter().rev() {
            let micros = micros.unsigned_abs();
            if rest >= micros {
                text.push_str(&format!("{}{name}", rest / micros));
                rest %= micros;
            }
        }
        if self.0 == 0 { "0s".to_owned() } else { text }
    }

    /// The span inside a sentence, exact, its parts held together: `5 min`, `1 h 30 min`, `2 days`, `0 s`.
    pub fn in_words(self) -> String {
        let mut rest = self.0.unsigned_abs();
        let mut parts = Vec::new();
        for (name, micros) in UNITS.iter().rev() {
            let micros = micros.unsigned_abs();
            let count = rest / micros;
            rest %= micros;
            if count == 0 {
                continue;
            }
            let unit = match *name {
                "d" if count == 1 => "day",
                "d" => "days",
                "m" => "min",
                "us" => "µs",
                other => other,
            };
            parts.push(format!("{count}\u{a0}{unit}"));
        }
        if parts.is_empty() {
            return "0\u{a0}s".to_owned();
        }
        format!("{}{}", if self.0 < 0 { "−" } else { "" }, parts.join("\u{a0}"))
    }

    /// The span where only its size matters, to two units at most: `18 d`, `5 h 20 min`, `3 min`.
    pub fn roughly(self) -> String {
        let minutes = self.as_seconds() / 60;
        match (minutes / 60 / 24, minutes / 60, minutes % 60) {
            (0, 0, minutes) => format!("{minutes}\u{a0}min"),
            (0, hours, minutes) => format!("{hours}\u{a0}h {minutes}\u{a0}min"),
            (days, ..) => format!("{days}\u{a0}d"),
        }
    }
}

/// The units of a written span with their microseconds, small to large.
const UNITS: [(&str, i64); 6] =
    [("us", 1), ("ms", 1_000), ("s", 1_000_000), ("m", 60_000_000), ("h", 3_600_000_000), ("d", 86_400_000_000)];

/// Spans as people write them, for files that people edit: `#[serde(with = "crate::domain::time::as_text")]`.
pub mod as_text {
    use super::Span;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes `"1h30m"`.
    pub fn serialize<S: Serializer>(span: &Span, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&span.written())
    }

    /// Reads `"1h30m"`; the fault is that of [`Span::parse`].
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Span, D::Error> {
        Span::parse(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// Minutes and seconds below an hour, hours above: `4:23`, `1:02:03`; a leading minus for the past.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let all = self.0.abs() / 1_000_000;
        let (hours, minutes, seconds) = (all / 3600, all / 60 % 60, all % 60);
        if hours > 0 {
            write!(f, "{sign}{hours}:{minutes:02}:{seconds:02}")
        } else {
            write!(f, "{sign}{minutes}:{seconds:02}")
        }
    }
}

impl Add<Span> for Timestamp {
    type Output = Timestamp;
    fn add(self, span: Span) -> Timestamp {
        Timestamp(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Timestamp {
    type Output = Timestamp;
    fn sub(self, span: Span) -> Timestamp {
        Timestamp(self.0.saturating_sub(span.0))
    }
}

impl Sub for Timestamp {
    type Output = Span;
    fn sub(self, earlier: Timestamp) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

/// `2026-03-05T03:14:28Z`, seconds precision, always UTC.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(1_000_000);
        let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil_from_days(days);
        let (h, m, s) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}Z")
    }
}

impl Timestamp {
    /// `2026-03-05T03:14:28.001Z`: rounded up to milliseconds, as scripts count.
    pub fn precise(self) -> String {
        let millis = self.0.div_euclid(1_000) + i64::from(self.0.rem_euclid(1_000) > 0);
        let whole = Timestamp(millis.saturating_mul(1_000)).to_string();
        format!("{}.{:03}Z", &whole[..19], millis.rem_euclid(1_000))
    }

    /// The span since an earlier instant as people count it who see both, cut to whole seconds: from 03:14:24.9 to 03:14:28.1 it
    /// is four seconds. For every span that stands beside its two times; what is decided counts exactly.
    pub fn shown_since(self, earlier: Timestamp) -> Span {
        Span::seconds(self.0.div_euclid(1_000_000).saturating_sub(earlier.0.div_euclid(1_000_000)))
    }

    /// `03:14:28`, UTC.
    pub fn time_of_day(self) -> String {
        self.to_string()[11..19].to_owned()
    }

    /// The instant inside a sentence: `2026-03-05 03:14:28 UTC`.
    pub fn in_words(self) -> String {
        format!("{} {} UTC", self.date(), self.time_of_day())
    }

    /// `03:14`, UTC, in what is read at `now`: another day's as `2026-03-04 03:14`.
    pub fn near(self, now: Timestamp) -> String {
        let minute = &self.to_string()[11..16];
        if self.date() == now.date() { minute.to_owned() } else { format!("{} {minute}", self.date()) }
    }

    /// `2026-03-05`, UTC.
    pub fn date(self) -> String {
        self.to_string()[..10].to_owned()
    }
}

/// Days since the epoch to a proleptic Gregorian date (Howard Hinnant's `civil_from_days`).
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_print_as_utc_calendar_times() {
        assert_eq!(Timestamp(0).to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(Timestamp(951_782_400_000_000).to_string(), "2000-02-29T00:00:00Z");
        assert_eq!(Timestamp(1_772_680_468_000_000).to_string(), "2026-03-05T03:14:28Z");
        assert_eq!(Timestamp(-1).to_string(), "1969-12-31T23:59:59Z");
        assert_eq!(Timestamp(1_772_680_468_000_001).precise(), "2026-03-05T03:14:28.001Z");
        assert_eq!(Timestamp(1_772_680_468_999_500).precise(), "2026-03-05T03:14:29.000Z");
        let at = Timestamp(1_772_680_468_000_000);
        assert_eq!(at.near(at + Span::hours(20)), "03:14");
        assert_eq!(at.near(at + Span::hours(21)), "2026-03-05 03:14");
    }

    #[test]
    fn spans_stand_in_sentences_with_their_units() {
        for (text, words) in [
            ("0s", "0 s"),
            ("5m", "5 min"),
            ("1h30m", "1 h 30 min"),
            ("1d", "1 day"),
            ("91d", "91 days"),
            ("20ms", "20 ms"),
        ] {
            assert_eq!(Span::parse(text).unwrap().in_words().replace('\u{a0}', " "), words);
        }
        for (minutes, words) in [(3, "3 min"), (320, "5 h 20 min"), (24 * 60, "1 d"), (18 * 24 * 60 + 59, "18 d")] {
            assert_eq!(Span::minutes(minutes).roughly().replace('\u{a0}', " "), words);
        }
        assert_eq!(Span::seconds(-61).in_words(), "−1\u{a0}min\u{a0}1\u{a0}s");
    }

    #[test]
    fn spans_print_as_clocks() {
        assert_eq!(Span::seconds(263).to_string(), "4:23");
        assert_eq!(Span::seconds(3_723).to_string(), "1:02:03");
        assert_eq!(Span::seconds(-34).to_string(), "-0:34");
    }

    #[test]
    fn a_span_beside_its_two_times_is_what_people_count_between_them() {
        let second = 1_772_680_464_000_000;
        for (earlier, later) in [(0, 4_000_000), (900_000, 4_100_000), (0, 4_999_999), (999_999, 4_000_000)] {
            let (earlier, later) = (Timestamp(second + earlier), Timestamp(second + later));
            assert_eq!((earlier.time_of_day(), later.time_of_day()), ("03:14:24".to_owned(), "03:14:28".to_owned()));
            assert_eq!(later.shown_since(earlier).to_string(), "0:04");
            assert_eq!(earlier.shown_since(later).to_string(), "-0:04");
        }
    }

    #[test]
    fn spans_are_read_as_people_write_them() {
        for (text, span) in [
            ("200ms", Span::millis(200)),
            ("5s", Span::seconds(5)),
            ("5m", Span::minutes(5)),
            ("24h", Span::hours(24)),
            ("7d", Span::hours(168)),
            ("1h30m", Span::minutes(90)),
            ("250us", Span(250)),
            ("0s", Span::ZERO),
        ] {
            assert_eq!(Span::parse(text), Ok(span), "{text}");
            assert_eq!(Span::parse(&span.written()), Ok(span), "{text} written again");
        }
        assert_eq!(Span::minutes(90).written(), "1h30m");
        assert_eq!(Span::ZERO.written(), "0s");
    }

    #[test]
    fn a_span_that_cannot_be_read_is_told_its_fault_and_the_mend() {
        for (text, part) in [
            ("", "it is empty"),
            ("5", "the unit is missing"),
            ("5 s", "write 5s, not 5 s"),
            ("1h 30m", "without blanks"),
            ("-5s", "negative"),
            ("1.5s", "1500ms"),
            ("5min", "the unit \"min\" is unknown"),
            ("s", "a number is missing"),
            ("30s1m", "large to small"),
            ("1s1s", "once each"),
            ("99999999999999999999s", "too long"),
            ("9223372036855s", "too long"),
            ("５s", "a number is missing"),
        ] {
            let fault = Span::parse(text).expect_err(text);
            assert!(fault.contains(part), "{text}: {fault}");
            assert!(fault.starts_with(&format!("\"{text}\" is not a time span: ")), "{fault}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_span_survives_being_written(micros in 0..=i64::MAX) {
            assert_eq!(Span::parse(&Span(micros).written()), Ok(Span(micros)));
        }

        #[test]
        fn no_text_makes_the_reader_stumble(text in "\\PC{0,12}") {
            let _ = Span::parse(&text);
        }
    }
}
