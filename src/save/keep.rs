//! Whole connections of the frames that match.

use std::collections::HashMap;

use super::streams::StreamSet;
use crate::session::FrameRecord;

/// Fragments remembered; of what is beyond that only the one that completes its datagram is kept.
const MOST_FRAGMENTS: usize = 1 << 20;

/// The connections that are kept.
#[derive(Debug, Default)]
pub(super) struct Kept {
    streams: StreamSet,
    /// The streams of fragments, by frame.
    fragments: HashMap<u64, u32>,
}

impl Kept {
    /// Records whether a frame matches.
    pub fn survey(&mut self, record: &FrameRecord<'_>, matches: bool) {
        let Some(placed) = record.placement else {
            return;
        };
        if matches {
            self.streams.add(placed.stream);
        }
        for piece in record.datagram.iter().flat_map(|datagram| &datagram.pieces) {
            if self.fragments.len() < MOST_FRAGMENTS {
                self.fragments.insert(piece.frame, placed.stream);
            }
        }
    }

    /// Whether a frame belongs to a connection that is kept.
    pub fn has(&self, record: &FrameRecord<'_>) -> bool {
        let placed = record.placement.map(|placed| placed.stream);
        let stream = placed.or_else(|| self.fragments.get(&record.frame.number).copied());
        stream.is_some_and(|stream| self.streams.has(stream))
    }
}
