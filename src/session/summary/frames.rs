//! What frames were, before any message is looked at.

use crate::capture::{FrameHeader, Timestamp};
use crate::session::{FrameRecord, WithoutTcp};

/// Counts of frames.
#[derive(Debug, Default)]
pub struct FrameCounts {
    /// All frames.
    pub frames: u64,
    /// Their bytes on the wire.
    pub octets: u64,
    /// Those on watched ports or of RegLogin streams.
    pub watched: u64,
    /// Those of which the snapshot length cut something off.
    pub cut: u64,
    /// Earliest and latest time.
    pub times: Option<[Timestamp; 2]>,
    /// Those without a TCP segment.
    pub without_tcp: WithoutTcp,
}

impl FrameCounts {
    /// Counts a frame.
    #[inline]
    pub fn count(&mut self, record: &FrameRecord<'_>) {
        let header = record.frame.header;
        self.frames += 1;
        self.octets += u64::from(header.wire);
        self.cut += u64::from(header.captured < header.wire);
        self.watched += u64::from(record.is_watched());
        match &mut self.times {
            Some([first, last]) => {
                *first = header.time.min(*first);
                *last = header.time.max(*last);
            }
            None => self.times = Some([header.time; 2]),
        }
        self.without_tcp.count(record.packet);
    }

    /// Counts frames of which so many are watched, and others have no TCP segment.
    pub fn count_all(&mut self, headers: &[FrameHeader], watched: u64, without_tcp: &WithoutTcp) {
        let Some(header) = headers.first() else {
            return;
        };
        let [mut first, mut last] = self.times.unwrap_or([header.time; 2]);
        for header in headers {
            self.octets += u64::from(header.wire);
            self.cut += u64::from(header.captured < header.wire);
            first = header.time.min(first);
            last = header.time.max(last);
        }
        self.frames += headers.len() as u64;
        self.watched += watched;
        self.times = Some([first, last]);
        self.without_tcp.add(without_tcp);
    }

    /// Nanoseconds from the earliest frame to the latest.
    #[must_use]
    pub fn duration(&self) -> i64 {
        self.times.map_or(0, |[first, last]| last.since(first))
    }
}
