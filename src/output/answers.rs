//! The responses to requests, learnt in a pass of their own: a filter that asks where a request is answered has to know
//! it before the response's frame comes.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::tee::OutputError;
use crate::dissect::Peer;
use crate::filter::Responses;
use crate::session::{FrameRecord, Remainder, Resolution, Sink};

/// Responses kept for filters and fields at the most: with the table's own slots 64 MiB.
const MAX_ANSWERS: usize = 1 << 20;

/// Responses found by an earlier pass over the same capture, by the request's number.
#[derive(Debug)]
pub struct Answers {
    peers: HashMap<u64, Peer>,
    most: usize,
    /// Messages whose peers were not kept.
    forgotten: u64,
}

impl Default for Answers {
    fn default() -> Self {
        Self::with_most(MAX_ANSWERS)
    }
}

impl Answers {
    fn with_most(most: usize) -> Self {
        Self {
            peers: HashMap::new(),
            most,
            forgotten: 0,
        }
    }

    /// Messages whose responses filters and fields do not know, as there were too many.
    #[must_use]
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    fn keep(&mut self, message: u64, peer: Peer) {
        if self.peers.len() < self.most {
            self.peers.insert(message, peer);
        } else {
            self.forgotten += 1;
        }
    }

    fn see(&mut self, resolutions: &[Resolution]) {
        for resolution in resolutions {
            if let Some(peer) = resolution.response {
                self.keep(resolution.request, peer);
                if let Some(early) = resolution.early {
                    let frame = resolution.frame;
                    self.keep(early.number, Peer { frame, ..peer });
                }
            }
        }
    }
}

impl Responses for Answers {
    fn response(&self, request: u64) -> Option<Peer> {
        self.peers.response(request)
    }
}

impl Sink for Answers {
    type Error = OutputError;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        self.see(record.resolutions);
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), OutputError> {
        self.see(remainder.resolutions);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_known_ahead_are_bounded_and_counted_beyond() {
        assert_eq!(Answers::default().most, 1_048_576);
        let mut answers = Answers::with_most(3);
        for message in 0..5 {
            let peer = Peer {
                frame: message + 1,
                elapsed: 1,
            };
            answers.keep(message, peer);
        }
        assert_eq!((answers.peers.len(), answers.forgotten()), (3, 2));
        assert!(answers.peers.response(2).is_some());
        assert!(answers.peers.response(3).is_none());
    }
}
