//! Generated fields: what the inspector knows of a message besides the fields of its layout.

use std::borrow::Cow;

use crate::dissect::{Described, Group, Message, Note, Peer};
use crate::filter::fields::Emit;
use crate::filter::fields::reglogin::{GROUPS, SENDERS};
use crate::filter::value::Base::{Decimal, Name};
use crate::filter::value::FieldType::{Label, Number, Span, Text};
use crate::filter::value::{FieldType, Value};
use crate::filter::view::View;
use crate::layout::{LayoutId, Said};
use crate::session::{action_of, user_of};
use crate::text::secret;

/// Declares the generated fields, one row each: the last part of the name, the type, the meaning.
macro_rules! generated {
    ($($field:ident = $name:literal, $kind:expr, $meaning:literal;)*) => {
        /// A generated field.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Generated {
            /// The protocol itself.
            Protocol,
            $(
                #[doc = $meaning]
                $field,
            )*
        }

        /// Each with the last part of its name, its type and its meaning.
        pub(super) const GENERATED: &[(Generated, &str, FieldType, &str)] =
            &[$((Generated::$field, $name, $kind, $meaning)),*];
    };
}

generated! {
    Type = "type", Text, "The name of the message's kind";
    User = "user", Text, "The user that the message, or the request that it answers, is about";
    Action = "action", Text, "The kind of the request: the message's own, or of the one that it answers";
    Outcome = "outcome", Text, "What a response says, or the response to a request: success or failure";
    Length = "length", Number(32, Decimal), "The whole message's size in bytes";
    Sender = "sender", Text, "Who sent the message: client or server";
    Request = "request", Label, "The message is a request";
    Response = "response", Label, "The message is a response";
    ResponseIn = "response_in", Number(32, Decimal), "Frame of the response to a request";
    ResponseTo = "response_to", Number(32, Decimal), "Frame of the request that a response answers";
    Time = "time", Span, "Time from the request to the response";
    Fragment = "fragment", Number(32, Decimal), "Frames that carried a message, where it came in several";
    Note = "note", Text, "What is remarkable or wrong, in words";
    NoteGroup = "note.group", Text, "What a note is about";
    Severity = "severity", Number(8, Name), "How much a note matters; in order: chat, note, warning, error";
    Malformed = "malformed", Label, "A message is not built as its layout says";
}

impl Generated {
    /// Whether a KEY of the layout may have the same name. Messages without the KEY then have the generated values.
    pub const fn is_of_both(self) -> bool {
        matches!(self, Self::Type | Self::User | Self::Action | Self::Outcome)
    }

    /// All texts that it can have; empty if there are others.
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

    /// Emits the values of a message. `number`: its number among all messages.
    pub fn values(
        self,
        number: u64,
        message: &Message,
        described: &Described,
        view: &View<'_>,
        emit: Emit<'_>,
    ) {
        let text = |text: Option<&str>, emit: Emit<'_>| {
            let text = text.map(|text| Value::Text(text.as_bytes()));
            text.into_iter().for_each(emit);
        };
        let frame = |number: u64| Value::Number(number.cast_signed());
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
            Self::Action => text(action_of(message), emit),
            Self::Outcome => {
                let later = || view.responses?.said(number);
                text(described.said.or_else(later).and_then(Said::name), emit);
            }
            Self::Length => emit(Value::Number(described.size.into())),
            Self::Sender => emit(Value::Text(message.sender.name().as_bytes())),
            Self::Request if described.is_request() => emit(Value::Present),
            Self::Response if described.is_response() => emit(Value::Present),
            Self::ResponseIn if described.is_request() => {
                let response = view.response(number, message);
                let response = response.map(|peer| frame(peer.frame));
                response.into_iter().for_each(emit);
            }
            Self::ResponseTo if described.is_response() => {
                let asked = peer().map(|peer| frame(peer.frame));
                asked.into_iter().for_each(emit);
            }
            Self::Time if described.is_response() => {
                let elapsed = peer().map(|peer| Value::Span(peer.elapsed));
                elapsed.into_iter().for_each(emit);
            }
            Self::Fragment if message.is_reassembled() => {
                let sources = message.sources.iter();
                sources.for_each(|source| emit(frame(source.frame)));
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

    /// Emits the value of a note, if this is a field of notes.
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
