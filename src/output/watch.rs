//! What filters and fields need to know besides a frame's record, kept up to date frame by frame.

use std::cell::{Ref, RefCell};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::rc::Rc;

use super::select::RecordFilter;
use super::tee::OutputError;
use crate::dissect::{Message, Peer};
use crate::filter::{Filter, Needs, Responses, Times, View};
use crate::session::{FrameRecord, Remainder, Resolution, Sink};
use crate::stream::{Analysis, Analyzer};

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

#[derive(Debug)]
struct State {
    filter: Option<Filter>,
    show_passwords: bool,
    times: Times,
    analyzer: Option<Analyzer>,
    analysis: Option<Analysis>,
    answers: Option<Answers>,
    /// The last frame that the filter was asked about, and its answer.
    asked: (u64, bool),
    matched: bool,
    /// Whether only frames that a user watches are analysed.
    watched_only: bool,
}

/// A handle to what is known; all clones are of one. Added to a [`Tee`](super::Tee) as its first
/// output, so that it is up to date before the others ask.
#[derive(Debug, Clone)]
pub struct Watch(Rc<RefCell<State>>);

impl Watch {
    /// Knows what `needs` says, of which the filter's own are part, and asks the filter where
    /// there is one. `answers` are the responses that requests get later, where they are needed.
    #[must_use]
    pub fn new(
        filter: Option<Filter>,
        needs: Needs,
        answers: Option<Answers>,
        show_passwords: bool,
    ) -> Self {
        Self(Rc::new(RefCell::new(State {
            filter,
            show_passwords,
            times: Times::default(),
            analyzer: needs.analysis.then(Analyzer::default),
            analysis: None,
            answers,
            asked: (0, false),
            matched: false,
            watched_only: false,
        })))
    }

    /// The same, with TCP's analysis of the frames that a user watches alone.
    #[must_use]
    pub fn of_watched(self) -> Self {
        self.0.borrow_mut().watched_only = true;
        self
    }

    /// Whether there is a filter and nothing has matched it.
    #[must_use]
    pub fn has_missed(&self) -> bool {
        let state = self.0.borrow();
        state.filter.is_some() && !state.matched
    }

    /// What TCP's analysis says of the present frame, where it was asked for.
    #[must_use]
    pub fn analysis(&self) -> Option<Analysis> {
        self.0.borrow().analysis
    }

    /// Gives `show` a view of the present frame.
    pub fn view<T>(&self, record: &FrameRecord<'_>, show: impl FnOnce(&View<'_>) -> T) -> T {
        let state = self.0.borrow();
        show(&state.view(record))
    }

    /// Gives `show` a view of a message that no frame completed.
    pub fn late<T>(&self, message: &Message, show: impl FnOnce(&View<'_>) -> T) -> T {
        let state: Ref<'_, State> = self.0.borrow();
        View::of_late(message, state.times, |view| {
            show(&View {
                show_passwords: state.show_passwords,
                ..*view
            })
        })
    }
}

impl State {
    fn view<'a>(&'a self, record: &'a FrameRecord<'a>) -> View<'a> {
        let answers = self.answers.as_ref();
        View {
            analysis: self.analysis.as_ref(),
            responses: answers.map(|answers| &answers.peers as &dyn Responses),
            show_passwords: self.show_passwords,
            ..View::new(record, self.times)
        }
    }
}

impl Sink for Watch {
    type Error = OutputError;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        let state = &mut *self.0.borrow_mut();
        let time = record.frame.header.time;
        state.times.advance(time);
        state.analysis = None;
        if let Some(analyzer) = &mut state.analyzer {
            if let (Some(segment), Some(placement)) = (record.segment(), &record.placement)
                && (!state.watched_only || record.is_watched())
            {
                let number = record.frame.number;
                state.analysis = Some(analyzer.push(number, time, segment, placement));
            }
            for flow in record.ended_flows {
                analyzer.end(flow.stream);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, _: &Remainder<'_>) -> Result<(), OutputError> {
        Ok(())
    }
}

impl RecordFilter for Watch {
    fn frame(&self, record: &FrameRecord<'_>) -> bool {
        let state = &mut *self.0.borrow_mut();
        let number = record.frame.number;
        if state.asked.0 == number {
            return state.asked.1;
        }
        let filter = state.filter.as_ref();
        let matches = filter.is_none_or(|filter| filter.matches(&state.view(record)));
        state.asked = (number, matches);
        if matches {
            state.matched = true;
            state.times.displayed();
        }
        matches
    }

    fn message(&self, message: &Message) -> bool {
        let matches = self.late(message, |view| {
            let state = self.0.borrow();
            let filter = state.filter.as_ref();
            filter.is_none_or(|filter| filter.matches(view))
        });
        self.0.borrow_mut().matched |= matches;
        matches
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
