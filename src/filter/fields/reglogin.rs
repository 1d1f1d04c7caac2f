//! The fields `reglogin.*`: the wire fields from the layout table, and generated fields. A frame has the values of all
//! messages in its record.

use std::borrow::Cow;

use super::{Emit, Extractor, Field, Needs, names};
use crate::dissect::{Group, Message, Note, Peer, Protocol, Severity};
use crate::filter::value::Base::{Decimal, Name};
use crate::filter::value::FieldType::{Label, Number, Protocol as Layer, Span, Text};
use crate::filter::value::{FieldType, Value};
use crate::filter::view::View;
use crate::protocol::layout::{
    COMMAND, FIELDS, FieldKind, PASSWORD, STATUS, STATUS_FAILURE, STATUS_SUCCESS,
};
use crate::protocol::{Command, Field as WireField, MessageKind, TextValue};
use crate::session::{action_of, user_of};
use crate::stream::Role;
use crate::text::secret::{self, MASK, Masked};

const COMMANDS: &[(i64, &str)] = &[
    (1, Command::RegistrationRequest.name()),
    (2, Command::RegistrationResponse.name()),
    (3, Command::LoginRequest.name()),
    (4, Command::LoginResponse.name()),
];

const STATUSES: &[(i64, &str)] = &[
    (STATUS_FAILURE as i64, "failure"),
    (STATUS_SUCCESS as i64, "success"),
];

pub(super) const SEVERITIES: &[(i64, &str)] = &[
    (Severity::Chat as i64, Severity::Chat.name()),
    (Severity::Note as i64, Severity::Note.name()),
    (Severity::Warning as i64, Severity::Warning.name()),
    (Severity::Error as i64, Severity::Error.name()),
];

/// All types of messages.
const TYPES: [&str; 5] = [
    Command::RegistrationRequest.name(),
    Command::RegistrationResponse.name(),
    Command::LoginRequest.name(),
    Command::LoginResponse.name(),
    Command::Unknown(0).name(),
];

/// All outcomes of responses.
const OUTCOMES: [&str; 4] = [
    "registration success",
    "registration failure",
    "login success",
    "login failure",
];

/// All senders of messages.
pub(super) const SENDERS: [&str; 2] = [Role::Client.name(), Role::Server.name()];

/// All groups of notes.
pub(super) const GROUPS: [&str; Group::ALL.len()] = {
    let mut names = [""; Group::ALL.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = Group::ALL[at].name();
        at += 1;
    }
    names
};

const RESPONSES: Needs = Needs {
    responses: true,
    ..Needs::NOTHING
};

const NOTES: Needs = Needs {
    notes: true,
    ..Needs::NOTHING
};

/// Emits the values of a wire field in the record's messages. A hidden text is emitted as its mask; a hidden number is left
/// out.
pub(super) fn wire(field: &'static WireField, view: &View<'_>, emit: Emit<'_>) {
    for message in messages(view) {
        let kind = message.view().kind();
        let has_field = |kind: MessageKind| kind.fields().contains(&field);
        // Unknown messages have a header too.
        let is_part = field.end() <= COMMAND.end() || kind.is_some_and(has_field);
        let octets = field.slice(&message.octets);
        if !is_part || octets.is_empty() {
            continue;
        }
        let shown = secret::view(message, view.show_passwords);
        match field.kind {
            FieldKind::Text => {
                let text = shown.text(field).unwrap_or(Masked::Hidden);
                emit(Value::Text(text.map_or(MASK.as_bytes(), TextValue::octets)));
            }
            FieldKind::U8 | FieldKind::U32 if !shown.shows(field) => {}
            FieldKind::U8 | FieldKind::U32 => {
                if let Some(number) = field.number(&message.octets) {
                    emit(Value::Number(i64::from(number)));
                }
            }
        }
    }
}

fn wire_fields() -> impl Iterator<Item = Field> {
    FIELDS.into_iter().map(|field| Field {
        name: Cow::Owned(field.filter_name()),
        label: Some(Cow::Borrowed(field.label)),
        key: Some(Cow::Borrowed(field.key)),
        why: "",
        kind: match field.kind {
            FieldKind::U8 => FieldType::Number(8, Decimal),
            FieldKind::U32 => FieldType::Number(32, Decimal),
            FieldKind::Text => FieldType::Text,
        },
        meaning: Cow::Borrowed(field.meaning),
        names: if *field == COMMAND {
            COMMANDS
        } else if *field == STATUS {
            STATUSES
        } else {
            &[]
        },
        closed: Cow::Borrowed(&[]),
        needs: Needs::NOTHING,
        secret: *field == PASSWORD,
        source: Extractor::Wire(field),
    })
}

fn messages<'a>(view: &View<'a>) -> impl Iterator<Item = &'a Message> + use<'a> {
    let all = view.record.messages.iter();
    all.filter(|message| message.described.is_none())
}

/// The record's messages of this kind, with their numbers. Messages of layouts have none of these kinds.
fn of_kind<'a>(
    view: &View<'a>,
    kind: MessageKind,
) -> impl Iterator<Item = (u64, &'a Message)> + use<'a> {
    let numbered = (view.record.first_message..).zip(view.record.messages);
    numbered.filter(move |(_, message)| message.view().kind() == Some(kind))
}

/// The notes of the record's messages, and those about the frame's stream.
fn notes<'a>(view: &View<'a>) -> impl Iterator<Item = &'a Note> + use<'a> {
    let stream = view.record.placement.map(|placement| placement.stream);
    let of_stream = view.record.notes.iter();
    let of_stream = of_stream.filter(move |noted| Some(noted.stream) == stream);
    let of_layout = matches!(view.record.protocol, Protocol::Layout(_));
    let of_stream = of_stream.filter(move |_| !of_layout);
    let of_messages = messages(view).flat_map(|message| &message.notes);
    of_messages.chain(of_stream.map(|noted| &noted.note))
}

