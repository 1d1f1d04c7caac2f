//! The short entries that are kept for each frame and each exchange, as there may be millions. Everything else is
//! read again.

use std::collections::HashSet;
use std::sync::Arc;

use crate::capture::Timestamp;
use crate::dissect::{Note, Severity};
use crate::layout::Said;
use crate::output::Highlight;
use crate::output::exchanges;
use crate::packet::Endpoint;
use crate::session::{Exchange, FrameRecord};
use crate::text::escape::EscapedOctets;

/// The stream of a frame that has none.
pub const NO_STREAM: u32 = u32::MAX;

/// The entry of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameEntry {
    /// When it was captured.
    pub time: Timestamp,
    /// The position of its bytes, for [`FrameStore::read`](crate::capture::FrameStore::read).
    pub place: u64,
    /// Bytes captured.
    pub captured: u32,
    /// Bytes on the wire.
    pub wire: u32,
    /// Its stream, or [`NO_STREAM`].
    pub stream: u32,
    /// Its interface, by index.
    pub interface: u16,
    /// What there is to say of it.
    pub marks: Marks,
}

/// Flags of a frame, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Marks(u8);

impl Marks {
    /// It completed a message.
    pub const MESSAGE: Self = Self(1);
    /// A response in it is a failure, or something in it is malformed.
    pub const FAILED: Self = Self(2);
    /// It has a note that is a warning or an error.
    pub const NOTED: Self = Self(4);
    /// It is a fragment of an IP datagram.
    pub const FRAGMENT: Self = Self(8);
    /// A response in it is a success.
    pub const SUCCEEDED: Self = Self(16);

    /// Whether it has any of these.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) const fn octet(self) -> u8 {
        self.0
    }

    pub(super) const fn of_octet(octet: u8) -> Self {
        Self(octet)
    }

    const fn with(self, other: Self, set: bool) -> Self {
        if set { Self(self.0 | other.0) } else { self }
    }

    /// The tone of its row.
    #[must_use]
    pub const fn highlight(self) -> Highlight {
        if self.has(Self::FAILED) {
            Highlight::Failure
        } else if self.has(Self::NOTED) {
            Highlight::Note
        } else if self.has(Self::SUCCEEDED) {
            Highlight::Success
        } else {
            Highlight::Plain
        }
    }

    /// What there is to say of a record.
    #[must_use]
    pub fn of(record: &FrameRecord<'_>) -> Self {
        use crate::packet::Packet;
        let of_messages = record.messages.iter().flat_map(|message| &message.notes);
        let of_stream = record.notes.iter().map(|noted| &noted.note);
        let is_noted = |note: &Note| note.severity() >= Severity::Warning;
        let said = |what| {
            record
                .messages
                .iter()
                .any(|message| message.said() == Some(what))
        };
        Self::default()
            .with(Self::MESSAGE, !record.messages.is_empty())
            .with(Self::FAILED, said(Said::Failure))
            .with(Self::SUCCEEDED, said(Said::Success))
            .with(Self::NOTED, of_messages.chain(of_stream).any(is_noted))
            .with(
                Self::FRAGMENT,
                matches!(record.packet, Packet::Fragment(_)) || record.datagram.is_some(),
            )
    }
}

/// The result of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Result {
    /// The response is a success.
    Ok,
    /// The response is a failure.
    No,
    /// The response is neither.
    Unclear,
    /// There is no response.
    Unanswered,
}

impl Result {
    /// Whether it came to nothing.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::No | Self::Unanswered)
    }

    /// Its word in rows.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::No => "NO",
            Self::Unclear => "unclear",
            Self::Unanswered => "no response",
        }
    }
}

/// The entry of an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeEntry {
    /// When it began.
    pub time: Timestamp,
    /// Nanoseconds from the request to the response.
    pub elapsed: Option<i64>,
    /// The frame with which it was complete.
    pub completed: u64,
    /// The request's frame, and the response's.
    pub frames: [Option<u64>; 2],
    /// Its connection.
    pub stream: u32,
    /// Client and server.
    pub ends: [Endpoint; 2],
    /// The user name, fit for a terminal.
    pub user: Option<Arc<str>>,
    /// The requested action.
    pub action: &'static str,
    /// How it came out.
    pub result: Result,
    /// The description of the response, fit for a terminal.
    pub description: Option<Arc<str>>,
    /// Its worst note, if that is a warning or an error.
    pub note: Option<(Severity, Arc<str>)>,
}

impl ExchangeEntry {
    /// Whether it came to nothing.
    #[must_use]
    pub const fn failed(&self) -> bool {
        self.result.is_failure()
    }

    /// Whether it is the same exchange.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (self.stream, self.frames, self.time) == (other.stream, other.frames, other.time)
    }

    /// Its first frame.
    #[must_use]
    pub fn first_frame(&self) -> u64 {
        let [request, response] = self.frames;
        request.or(response).unwrap_or_default()
    }

    /// The tone of its row.
    #[must_use]
    pub const fn highlight(&self) -> Highlight {
        match (self.result, &self.note) {
            (Result::No | Result::Unanswered, _) | (_, Some((Severity::Error, _))) => {
                Highlight::Failure
            }
            (_, Some(_)) | (Result::Unclear, _) => Highlight::Note,
            (Result::Ok, None) => Highlight::Success,
        }
    }
}

/// Texts that many entries share.
#[derive(Debug, Default)]
pub struct Texts(HashSet<Arc<str>>);

/// The most texts that are remembered; then the table is emptied.
const MOST_TEXTS: usize = 1 << 16;

impl Texts {
    fn share(&mut self, text: String) -> Arc<str> {
        if let Some(known) = self.0.get(text.as_str()) {
            return Arc::clone(known);
        }
        if self.0.len() >= MOST_TEXTS {
            self.0.clear();
        }
        let shared: Arc<str> = text.into();
        self.0.insert(Arc::clone(&shared));
        shared
    }

    /// The entry of an exchange that frame `completed` completed.
    pub fn entry(&mut self, exchange: &Exchange, completed: u64) -> ExchangeEntry {
        let mut shown =
            |octets: std::borrow::Cow<'_, [u8]>| self.share(EscapedOctets(&octets).to_string());
        let user = exchange.user(false).map(&mut shown);
        let description = exchanges::description(exchange, false).map(&mut shown);
        let notes = exchange
            .messages()
            .iter()
            .flat_map(|message| &message.notes);
        let worst = notes.max_by_key(|note| note.severity());
        let worst = worst.filter(|note| note.severity() >= Severity::Warning);
        let frame = |message: Option<&crate::dissect::Message>| message.map(|one| one.frame);
        ExchangeEntry {
            time: exchange.time(),
            elapsed: exchange.elapsed(),
            completed,
            frames: [frame(exchange.request()), frame(exchange.response())],
            stream: exchange.stream(),
            ends: exchange.ends(),
            user,
            action: exchange.action().unwrap_or_default(),
            result: match (exchange.response(), exchange.said()) {
                (None, _) => Result::Unanswered,
                (Some(_), Some(Said::Success)) => Result::Ok,
                (Some(_), Some(Said::Failure)) => Result::No,
                (Some(_), _) => Result::Unclear,
            },
            description,
            note: worst.map(|note| (note.severity(), self.share(note.to_string()))),
        }
    }
}
