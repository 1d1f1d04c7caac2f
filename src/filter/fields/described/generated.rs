//! Fields that are generated: what the inspector knows of a message besides what its layout describes.

use std::borrow::Cow;

use crate::dissect::{Described, Group, Message, Note, Peer};
use crate::filter::fields::Emit;
use crate::filter::fields::reglogin::{GROUPS, SENDERS};
use crate::filter::value::Base::{Decimal, Name};
use crate::filter::value::{FieldType, Value};
use crate::filter::view::View;
use crate::layout::{LayoutId, Said};
use crate::session::{action_of, user_of};
use crate::text::secret;

/// A generated field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Generated {
    Protocol,
    Type,
    User,
    Action,
    Outcome,
    Length,
    Sender,
    Request,
    Response,
    ResponseIn,
    ResponseTo,
    Time,
    Fragment,
    Note,
    NoteGroup,
    Severity,
    Malformed,
}

/// Each by the last part of its name, with its type and what it means.
pub(super) const GENERATED: [(Generated, &str, FieldType, &str); 16] = [
    (
        Generated::Type,
        "type",
        FieldType::Text,
        "The name of the message's kind",
    ),
    (
        Generated::User,
        "user",
        FieldType::Text,
        "The user that the message, or the request that it answers, is about",
    ),
    (
        Generated::Action,
        "action",
        FieldType::Text,
        "The kind of the request: the message's own, or of the one that it answers",
    ),
    (
        Generated::Outcome,
        "outcome",
        FieldType::Text,
        "What a response says, or the response to a request: success or failure",
    ),
    (
        Generated::Length,
        "length",
        FieldType::Number(32, Decimal),
        "The whole message's size in bytes",
    ),
    (
        Generated::Sender,
        "sender",
        FieldType::Text,
        "Who sent the message: client or server",
    ),
    (
        Generated::Request,
        "request",
        FieldType::Label,
        "The message is a request",
    ),
    (
        Generated::Response,
        "response",
        FieldType::Label,
        "The message is a response",
    ),
    (
        Generated::ResponseIn,
        "response_in",
        FieldType::Number(32, Decimal),
        "Frame of the response to a request",
    ),
    (
        Generated::ResponseTo,
        "response_to",
        FieldType::Number(32, Decimal),
        "Frame of the request that a response answers",
    ),
    (
        Generated::Time,
        "time",
        FieldType::Span,
        "Time from the request to the response",
    ),
    (
        Generated::Fragment,
        "fragment",
        FieldType::Number(32, Decimal),
        "Frames that carried a message, where it came in several",
    ),
    (
        Generated::Note,
        "note",
        FieldType::Text,
        "What is remarkable or wrong, in words",
    ),
    (
        Generated::NoteGroup,
        "note.group",
        FieldType::Text,
        "What a note is about",
    ),
    (
        Generated::Severity,
        "severity",
        FieldType::Number(8, Name),
        "How much a note matters; in order: chat, note, warning, error",
    ),
    (
        Generated::Malformed,
        "malformed",
        FieldType::Label,
        "A message is not built as its layout says",
    ),
];

impl Generated {
    /// Whether a KEY of this name is the field on the message that has it, and this on the other of the pair.
    pub const fn is_of_both(self) -> bool {
        matches!(self, Self::Type | Self::User | Self::Action | Self::Outcome)
    }

    /// All texts that it can be, where there are not any others.
    pub fn closed(self, layout: LayoutId) -> Cow<'static, [&'static str]> {
        let kinds = || layout.plan().layout.kinds.iter();
        match self {
            Self::Type => kinds()
                .map(|kind| kind.name.as_str())
                .chain(["unknown"])
                .collect(),
            Self::Action => kinds().map(|kind| kind.name.as_str()).collect(),
            Self::Outcome => Cow::Borrowed(&["success", "failure"]),
            Self::Sender => Cow::Borrowed(&SENDERS),
            Self::NoteGroup => Cow::Borrowed(&GROUPS),
            _ => Cow::Borrowed(&[]),
        }
    }

    /// Gives the values of a message.
    pub fn values(
        self,
        number: u64,
        message: &Message,
        described: &Described,
        view: &View<'_>,
        emit: Emit<'_>,
    ) {
        let peer = || -> Option<Peer> { message.peer.or_else(|| view.responses?.response(number)) };
        match self {
            Self::Protocol => {
                let clear = secret::clear_of(message, view.show_passwords);
                let bytes = clear.masked(&described.bytes);
                emit(Value::Protocol(&bytes, bytes.len()));
            }
            Self::Type => emit(Value::Text(described.kind_name().as_bytes())),
            Self::User => {
                if let Some(user) = user_of(message, view.show_passwords) {
                    emit(Value::Text(&user));
                }
            }
            Self::Action => {
                if let Some(action) = action_of(message) {
                    emit(Value::Text(action.as_bytes()));
                }
            }
            Self::Outcome => {
                let later = || view.responses?.said(number);
                let said = described.said.or_else(later);
                if let Some(name) = said.and_then(Said::name) {
                    emit(Value::Text(name.as_bytes()));
                }
            }
            Self::Length => emit(Value::Number(described.size.into())),
            Self::Sender => emit(Value::Text(message.sender.name().as_bytes())),
            Self::Request if described.is_request() => emit(Value::Present),
            Self::Response if described.is_response() => emit(Value::Present),
            Self::ResponseIn if described.is_request() => {
                if let Some(peer) = view.response(number, message) {
                    emit(Value::Number(peer.frame.cast_signed()));
                }
            }
            Self::ResponseTo if described.is_response() => {
                if let Some(peer) = peer() {
                    emit(Value::Number(peer.frame.cast_signed()));
                }
            }
            Self::Time if described.is_response() => {
                if let Some(peer) = peer() {
                    emit(Value::Span(peer.elapsed));
                }
            }
            Self::Fragment if message.is_reassembled() => {
                for source in &message.sources {
                    emit(Value::Number(source.frame.cast_signed()));
                }
            }
            Self::Request
            | Self::Response
            | Self::ResponseIn
            | Self::ResponseTo
            | Self::Time
            | Self::Fragment => {}
            Self::Note | Self::NoteGroup | Self::Severity | Self::Malformed => {
                for note in &message.notes {
                    self.of_note(note, emit);
                }
            }
        }
    }

    /// What a note says.
    pub fn of_note(self, note: &Note, emit: Emit<'_>) {
        match self {
            Self::Note => emit(Value::Text(note.to_string().as_bytes())),
            Self::NoteGroup => emit(Value::Text(note.group().name().as_bytes())),
            Self::Severity => emit(Value::Number(note.severity() as i64)),
            Self::Malformed if note.group() == Group::Malformed => emit(Value::Present),
            _ => {}
        }
    }
}