/// The outcome of a response, such as `login success`. `None` if it is not a response with a known status, or is hidden.
fn outcome(message: &Message, show_passwords: bool) -> Option<&'static str> {
    let view = secret::view(message, show_passwords);
    Some(match (view.command()?.clear()?, view.status()?.clear()?) {
        (Command::RegistrationResponse, STATUS_SUCCESS) => "registration success",
        (Command::RegistrationResponse, STATUS_FAILURE) => "registration failure",
        (Command::LoginResponse, STATUS_SUCCESS) => "login success",
        (Command::LoginResponse, STATUS_FAILURE) => "login failure",
        _ => return None,
    })
}

/// The requests of the responses in a frame. If a response was captured before its request, the request is known only after
/// an earlier pass.
fn requests_of<'a>(view: &'a View<'a>) -> impl Iterator<Item = Peer> + use<'a> {
    of_kind(view, MessageKind::Response)
        .filter_map(|(number, message)| message.peer.or_else(|| view.responses?.response(number)))
}

/// The generated fields: what the inspector knows of messages besides their wire fields.
fn generated() -> Vec<Field> {
    fields! {
        names::TYPE, Text, "The message's name, such as login request", Of(|view, emit| {
            messages(view).for_each(|message| emit(Value::Text(message.command().name().as_bytes())));
        }).closed(&TYPES);
        names::USER, Text, "The user that the message, or the request that it answers, is about", Of(|view, emit| {
            let users = messages(view).filter_map(|message| user_of(message, view.show_passwords));
            users.for_each(|user| emit(Value::Text(&user)));
        });
        names::ACTION, Text, "What the message, or the request that it answers, asks for: registration or login",
            Of(|view, emit| {
                let actions = messages(view).filter_map(action_of);
                actions.for_each(|action| emit(Value::Text(action.as_bytes())));
            }).closed(&["registration", "login"]);
        "reglogin.outcome", Text, "What a response says, such as login success", Of(|view, emit| {
            let outcomes = messages(view).filter_map(|message| outcome(message, view.show_passwords));
            outcomes.for_each(|outcome| emit(Value::Text(outcome.as_bytes())));
        }).closed(&OUTCOMES);
        "reglogin.request", Label, "The message is a request",
            Of(|view, emit| of_kind(view, MessageKind::Request).for_each(|_| emit(Value::Present)));
        "reglogin.response", Label, "The message is a response",
            Of(|view, emit| of_kind(view, MessageKind::Response).for_each(|_| emit(Value::Present)));
        names::SENDER, Text, "Who sent the message: client or server", Of(|view, emit| {
            messages(view).for_each(|message| emit(Value::Text(message.sender.name().as_bytes())));
        }).closed(&SENDERS);

        names::RESPONSE_IN, Number(32, Decimal), "Frame of the response to a request", Of(|view, emit| {
            let requests = of_kind(view, MessageKind::Request);
            let responses = requests.filter_map(|(number, message)| view.response(number, message));
            responses.for_each(|peer| emit(Value::Number(peer.frame.cast_signed())));
        }).needing(RESPONSES);
        names::RESPONSE_TO, Number(32, Decimal), "Frame of the request that a response answers", Of(|view, emit| {
            requests_of(view).for_each(|peer| emit(Value::Number(peer.frame.cast_signed())));
        });
        names::RESPONSE_TIME, Span, "Time from the request to the response",
            Of(|view, emit| requests_of(view).for_each(|peer| emit(Value::Span(peer.elapsed))));
        "reglogin.fragment", Number(32, Decimal), "Frames that carried a message, where it came in several",
            Of(|view, emit| {
                let reassembled = messages(view).filter(|message| message.is_reassembled());
                let sources = reassembled.flat_map(|message| &message.sources);
                sources.for_each(|source| emit(Value::Number(source.frame.cast_signed())));
            });

        names::NOTE, Text, "What is remarkable or wrong, in words",
            Of(|view, emit| notes(view).for_each(|note| emit(Value::Text(note.to_string().as_bytes()))))
            .needing(NOTES);
        names::NOTE_GROUP, Text,
            "What a note is about: malformed, protocol, sequence, reassembly, assumption or checksum",
            Of(|view, emit| notes(view).for_each(|note| emit(Value::Text(note.group().name().as_bytes()))))
            .closed(&GROUPS).needing(NOTES);
        names::SEVERITY, Number(8, Name), "How much a note matters; in order: chat, note, warning, error",
            Of(|view, emit| notes(view).for_each(|note| emit(Value::Number(note.severity() as i64))))
            .named(SEVERITIES).needing(NOTES);
        "reglogin.malformed", Label, "A message is not built as the protocol says", One(|view| {
            let is_malformed = notes(view).any(|note| note.group() == Group::Malformed);
            is_malformed.then_some(Value::Present)
        });
    }
}

pub(super) fn fields() -> Vec<Field> {
    let mut fields = fields! {
        "reglogin", Layer, "A RegLogin message", Of(|view, emit| {
            for message in messages(view) {
                let clear = secret::view(message, view.show_passwords).clear();
                let octets = clear.masked(&message.octets);
                emit(Value::Protocol(&octets, octets.len()));
            }
        }).needing(Needs::OCTETS);
    };
    fields.extend(wire_fields());
    fields.extend(generated());
    fields
}
