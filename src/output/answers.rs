//! The responses to requests, learnt in a pass of their own: a filter that asks where a request is answered has to know
//! it before the response's frame comes.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::tee::OutputError;
use crate::dissect::Peer;
use crate::filter::Responses;
use crate::layout::Said;
use crate::session::{FrameRecord, Outcome, Remainder, Resolution, Sink};

/// Responses kept for filters and fields at most: with the table's own slots 70 MiB.
const MAX_ANSWERS: usize = 1 << 20;

/// A message's peer, and what that says of it where it is a layout's response.
#[derive(Debug, Clone, Copy)]
struct Answer {
    peer: Peer,
    said: Option<Said>,
}

/// Responses found by an earlier pass over the same capture, by the request's number.
#[derive(Debug)]
pub struct Answers {
    known: HashMap<u64, Answer>,
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
            known: HashMap::new(),
            most,
            forgotten: 0,
        }
    }

    /// Messages whose responses filters and fields do not know, as there were too many.
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
