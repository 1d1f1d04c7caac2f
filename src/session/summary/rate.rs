//! Counts over time, in a fixed number of bars. Their width doubles as the capture gets longer.

#![expect(
    clippy::cast_possible_truncation,
    reason = "bars of a chart, bounded by the width that they grow to"
)]

use super::frames::Together;
use crate::capture::{FrameHeader, Timestamp};

/// Most bars.
pub const BARS: usize = 32;
/// Initial width of a bar in nanoseconds: a millisecond.
const FIRST_WIDTH: u64 = 1_000_000;

/// Counts for one span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bar {
    /// Frames.
    pub frames: u64,
    /// Length of the frames on the wire, in bytes.
    pub octets: u64,
    /// Messages.
    pub messages: u64,
    /// Responses that say success.
    pub successes: u64,
    /// Responses that say failure.
    pub failures: u64,
}

/// Bars over time. Frames earlier than the first one are counted in the first bar.
#[derive(Debug)]
pub struct Rate {
    start: Timestamp,
    width: u64,
    bars: [Bar; BARS],
    current: usize,
    /// Start and end of the current bar's span; empty before the first frame.
    from: i64,
    to: i64,
    used: usize,
}

impl Default for Rate {
    fn default() -> Self {
        Self {
            start: Timestamp(0),
            width: FIRST_WIDTH,
            bars: [Bar::default(); BARS],
            current: 0,
            from: 0,
            to: 0,
            used: 0,
        }
    }
}

impl Rate {
    /// Counts a frame.
    #[inline]
    pub fn frame(&mut self, time: Timestamp, wire: u32) {
        self.go_to(time);
        let bar = &mut self.bars[self.current];
        bar.frames += 1;
        bar.octets += u64::from(wire);
    }

    /// Counts frames: together if they are all in one bar, as those of most batches are.
    pub fn frames(&mut self, headers: &[FrameHeader], all: &Together) {
        if let Some(first) = headers.first() {
            self.go_to(first.time);
        }
        if all.times.into_iter().all(|time| self.is_in_bar(time)) {
            let bar = &mut self.bars[self.current];
            bar.frames += all.frames;
            bar.octets += all.octets;
            return;
        }
        for header in headers {
            self.frame(header.time, header.wire);
        }
    }

    /// Makes the bar of this time the current one.
    #[inline]
    pub fn go_to(&mut self, time: Timestamp) {
        if !self.is_in_bar(time) {
            self.seek(time);
        }
    }

    /// Whether this time is in the current bar.
    #[must_use]
    #[inline]
    pub const fn is_in_bar(&self, time: Timestamp) -> bool {
        self.from <= time.0 && time.0 < self.to
    }

    /// Counts messages in the current bar, and how many of them are successful and failed responses.
    pub fn messages(&mut self, messages: u64, [successes, failures]: [u64; 2]) {
        let bar = &mut self.bars[self.current];
        bar.messages += messages;
        bar.successes += successes;
        bar.failures += failures;
    }

    /// The bars up to the last one that is not empty.
    #[must_use]
    pub fn bars(&self) -> &[Bar] {
        &self.bars[..self.used]
    }

    /// Start of the first bar.
    #[must_use]
    pub const fn start(&self) -> Timestamp {
        self.start
    }

    /// Width of each bar in nanoseconds.
    #[must_use]
    pub const fn width(&self) -> u64 {
        self.width
    }

    #[cold]
    fn seek(&mut self, time: Timestamp) {
        if self.used == 0 {
            self.start = time;
        }
        let offset = u64::try_from(time.since(self.start)).unwrap_or(0);
        while offset / self.width >= BARS as u64 {
            self.double();
        }
        self.current = (offset / self.width) as usize;
        self.used = self.used.max(self.current + 1);
        let start = self.current as u64 * self.width;
        self.from = self.start.0.saturating_add_unsigned(start);
        self.to = self.from.saturating_add_unsigned(self.width);
    }

    fn double(&mut self) {
        for index in 0..BARS / 2 {
            let [one, other] = [self.bars[2 * index], self.bars[2 * index + 1]];
            self.bars[index] = Bar {
                frames: one.frames + other.frames,
                octets: one.octets + other.octets,
                messages: one.messages + other.messages,
                successes: one.successes + other.successes,
                failures: one.failures + other.failures,
            };
        }
        self.bars[BARS / 2..].fill(Bar::default());
        self.used = self.used.div_ceil(2);
        self.width *= 2;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bars_double_when_time_goes_on() {
        let mut rate = Rate::default();
        let start: i64 = 1_705_312_800_000_000_000;
        for n in 0..BARS as u64 * 2 {
            rate.frame(
                Timestamp(start.saturating_add_unsigned(n * FIRST_WIDTH)),
                10,
            );
            rate.messages(1, [1, 0]);
        }
        assert_eq!(rate.width(), 2 * FIRST_WIDTH);
        let full = Bar {
            frames: 2,
            octets: 20,
            messages: 2,
            successes: 2,
            failures: 0,
        };
        assert_eq!(rate.bars(), [full; BARS]);
    }

    proptest! {
        #[test]
        fn many_frames_at_once_count_as_one_by_one(
            times in proptest::collection::vec(-1_000_000_000_000..1_000_000_000_000i64, 0..60),
        ) {
            let headers: Vec<_> = times.iter().map(|time| FrameHeader {
                time: Timestamp(*time),
                start: 0,
                captured: 7,
                wire: 7,
                interface: 0,
                link: crate::capture::LinkType::ETHERNET,
            }).collect();
            let (mut one, mut all) = (Rate::default(), Rate::default());
            for header in &headers {
                one.frame(header.time, header.wire);
            }
            if let Some(together) = Together::of(&headers) {
                all.frames(&headers, &together);
            }
            prop_assert_eq!(one.bars(), all.bars());
            prop_assert_eq!(one.width(), all.width());
        }

        #[test]
        fn nothing_is_lost_at_any_times(times in proptest::collection::vec(any::<i64>(), 1..60)) {
            let mut rate = Rate::default();
            for time in &times {
                rate.frame(Timestamp(*time), 1);
                rate.messages(1, [0, 1]);
            }
            let sum = |part: fn(&Bar) -> u64| rate.bars().iter().map(part).sum::<u64>();
            prop_assert_eq!(sum(|bar| bar.frames), times.len() as u64);
            prop_assert_eq!(sum(|bar| bar.failures), times.len() as u64);
            prop_assert!(rate.bars().last().is_some_and(|bar| bar.frames > 0));
        }
    }
}
