//! Human units: spans such as "10s", "5m", "24h", "90d", "2y", and shares such as "10%" or "0.5%".
//!
//! A span is one whole number and one unit. A day is 24 hours and a year 365 days: retention and drills need no
//! calendar, and a window that depends on the month would surprise.

use crate::domain::Span;

/// Why a text is no span or share, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitFault {
    pub message: String,
    pub mend: String,
}

const UNITS: [(&str, i64); 7] = [
    ("ms", 1_000),
    ("s", 1_000_000),
    ("m", 60_000_000),
    ("h", 3_600_000_000),
    ("d", 86_400_000_000),
    ("w", 7 * 86_400_000_000),
    ("y", 365 * 86_400_000_000),
];

/// Reads a span: `"5m"` is five minutes.
pub fn parse_span(text: &str) -> Result<Span, UnitFault> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let Some(&(_, micros)) = UNITS.iter().find(|(known, _)| digits > 0 && *known == unit) else {
        return Err(UnitFault { message: format!("`{text}` is no span of time"), mend: meant_span(text) });
    };
    let span = number.parse::<i64>().ok().and_then(|number| number.checked_mul(micros));
    span.map(Span).ok_or_else(|| UnitFault {
        message: format!("`{text}` is longer than time can be counted"),
        mend: "write a shorter one".to_owned(),
    })
}

/// "5 minuts" was meant as "5m".
fn meant_span(text: &str) -> String {
    let text = text.trim().to_lowercase();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let word = text[digits..].trim();
    let unit = match word {
        "ms" => Some("ms"),
        _ if word.starts_with("mil") => Some("ms"),
        _ if word.starts_with("mon") => None,
        _ => ["s", "m", "h", "d", "w", "y"].into_iter().find(|unit| word.starts_with(unit)),
    };
    match unit {
        Some(unit) if digits > 0 && word.chars().all(char::is_alphabetic) => {
            format!("write \"{}{unit}\"", &text[..digits])
        }
        _ => "write a whole number and one of ms, s, m, h, d, w, y, such as \"5m\"".to_owned(),
    }
}

/// Reads a share as parts per million: `"10%"` is 100 000. Up to four digits after the point; from 0% to 100%.
pub fn parse_share(text: &str) -> Result<i64, UnitFault> {
    let no_share = || UnitFault { message: format!("`{text}` is no share"), mend: meant_share(text) };
    let number = text.strip_suffix('%').ok_or_else(no_share)?;
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 4 {
        return Err(no_share());
    }
    let whole: i64 = whole.parse().map_err(|_| no_share())?;
    let part: i64 = format!("{part:0<4}").parse().map_err(|_| no_share())?;
    match whole.checked_mul(10_000).and_then(|ppm| ppm.checked_add(part)) {
        Some(ppm) if ppm <= 1_000_000 => Ok(ppm),
        _ => Err(UnitFault {
            message: format!("`{text}` is more than the whole"),
            mend: "write a share from \"0%\" to \"100%\"".to_owned(),
        }),
    }
}

/// "10 percent" was meant as "10%".
fn meant_share(text: &str) -> String {
    let text = text.trim();
    let digits = text.bytes().take_while(|&byte| byte.is_ascii_digit() || byte == b'.').count();
    let word = text[digits..].trim().to_lowercase();
    let meant = format!("{}%", &text[..digits]);
    if (word.is_empty() || word == "%" || word.starts_with("per")) && meant != text && parse_share(&meant).is_ok() {
        format!("write \"{meant}\"")
    } else {
        "write a number and a percent sign, such as \"10%\"".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_a_number_and_a_unit() {
        assert_eq!(parse_span("500ms"), Ok(Span::millis(500)));
        assert_eq!(parse_span("2s"), Ok(Span::seconds(2)));
        assert_eq!(parse_span("5m"), Ok(Span::minutes(5)));
        assert_eq!(parse_span("24h"), Ok(Span::hours(24)));
        assert_eq!(parse_span("90d"), Ok(Span::hours(90 * 24)));
        assert_eq!(parse_span("1w"), Ok(Span::hours(7 * 24)));
        assert_eq!(parse_span("2y"), Ok(Span::hours(730 * 24)));
        assert_eq!(parse_span("0m"), Ok(Span::ZERO));
    }

    #[test]
    fn a_span_in_other_words_says_how_to_write_it() {
        let mend = |text| parse_span(text).unwrap_err().mend;
        assert_eq!(mend("5 minuts"), "write \"5m\"");
        assert_eq!(mend("10 Seconds"), "write \"10s\"");
        assert_eq!(mend("2 years"), "write \"2y\"");
        assert_eq!(mend("20 millis"), "write \"20ms\"");
        for hopeless in ["", "m", "5", "1.5h", "-5m", "3 months", "5m30s", "٥m", "∞"] {
            assert_eq!(mend(hopeless), "write a whole number and one of ms, s, m, h, d, w, y, such as \"5m\"");
        }
        assert_eq!(parse_span("99999999999y").unwrap_err().mend, "write a shorter one");
        assert_eq!(parse_span("99999999999999999999s").unwrap_err().mend, "write a shorter one");
    }

    #[test]
    fn shares_are_parts_per_million() {
        assert_eq!(parse_share("10%"), Ok(100_000));
        assert_eq!(parse_share("0.5%"), Ok(5_000));
        assert_eq!(parse_share("99.9999%"), Ok(999_999));
        assert_eq!(parse_share("100%"), Ok(1_000_000));
        assert_eq!(parse_share("10 percent").unwrap_err().mend, "write \"10%\"");
        assert_eq!(parse_share("10").unwrap_err().mend, "write \"10%\"");
        for wrong in ["", "%", "ten%", "1.%", ".5%", "0.00001%", "-1%", "1e2%"] {
            assert!(parse_share(wrong).unwrap_err().message.ends_with("is no share"), "{wrong}");
        }
        assert!(parse_share("100.1%").unwrap_err().message.ends_with("more than the whole"));
    }
}
