//! Responses by request, collected in a first pass over the capture: a filter on `reglogin.response_in` must know the
//! response before its frame is read.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::tee::OutputError;
use crate::dissect::Peer;
use crate::filter::Responses;
use crate::layout::Said;
use crate::session::{FrameRecord, Outcome, Remainder, Resolution, Sink};

/// At most so many responses are kept: about 70 MiB with the hash table's free slots.
const MAX_ANSWERS: usize = 1 << 20;

/// The response to a request, and the outcome that it reports. For an early response: its request, without an outcome.
#[derive(Debug, Clone, Copy)]
struct Answer {
    peer: Peer,
    said: Option<Said>,
}

/// Responses found by an earlier pass over the same capture. The key is the number of the request, counted over all
/// messages of the capture.
#[derive(Debug)]
pub struct Answers {
    known: HashMap<u64, Answer>,
    most: usize,
    /// Messages whose peers were not kept, because the table was full.
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
            known: HashMap::new(),
            most,
            forgotten: 0,
        }
    }

    /// Messages whose responses are unknown to filters and fields, because the table was full.
    #[must_use]
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    fn keep(&mut self, message: u64, answer: Answer) {
        if self.known.len() < self.most {
            self.known.insert(message, answer);
        } else {
            self.forgotten += 1;
        }
    }

    fn see(&mut self, resolutions: &[Resolution]) {
        for resolution in resolutions {
            if let Some(peer) = resolution.response {
                let said = match resolution.outcome {
                    Outcome::Success => Some(Said::Success),
                    Outcome::Failure(_) => Some(Said::Failure),
                    Outcome::Unclear | Outcome::Unanswered => None,
                };
                self.keep(resolution.request, Answer { peer, said });
                if let Some(early) = resolution.early {
                    let frame = resolution.frame;
                    let peer = Peer { frame, ..peer };
                    self.keep(early.number, Answer { peer, said: None });
                }
            }
        }
    }
}

impl Responses for Answers {
    fn response(&self, request: u64) -> Option<Peer> {
        self.known.get(&request).map(|answer| answer.peer)
    }

    fn said(&self, request: u64) -> Option<Said> {
        self.known.get(&request)?.said
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
            answers.keep(message, Answer { peer, said: None });
        }
        assert_eq!((answers.known.len(), answers.forgotten()), (3, 2));
        assert!(answers.response(2).is_some());
        assert!(answers.response(3).is_none());
    }
}
