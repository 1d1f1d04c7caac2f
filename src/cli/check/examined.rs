//! What a check examines in one capture: its notes, its requests without a response, and its conversations.

use std::ops::ControlFlow;

use crate::cli::fail_on::FailOn;
use crate::dissect::{Message, Note, Severity};
use crate::output::OutputError;
use crate::output::golden::Golden;
use crate::session::{Exchange, Exchanges, FrameRecord, Remainder, Sink, StreamNote};
use crate::text::escape::EscapedOctets;

/// The most places that are listed for each kind of failure.
const MOST_LISTED: usize = 5;

/// What to look for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// The notes that are failures.
    pub fail_on: Option<FailOn>,
    /// Whether requests without a response are failures.
    pub no_unanswered: bool,
    /// Whether to collect the conversations, for a golden file.
    pub golden: bool,
}

/// What was found.
pub(super) struct Examined {
    wanted: Wanted,
    pub messages: u64,
    pub requests: u64,
    pub unanswered: u64,
    /// Notes by severity, as in [`Severity::ALL`].
    notes: [u64; Severity::ALL.len()],
    /// The first notes that are failures, and the first requests without a response where these are.
    listed: Vec<(Option<u64>, String)>,
    listed_unanswered: usize,
    pub golden: Option<Golden>,
    exchanges: Exchanges,
}

impl Examined {
    /// Nothing seen yet.
    pub fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            messages: 0,
            requests: 0,
            unanswered: 0,
            notes: Default::default(),
            listed: Vec::new(),
            listed_unanswered: 0,
            golden: wanted.golden.then(Golden::default),
            exchanges: Exchanges::default(),
        }
    }

    /// Notes of this severity.
    pub const fn notes(&self, severity: Severity) -> u64 {
        self.notes[severity as usize]
    }

    /// The failures, in order of frames.
    pub fn listed(&self) -> Vec<String> {
        let mut listed = self.listed.clone();
        // Failures without a frame come last.
        listed.sort_by_key(|(frame, _)| frame.unwrap_or(u64::MAX));
        let lines = listed.into_iter().map(|(frame, text)| match frame {
            Some(frame) => format!("frame {frame}: {text}"),
            None => text,
        });
        lines.collect()
    }

    fn note(&mut self, note: &Note, frame: Option<u64>) {
        // How much of a message a frame brought is not worth a note once the whole capture is known.
        if matches!(note, Note::Begun { .. }) {
            return;
        }
        let severity = note.severity();
        self.notes[severity as usize] += 1;
        let is_failure = self.wanted.fail_on.is_some_and(|least| least.has(severity));
        if is_failure && self.listed.len() - self.listed_unanswered < MOST_LISTED {
            let text = format!("{}: {note}", severity.name());
            self.listed.push((frame, text));
        }
    }

    fn messages(&mut self, first: u64, messages: &[Message]) {
        for (number, message) in (first..).zip(messages) {
            self.messages += 1;
            for note in &message.notes {
                self.note(note, Some(message.frame));
            }
            // These messages are in no exchange.
            if let Some(golden) = &mut self.golden
                && !message.is_request()
                && !message.is_response()
            {
                golden.message(number, message);
            }
        }
    }

    fn stream_notes(&mut self, notes: &[StreamNote], frame: Option<u64>) {
        for noted in notes {
            self.note(&noted.note, frame);
            if let Some(golden) = &mut self.golden {
                golden.note(noted);
            }
        }
    }

    fn take_exchanges(&mut self) {
        let complete: Vec<Exchange> = self.exchanges.take().collect();
        for exchange in complete {
            if let Some(request) = exchange.request() {
                self.requests += 1;
                if exchange.response().is_none() {
                    self.without_response(&exchange, request.frame);
                }
            }
            if let Some(golden) = &mut self.golden {
                golden.exchange(&exchange);
            }
        }
    }

    fn without_response(&mut self, exchange: &Exchange, frame: u64) {
        self.unanswered += 1;
        if self.wanted.no_unanswered {
            if self.listed_unanswered < MOST_LISTED {
                self.listed_unanswered += 1;
                let what = exchange.action().unwrap_or("unknown");
                let user = exchange
                    .user(false)
                    .map_or_else(String::new, |user| format!(" of {}", EscapedOctets(&user)));
                let text = format!("no response to the {what} request{user}");
                self.listed.push((Some(frame), text));
            }
            self.notes[Severity::Note as usize] += 1;
        } else {
            self.note(&Note::Unanswered, Some(frame));
        }
    }
}

impl Sink for Examined {
    type Error = OutputError;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        self.messages(record.first_message, record.messages);
        self.stream_notes(record.notes, Some(record.frame.number));
        self.exchanges.record(record);
        self.take_exchanges();
        Ok(ControlFlow::Continue(()))
    }

    fn bare(&mut self, _: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        Ok(ControlFlow::Continue(()))
    }

    fn between(&mut self, found: &Remainder<'_>) -> Result<(), OutputError> {
        self.messages(found.first_message, found.messages);
        self.stream_notes(found.notes, None);
        self.exchanges.rest(found);
        self.take_exchanges();
        Ok(())
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), OutputError> {
        self.between(remainder)?;
        self.exchanges.finish();
        self.take_exchanges();
        Ok(())
    }
}
