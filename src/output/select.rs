//! Which rows an output has.

use std::fmt::Write as _;
use std::rc::Rc;

use super::watch::Watch;
use crate::dissect::{Message, Severity};
use crate::session::{FrameRecord, StreamNote};
use crate::stream::Analysis;

/// What a row is, and which there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rows {
    /// One a message.
    Messages,
    /// One a frame, of watched ports and of streams that turned out to be RegLogin.
    #[default]
    Watched,
    /// One a frame, of all frames.
    All,
}

/// Says of records whether they are to be shown.
pub trait RecordFilter {
    /// Whether a frame matches.
    fn frame(&self, record: &FrameRecord<'_>) -> bool;
    /// Whether a message matches that no frame has completed.
    fn message(&self, message: &Message) -> bool;
}

/// Which rows an output has: by kind, and by a filter where there is one.
#[derive(Clone, Default)]
pub struct Select {
    /// The kind of rows.
    pub rows: Rows,
    /// What frames must match besides.
    pub filter: Option<Rc<dyn RecordFilter>>,
    /// What TCP's analysis says of frames, where rows tell it.
    pub analysis: Option<Watch>,
    /// Whether rows show what may be part of a password.
    pub show_passwords: bool,
}

impl Select {
    /// All rows of a kind.
    #[must_use]
    pub const fn all(rows: Rows) -> Self {
        Self {
            rows,
            filter: None,
            analysis: None,
            show_passwords: false,
        }
    }

    /// Whether the frame has a row, or its messages have.
    #[must_use]
    pub fn takes(&self, record: &FrameRecord<'_>) -> bool {
        let of_kind = match self.rows {
            Rows::Messages => has_messages(record),
            Rows::Watched => record.is_watched(),
            Rows::All => true,
        };
        of_kind && self.matches(record)
    }

    /// Appends what TCP's analysis says of the present frame: `[TCP Retransmission] `.
    pub fn write_findings(&self, out: &mut String) {
        let analysis = self.analysis.as_ref().and_then(Watch::analysis);
        for label in analysis.iter().flat_map(Analysis::labels) {
            let _ = write!(out, "[{label}] ");
        }
    }

    /// Whether the frame matches the filter.
    #[must_use]
    pub fn matches(&self, record: &FrameRecord<'_>) -> bool {
        self.filter
            .as_ref()
            .is_none_or(|filter| filter.frame(record))
    }

    /// Whether a message is shown that an earlier frame carried, or no frame completed.
    #[must_use]
    pub fn takes_late(&self, message: &Message) -> bool {
        self.filter
            .as_ref()
            .is_none_or(|filter| filter.message(message))
    }
}

/// The messages whose last octet this very frame made available.
pub fn messages_of<'a>(record: &FrameRecord<'a>) -> impl Iterator<Item = &'a Message> + use<'a> {
    let number = record.frame.number;
    record
        .messages
        .iter()
        .filter(move |message| message.frame == number)
}

/// The messages that an earlier frame carried as far as they go; only now is it known that
/// nothing more comes.
pub fn late_messages<'a>(record: &FrameRecord<'a>) -> impl Iterator<Item = &'a Message> + use<'a> {
    let number = record.frame.number;
    record
        .messages
        .iter()
        .filter(move |message| message.frame != number)
}

/// The warnings and errors on streams that have no row of a frame to stand in.
pub fn loose_notes<'a>(
    record: &FrameRecord<'a>,
    select: &Select,
) -> impl Iterator<Item = &'a StreamNote> + use<'a> {
    let in_a_row = || select.rows != Rows::Messages && select.takes(record);
    let notes = match record.notes {
        notes if notes.is_empty() || in_a_row() || !select.matches(record) => &[],
        notes => notes,
    };
    notes.iter().filter(|noted| {
        noted.note.severity() >= Severity::Warning || noted.note.asks_while_it_waits()
    })
}

fn has_messages(record: &FrameRecord<'_>) -> bool {
    messages_of(record).next().is_some()
}
