//! A series as its look-back slides over the samples: its value at every instant at which it can change.
//!
//! A value changes when a sample comes, and again when it falls out of the look-back. Between two such instants it
//! stands still. So the least and the most of a stretch are those of its instants, and no page, message or trigger can
//! ever have seen a value beyond them, whenever it looked.
//!
//! After the newest sample of all its value stands until it is silence: what came since may not be written yet, and a
//! look-back that only loses samples would tell of something that never was.

use super::condition::{Sample, Series, p95};
use super::{Span, Timestamp};

/// One pass over samples in order of time; it only moves forward.
pub struct Sliding<'a> {
    series: &'a Series,
    look_back: Span,
    samples: &'a [Sample],
    /// The samples in the look-back: from `begin`, up to `end` exclusively.
    begin: usize,
    end: usize,
    failed: i64,
    /// Their times, in order of size; kept only for the series that needs them.
    micros: Vec<i64>,
    /// How old the newest sample may be; beyond it there is no value.
    silent_after: Span,
}

impl<'a> Sliding<'a> {
    pub fn over(series: &'a Series, look_back: Span, samples: &'a [Sample], silent_after: Span) -> Sliding<'a> {
        Sliding { series, look_back, samples, begin: 0, end: 0, failed: 0, micros: Vec::new(), silent_after }
    }

    /// The value at `at`, which is not before an instant that was asked for earlier.
    pub fn at(&mut self, asked: Timestamp) -> Option<i64> {
        let at = self.samples.last().map_or(asked, |newest| newest.at.min(asked));
        while let Some(sample) = self.samples.get(self.end).filter(|sample| sample.at <= at) {
            self.count(sample, true);
            self.end += 1;
        }
        while let Some(sample) = self.samples[..self.end].get(self.begin).filter(|it| it.at <= at - self.look_back) {
            self.count(sample, false);
            self.begin += 1;
        }
        let newest = self.samples[self.begin..self.end].last()?;
        if asked - newest.at > self.silent_after {
            return None;
        }
        let all = i64::try_from(self.end - self.begin).ok()?;
        self.series.share(self.failed, all).or_else(|| p95(&self.micros))
    }

    /// The next instant after `at` at which the value changes.
    pub fn next_change(&self, at: Timestamp) -> Option<Timestamp> {
        let after = |at: Timestamp| move |sample: &&Sample| sample.at > at;
        let comes = self.samples[self.end..].iter().find(after(at)).map(|sample| sample.at);
        let goes = self.samples[self.begin..].iter().find(after(at - self.look_back));
        [comes, goes.map(|sample| sample.at + self.look_back)].into_iter().flatten().min()
    }

    fn count(&mut self, sample: &Sample, comes: bool) {
        self.failed += if sample.ok { 0 } else { [-1, 1][usize::from(comes)] };
        if *self.series != Series::ResponseTime {
            return;
        }
        let place = self.micros.partition_point(|micros| *micros < sample.micros);
        if comes {
            self.micros.insert(place, sample.micros);
        } else {
            self.micros.remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::condition::LOOK_BACK;

    #[test]
    fn at_each_instant_it_is_the_value_that_the_series_has_there() {
        let at = |second: i64| Timestamp(1_772_680_468_000_000) + Span::seconds(second);
        let samples: Vec<Sample> = (0..400)
            .map(|count: i64| Sample {
                // In no step with the look-back: that one falls out is an instant of its own.
                at: at(count * 4) + Span::millis(count * 377 % 3_000),
                ok: count % 7 > 2,
                micros: count * 7_919 % 1_000,
            })
            .collect();
        let never_silent = Span::hours(1);
        for series in [Series::ErrorRate, Series::Availability, Series::ResponseTime] {
            let mut sliding = Sliding::over(&series, LOOK_BACK, &samples, never_silent);
            let (mut instant, mut changes, newest) = (at(-10), 0, samples[samples.len() - 1].at);
            let mut stands = sliding.at(instant);
            assert_eq!(stands, None);
            while let Some(next) = sliding.next_change(instant).filter(|next| *next <= newest) {
                let before = series.value(&samples, LOOK_BACK, Timestamp(next.0 - 1));
                assert_eq!(stands, before, "nothing changed since {instant:?}");
                assert_eq!(sliding.at(Timestamp(next.0 - 1)), before);
                stands = sliding.at(next);
                assert_eq!(stands, series.value(&samples, LOOK_BACK, next), "{series:?} at {next:?}");
                (instant, changes) = (next, changes + 1);
            }
            assert!(changes > 300, "{changes}");
            let last = series.value(&samples, LOOK_BACK, newest);
            assert_eq!((sliding.at(newest + Span::seconds(50)), last.is_some()), (last, true), "it stands");
            assert_eq!(sliding.at(newest + never_silent + Span(1)), None, "until it is silence");
        }
        let other = Series::Other("queue".into());
        assert_eq!(Sliding::over(&other, LOOK_BACK, &samples, never_silent).at(at(30)), None);
    }
}
