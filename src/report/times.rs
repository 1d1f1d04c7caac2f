//! Times and spans as a page shows them.

#![expect(
    clippy::cast_precision_loss,
    reason = "times for people, shown with few digits"
)]

use crate::capture::Timestamp;
use crate::output::{TimeDisplay, TimeFormat};

/// Date and time of day in UTC with microseconds.
fn utc(time: Timestamp) -> String {
    let mut clock = TimeDisplay::new(TimeFormat::Utc);
    let whole = Timestamp(time.0 - time.0.rem_euclid(1000));
    clock.see(whole);
    let mut text = String::new();
    clock.write(&mut text, whole);
    text.trim_end_matches('Z').to_owned()
}

/// Date and time of day to the millisecond, `2024-01-15 10:00:05.000 UTC`.
pub(super) fn full(time: Timestamp) -> String {
    let text = utc(time);
    format!("{} UTC", &text[..text.len() - 3])
}

/// The format of times within a capture: as short as it can be without ambiguity.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    start: Timestamp,
    /// Nanoseconds from the first frame to the last.
    length: i64,
}

const DAY: i64 = 86_400 * Timestamp::SECOND;

impl Shown {
    pub const fn new(start: Timestamp, length: i64) -> Self {
        Self { start, length }
    }

    /// The day that all of it is on; `None` if it is on several.
    pub fn day(&self) -> Option<String> {
        let [first, last] = [self.start, self.after(self.length)].map(utc);
        let day = first.split(' ').next()?;
        last.starts_with(day).then(|| day.to_owned())
    }

    fn after(&self, nanoseconds: i64) -> Timestamp {
        Timestamp(self.start.0.saturating_add(nanoseconds))
    }

    /// A time to the millisecond, with its day where there are several.
    pub fn time(&self, time: Timestamp) -> String {
        let text = utc(time);
        let text = &text[..text.len() - 3];
        match (self.day(), text.split_once(' ')) {
            (Some(_), Some((_, time))) => time.to_owned(),
            _ => text.to_owned(),
        }
    }

    /// The same for an axis: no longer than the capture's length needs.
    pub fn tick(&self, after: i64) -> String {
        let text = utc(self.after(after));
        let Some((day, time)) = text.split_once(' ') else {
            return text;
        };
        let day = day.get(5..).unwrap_or(day);
        let minute = time.get(..5).unwrap_or(time);
        match self.length {
            length if length > 20 * DAY => day.to_owned(),
            length if self.day().is_none() && length > DAY / 24 => format!("{day} {minute}"),
            length if length > DAY / 24 => minute.to_owned(),
            length if length > 10 * Timestamp::SECOND => time.get(..8).unwrap_or(time).to_owned(),
            _ => time.get(..12).unwrap_or(time).to_owned(),
        }
    }
}

/// A span as people say it: `81 ms`, `2.5 s`, `3 min 5 s`, `2 h 10 min`, `4 d 2 h`.
pub(super) fn span(nanoseconds: i64) -> String {
    let seconds = nanoseconds as f64 / Timestamp::SECOND as f64;
    let whole = nanoseconds / Timestamp::SECOND;
    let two = |large: i64, small: i64, units: [&str; 2]| match small {
        0 => format!("{large} {}", units[0]),
        _ => format!("{large} {} {small} {}", units[0], units[1]),
    };
    match seconds.abs() {
        s if s < 1e-3 => format!("{} µs", significant(seconds * 1e6)),
        s if s < 1.0 => format!("{} ms", significant(seconds * 1e3)),
        s if s < 60.0 => format!("{} s", significant(seconds)),
        s if s < 3600.0 => two(whole / 60, whole % 60, ["min", "s"]),
        s if s < 86_400.0 => two(whole / 3600, whole % 3600 / 60, ["h", "min"]),
        _ => two(whole / 86_400, whole % 86_400 / 3600, ["d", "h"]),
    }
}

/// Three digits, without noughts behind the point.
fn significant(value: f64) -> String {
    let decimals = match value.abs() {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// Milliseconds with three decimals, as `stats` and the exchanges' rows have them.
pub(super) fn milliseconds(nanoseconds: i64) -> String {
    format!("{:.3}", nanoseconds as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_people_say_them() {
        for (nanoseconds, text) in [
            (0, "0 µs"),
            (200_000, "200 µs"),
            (81_000_000, "81 ms"),
            (2_500_000_000, "2.5 s"),
            (5_001_000_000, "5 s"),
            (185_000_000_000, "3 min 5 s"),
            (7_800_000_000_000, "2 h 10 min"),
            (352_800_000_000_000, "4 d 2 h"),
            (-3_000_000, "-3 ms"),
        ] {
            assert_eq!(span(nanoseconds), text);
        }
    }

    #[test]
    fn times_are_as_short_as_tells_them_apart() {
        let start = Timestamp(1_705_312_800_000_000_000);
        let second = Timestamp::SECOND;
        let short = Shown::new(start, 5 * second);
        assert_eq!(short.tick(second / 2), "10:00:00.500");
        assert_eq!(short.time(Timestamp(start.0 + 2_000_000)), "10:00:00.002");
        assert_eq!(short.day().as_deref(), Some("2024-01-15"));
        assert_eq!(Shown::new(start, 60 * second).tick(61 * second), "10:01:01");
        assert_eq!(Shown::new(start, 7200 * second).tick(0), "10:00");
        let long = Shown::new(start, 40 * DAY);
        assert_eq!((long.tick(DAY), long.day()), ("01-16".to_owned(), None));
        assert_eq!(long.time(start), "2024-01-15 10:00:00.000");
    }
}
