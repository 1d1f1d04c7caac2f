//! Frame times, written in the format that the user chose (`-t`).

#![expect(clippy::cast_possible_truncation, reason = "the length of a format")]

use jiff::tz::TimeZone;

use crate::capture::Timestamp;
use crate::filter::Times;
use crate::text::put;

/// The format of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum TimeFormat {
    /// Seconds since the first frame of the capture.
    #[default]
    #[value(alias = "r")]
    Relative,
    /// Seconds since the frame before, shown or not.
    #[value(alias = "d")]
    Delta,
    /// Date and time of day where you are.
    #[value(alias = "ad")]
    Absolute,
    /// Date and time of day in UTC.
    #[value(alias = "ud")]
    Utc,
    /// Seconds since 1970-01-01 00:00:00 UTC.
    #[value(alias = "e")]
    Epoch,
}

/// Digits of a fraction in nanoseconds after its microseconds.
const BELOW_MICROSECONDS: usize = 3;

/// Follows the times of frames and writes them with six decimals, or with nine from the first frame that needs them.
#[derive(Debug, Clone)]
pub struct TimeDisplay {
    format: TimeFormat,
    zone: TimeZone,
    times: Times,
    nanoseconds: bool,
}

impl Default for TimeDisplay {
    fn default() -> Self {
        Self::new(TimeFormat::default())
    }
}

impl TimeDisplay {
    /// A clock that has seen no frame.
    #[must_use]
    pub fn new(format: TimeFormat) -> Self {
        let zone = match format {
            TimeFormat::Absolute => TimeZone::system(),
            _ => TimeZone::UTC,
        };
        Self {
            format,
            zone,
            times: Times::default(),
            nanoseconds: false,
        }
    }

    /// Takes the next frame's time. It must be called for every frame, shown or not.
    pub fn see(&mut self, time: Timestamp) {
        self.times.advance(time);
        self.nanoseconds |= time.0 % 1000 != 0;
    }

    /// Marks the current frame as shown.
    pub const fn displayed(&mut self) {
        self.times.displayed();
    }

    /// The times of frames.
    #[must_use]
    pub const fn times(&self) -> Times {
        self.times
    }

    /// The last frame's time.
    #[must_use]
    pub const fn last(&self) -> Timestamp {
        self.times.now()
    }

    /// The width of a usual time, in columns.
    #[must_use]
    pub const fn width(&self) -> u16 {
        let more = if self.nanoseconds {
            BELOW_MICROSECONDS as u16
        } else {
            0
        };
        more + match self.format {
            TimeFormat::Relative | TimeFormat::Delta => 11,
            TimeFormat::Absolute => 26,
            TimeFormat::Utc => 27,
            TimeFormat::Epoch => 17,
        }
    }

    /// Appends a time.
    pub fn write(&self, out: &mut String, time: Timestamp) {
        self.write_as(self.format, out, time);
    }

    /// Appends a time in the given format.
    pub(super) fn write_as(&self, format: TimeFormat, out: &mut String, time: Timestamp) {
        let (first, previous) = (self.times.first(), self.times.previous());
        let since = |start: Option<Timestamp>| start.map_or(0, |start| time.since(start));
        match format {
            TimeFormat::Relative => put::seconds(out, since(first)),
            TimeFormat::Delta => put::seconds(out, since(previous)),
            TimeFormat::Epoch => put::seconds(out, time.0),
            TimeFormat::Absolute => write_date(out, time, &self.zone),
            TimeFormat::Utc => write_date(out, time, &TimeZone::UTC),
        }
        if !self.nanoseconds {
            out.truncate(out.len() - BELOW_MICROSECONDS);
        }
        if format == TimeFormat::Utc {
            out.push('Z');
        }
    }
}

/// Appends date and time of day, with nine decimals.
fn write_date(out: &mut String, time: Timestamp, zone: &TimeZone) {
    let second = time.0.div_euclid(Timestamp::SECOND);
    let nanosecond = time.0.rem_euclid(Timestamp::SECOND);
    // Every 64-bit number of nanoseconds is within jiff's range of years.
    let instant = jiff::Timestamp::from_second(second).unwrap_or_default();
    let date = zone.to_datetime(instant);
    put::four_digits(out, date.year().unsigned_abs().into());
    for (before, number) in [
        ("-", date.month()),
        ("-", date.day()),
        (" ", date.hour()),
        (":", date.minute()),
        (":", date.second()),
    ] {
        out.push_str(before);
        put::two_digits(out, number.unsigned_abs().into());
    }
    out.push('.');
    put::nine_digits(out, u32::try_from(nanosecond).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(format: TimeFormat, times: &[i64]) -> String {
        let mut clock = TimeDisplay::new(format);
        let mut out = String::new();
        for time in times {
            clock.see(Timestamp(*time));
            clock.write(&mut out, Timestamp(*time));
            out.push(' ');
        }
        out
    }

    #[test]
    fn each_format_counts_from_its_own_start() {
        let times = [
            1_600_000_000_000_001_000,
            1_600_000_001_500_000_000,
            1_600_000_001_250_000_000,
        ];
        assert_eq!(
            shown(TimeFormat::Relative, &times),
            "0.000000 1.499999 1.249999 "
        );
        assert_eq!(
            shown(TimeFormat::Delta, &times),
            "0.000000 1.499999 -0.250000 "
        );
        assert_eq!(shown(TimeFormat::Epoch, &times[..1]), "1600000000.000001 ");
        assert_eq!(
            shown(TimeFormat::Utc, &times[..1]),
            "2020-09-13 12:26:40.000001Z "
        );
        assert_eq!(
            shown(TimeFormat::Utc, &[-1_000]),
            "1969-12-31 23:59:59.999999Z "
        );
    }

    #[test]
    fn nine_decimals_where_they_are_needed() {
        assert_eq!(
            shown(TimeFormat::Relative, &[0, 1]),
            "0.000000 0.000000001 "
        );
        assert_eq!(
            shown(TimeFormat::Utc, &[1]),
            "1970-01-01 00:00:00.000000001Z "
        );
        assert_eq!(shown(TimeFormat::Utc, &[i64::MAX]).len(), 31);
        assert_eq!(shown(TimeFormat::Utc, &[i64::MIN]).len(), 31);
    }
}
