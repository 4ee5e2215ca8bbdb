//! From values to places: axes that end at round numbers.

use crate::domain::condition::Series;

/// Beginnings of round numbers, in tenths.
const ROUND: [i128; 9] = [10, 12, 16, 20, 30, 40, 50, 60, 80];

/// A vertical axis from `low` to `high`; `high` is above `low`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axis {
    pub low: i64,
    pub high: i64,
}

impl Axis {
    /// The axis that holds all these values with some room beyond. Values that alarm when they rise begin at zero;
    /// availability hangs from the top.
    pub fn over(series: &Series, values: impl Iterator<Item = i64> + Clone) -> Axis {
        let (least, most) = (values.clone().min().unwrap_or(0), values.max().unwrap_or(0));
        if *series == Series::Availability {
            let whole = crate::domain::condition::WHOLE;
            let depth = round_up(room(i128::from(whole - least.clamp(0, whole))).max(10_000)).min(whole);
            return Axis { low: whole - depth, high: whole };
        }
        let high = round_up(room(i128::from(most.max(0))).max(1_000));
        let high = series.most().map_or(high, |top| high.min(top));
        let low = if least < 0 { -round_up(-i128::from(least)) } else { 0 };
        Axis { low, high }
    }

    /// Where a value lies between two places, of which `bottom` belongs to `low`. Beyond the axis is at its end.
    pub fn place(self, value: i64, bottom: i64, top: i64) -> i64 {
        let value = i128::from(value.clamp(self.low, self.high));
        let (low, high) = (i128::from(self.low), i128::from(self.high));
        let length = i128::from(top - bottom);
        bottom + i64::try_from((value - low) * length / (high - low).max(1)).unwrap_or(0)
    }
}

/// A twentieth more.
fn room(value: i128) -> i128 {
    value + value / 20
}

/// The next round number; the greatest number where there is none.
fn round_up(value: i128) -> i64 {
    let mut power = 1_i128;
    loop {
        for start in ROUND {
            let round = start * power / 10;
            if round * 10 == start * power && round >= value {
                return i64::try_from(round).unwrap_or(i64::MAX);
            }
        }
        if power > i128::from(i64::MAX) {
            return i64::MAX;
        }
        power *= 10;
    }
}

/// Where an instant or an offset lies between two places. `length` is the whole; beyond it is at its end.
pub fn along(offset: i64, length: i64, from: i64, to: i64) -> i64 {
    let share = i128::from(offset.clamp(0, length.max(0))) * i128::from(to - from) / i128::from(length.max(1));
    from + i64::try_from(share).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_a_round_number_and_a_share_never_passes_the_whole() {
        let over = |series: Series, values: &[i64]| {
            let axis = Axis::over(&series, values.iter().copied());
            (series.show(axis.low), series.show(axis.high))
        };
        let shown = |low: &str, high: &str| (low.to_owned(), high.to_owned());
        assert_eq!(over(Series::ErrorRate, &[0, 142_000, 100_000]), shown("0\u{a0}%", "16\u{a0}%"));
        assert_eq!(over(Series::ErrorRate, &[1_000_000]), shown("0\u{a0}%", "100\u{a0}%"));
        assert_eq!(over(Series::ResponseTime, &[180_000, 10_000_000]), shown("0\u{a0}ms", "12\u{a0}s"));
        assert_eq!(over(Series::ResponseTime, &[]), shown("0\u{a0}ms", "1\u{a0}ms"));
        assert_eq!(over(Series::Availability, &[990_000, 900_000]), shown("88\u{a0}%", "100\u{a0}%"));
        assert_eq!(over(Series::Availability, &[0]), shown("0\u{a0}%", "100\u{a0}%"));
        assert_eq!(over(Series::Availability, &[1_000_000]), shown("99\u{a0}%", "100\u{a0}%"));
    }
}
