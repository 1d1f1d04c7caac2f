//! Counts of frames, independent of messages.

use crate::capture::{FrameHeader, Timestamp};
use crate::session::{FrameRecord, WithoutTcp};

/// Counts of frames.
#[derive(Debug, Default)]
pub struct FrameCounts {
    /// All frames.
    pub frames: u64,
    /// Length of all frames on the wire, in bytes.
    pub octets: u64,
    /// Frames on watched ports, or of streams with messages.
    pub watched: u64,
    /// Frames cut off by the snapshot length.
    pub cut: u64,
    /// Earliest and latest time; `None` before the first frame.
    pub times: Option<[Timestamp; 2]>,
    /// Frames without a TCP segment.
    pub without_tcp: WithoutTcp,
}

/// What is counted of several frames' headers.
#[derive(Debug, Clone, Copy)]
pub struct Together {
    pub frames: u64,
    /// Length on the wire, in bytes.
    pub octets: u64,
    /// Frames cut off by the snapshot length.
    pub cut: u64,
    /// Earliest and latest time.
    pub times: [Timestamp; 2],
}

impl Together {
    /// Of these frames; `None` if there are none.
    pub fn of(headers: &[FrameHeader]) -> Option<Self> {
        let (mut octets, mut cut) = (0, 0);
        let [mut first, mut last] = [headers.first()?.time; 2];
        for header in headers {
            octets += u64::from(header.wire);
            cut += u64::from(header.captured < header.wire);
            first = header.time.min(first);
            last = header.time.max(last);
        }
        Some(Self {
            frames: headers.len() as u64,
            octets,
            cut,
            times: [first, last],
        })
    }
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

    /// Counts frames. `watched` of them are watched, and those in `without_tcp` have no TCP segment.
    pub fn count_all(&mut self, all: &Together, watched: u64, without_tcp: &WithoutTcp) {
        self.frames += all.frames;
        self.octets += all.octets;
        self.cut += all.cut;
        self.watched += watched;
        let [first, last] = self.times.get_or_insert(all.times);
        *first = all.times[0].min(*first);
        *last = all.times[1].max(*last);
        self.without_tcp.add(without_tcp);
    }

    /// Nanoseconds from the earliest frame to the latest.
    #[must_use]
    pub fn duration(&self) -> i64 {
        self.times.map_or(0, |[first, last]| last.since(first))
    }
}
