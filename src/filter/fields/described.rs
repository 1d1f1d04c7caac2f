//! The fields of protocols that layout files describe: a name for each KEY, and what the inspector knows of their messages.

use std::borrow::Cow;
use std::sync::OnceLock;

use super::reglogin::{GROUPS, SENDERS, SEVERITIES};
use super::{Emit, Field, Needs, Source};
use crate::dissect::{Described, Group, Message, Note, Peer, Protocol};
use crate::filter::value::Base::{Decimal, Hex, Name};
use crate::filter::value::{Kind, Real, Value};
use crate::filter::view::View;
use crate::layout::plan::FieldId;
use crate::layout::{self, Decoded, Layout, LayoutId, MOST_LAYOUTS, Node, Said, Type};
use crate::session::{action_of, user_of};
use crate::text::secret::{self, MASK};

/// A field of a layout.
#[derive(Debug)]
pub(super) struct Of {
    layout: LayoutId,
    /// The keys from the outermost field to the value's, where a message has them.
    path: Vec<String>,
    /// What is known of a message that has none.
    known: Option<Known>,
    /// What its values are, and the names of some.
    kind: Kind,
    names: &'static [(i64, &'static str)],
}

/// What is known of a message besides its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
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
const KNOWN: [(Known, &str, Kind, &str); 16] = [
    (
        Known::Type,
        "type",
        Kind::Text,
        "The name of the message's kind",
    ),
    (
        Known::User,
        "user",
        Kind::Text,
        "The user that the message, or the request that it answers, is about",
    ),
    (
        Known::Action,
        "action",
        Kind::Text,
        "The kind of the request: the message's own, or of the one that it answers",
    ),
    (
        Known::Outcome,
        "outcome",
        Kind::Text,
        "What a response says, or the response to a request: success or failure",
    ),
    (
        Known::Length,
        "length",
        Kind::Number(32, Decimal),
        "The whole message's size in bytes",
    ),
    (
        Known::Sender,
        "sender",
        Kind::Text,
        "Who sent the message: client or server",
    ),
    (
        Known::Request,
        "request",
        Kind::Label,
        "The message is a request",
    ),
    (
        Known::Response,
        "response",
        Kind::Label,
        "The message is a response",
    ),
    (
        Known::ResponseIn,
        "response_in",
        Kind::Number(32, Decimal),
        "Frame of the response to a request",
    ),
    (
        Known::ResponseTo,
        "response_to",
        Kind::Number(32, Decimal),
        "Frame of the request that a response answers",
    ),
    (
        Known::Time,
        "time",
        Kind::Span,
        "Time from the request to the response",
    ),
    (
        Known::Fragment,
        "fragment",
        Kind::Number(32, Decimal),
        "Frames that carried a message, where it came in several",
    ),
    (
        Known::Note,
        "note",
        Kind::Text,
        "What is remarkable or wrong, in words",
    ),
    (
        Known::NoteGroup,
        "note.group",
        Kind::Text,
        "What a note is about",
    ),
    (
        Known::Severity,
        "severity",
        Kind::Number(8, Name),
        "How much a note matters; in order: chat, note, warning, error",
    ),
    (
        Known::Malformed,
        "malformed",
        Kind::Label,
        "A message is not built as its layout says",
    ),
];

/// The fields of each layout, made when they are first asked for.
static FIELDS: [OnceLock<Vec<Field>>; MOST_LAYOUTS] = [const { OnceLock::new() }; MOST_LAYOUTS];

/// The fields of all layouts of this process.
pub(super) fn fields() -> impl Iterator<Item = &'static Field> {
    LayoutId::all().flat_map(|layout| FIELDS[layout.number()].get_or_init(|| of_layout(layout)))
}

fn of_layout(id: LayoutId) -> Vec<Field> {
    let layout = &id.plan().layout;
    let mut fields = vec![field(id, Vec::new(), Some(Known::Protocol), {
        let meaning = format!("A message of {}", layout.name);
        (layout.prefix.clone(), Kind::Protocol, meaning)
    })];
    fields[0].needs.octets = true;
    let bodies = layout.kinds.iter().filter_map(|kind| kind.body);
    let mut parts = vec![layout.header];
    parts.extend(bodies);
    let mut found = Vec::new();
    for part in parts {
        keys(layout, part, &mut Vec::new(), &mut found);
    }
    for (path, places) in found {
        // The same key in several parts is one field.
        let owns = || places.iter().map(|place| id.plan().field(*place));
        let Some(first) = owns().next() else {
            continue;
        };
        let name = format!("{}.{}", layout.prefix, path.join("."));
        let kind = kind_of(&first.ty);
        let generated = KNOWN.iter().find(|(known, name, of, _)| {
            [*name] == path[..] && (*of == kind || known.is_of_both())
        });
        let known = generated.map(|(known, ..)| *known);
        let mut made = field(id, path, known, (name, kind, first.label.clone()));
        made.secret = places.iter().any(|place| layout.may_hide(*place));
        made.names = names_of(owns().map(|own| &own.ty));
        if let Source::Layout(of) = &mut made.source {
            of.names = made.names;
        }
        fields.push(made);
    }
    for (known, name, kind, meaning) in KNOWN {
        let name = format!("{}.{name}", layout.prefix);
        if fields.iter().any(|field| field.name == name) {
            continue;
        }
        let mut made = field(
            id,
            Vec::new(),
            Some(known),
            (name, kind, meaning.to_owned()),
        );
        made.needs.responses = known == Known::ResponseIn;
        if known == Known::Severity {
            made.names = SEVERITIES;
        }
        fields.push(made);
    }
    fields
}

fn field(
    layout: LayoutId,
    path: Vec<String>,
    known: Option<Known>,
    (name, kind, meaning): (String, Kind, String),
) -> Field {
    Field {
        name: Cow::Owned(name),
        kind,
        meaning: Cow::Owned(meaning),
        names: &[],
        needs: Needs {
            outcomes: known == Some(Known::Outcome),
            ..Needs::NOTHING
        },
        // A KEY of that name has values of its own.
        closed: known
            .filter(|_| path.is_empty())
            .map_or(Cow::Borrowed(&[]), |known| known.closed(layout)),
        secret: false,
        source: Source::Layout(Of {
            layout,
            path,
            known,
            kind,
            names: &[],
        }),
    }
}

/// The fields of a part and of the records in it by the keys that lead to them.
fn keys(
    layout: &Layout,
    part: usize,
    path: &mut Vec<String>,
    found: &mut Vec<(Vec<String>, Vec<FieldId>)>,
) {
    for (index, field) in layout.parts[part].fields.iter().enumerate() {
        path.push(field.key.clone());
        if let Type::Record(inner, _) = field.ty {
            keys(layout, inner, path, found);
        } else {
            let place = (part, index);
            match found.iter_mut().find(|(known, _)| known == path) {
                Some((_, places)) => places.push(place),
                None => found.push((path.clone(), vec![place])),
            }
        }
        path.pop();
    }
}

fn kind_of(ty: &Type) -> Kind {
    match ty {
        Type::Integer(integer, _) if integer.signed => Kind::Signed,
        Type::Integer(integer, _) => Kind::Number(integer.width * 8, Decimal),
        Type::Flags(integer, _) => Kind::Number(integer.width * 8, Hex),
        Type::Float(..) => Kind::Float,
        Type::Text(_) => Kind::Text,
        Type::Bytes(_) | Type::Record(..) => Kind::Bytes,
    }
}

/// Names of values, for as long as the process runs, as the layouts do.
fn names_of<'l>(types: impl Iterator<Item = &'l Type>) -> &'static [(i64, &'static str)] {
    let mut all: Vec<(i64, &'static str)> = Vec::new();
    for ty in types {
        let Type::Integer(_, names) = ty else {
            continue;
        };
        for (value, name) in names {
            let Ok(value) = i64::try_from(*value) else {
                continue;
            };
            if !all.contains(&(value, name)) {
                all.push((value, name.clone().leak()));
            }
        }
    }
    all.leak()
}

/// The values of a field in the record's messages.
pub(super) fn values(of: &Of, view: &View<'_>, emit: Emit<'_>) {
    for (number, message) in (view.record.first_message..).zip(view.record.messages) {
        let Some(described) = &message.described else {
            continue;
        };
        if described.layout != of.layout {
            continue;
        }
        let mut found = false;
        if !of.path.is_empty()
            && let Some(decoded) = message.decoded()
        {
            let mut each = |value: Value<'_>| {
                found = true;
                emit(value);
            };
            let layout = &of.layout.plan().layout;
            let inside = Inside {
                decoded: &decoded,
                layout,
                shows: view.show_passwords,
            };
            inside.values(&decoded.nodes, &of.path, &mut each);
        }
        if let Some(known) = of.known.filter(|_| !found) {
            let mut each = |value: Value<'_>| of.give(value, emit);
            known.values(number, message, described, view, &mut each);
        }
    }
    if let Some(known) = of.known
        && view.record.protocol == Protocol::Layout(of.layout)
    {
        let stream = view.record.placement.map(|placement| placement.stream);
        let notes = view.record.notes.iter();
        for noted in notes.filter(|noted| Some(noted.stream) == stream) {
            known.of_note(&noted.note, emit);
        }
    }
}

impl Of {
    /// Gives a generated value as one of the field, whose type may be another where a KEY has taken its name.
    fn give(&self, value: Value<'_>, emit: Emit<'_>) {
        let Value::Text(text) = value else {
            return emit(value);
        };
        let text = String::from_utf8_lossy(text);
        if self.kind.is_number() {
            let named = self.names.iter().find(|(_, name)| *name == text);
            let number = named
                .map(|(number, _)| *number)
                .or_else(|| text.parse().ok());
            emit(number.map_or(value, Value::Number));
        } else {
            emit(value);
        }
    }
}

struct Inside<'a> {
    decoded: &'a Decoded<'a>,
    layout: &'a Layout,
    shows: bool,
}

impl Inside<'_> {
    fn values(&self, nodes: &[Node<'_>], path: &[String], emit: Emit<'_>) {
        let Some((key, inner)) = path.split_first() else {
            return;
        };
        for node in nodes {
            let field = &self.layout.parts[node.field.0].fields[node.field.1];
            if field.key != *key {
                continue;
            }
            match &node.value {
                layout::Value::Record(inside) => self.values(inside, inner, emit),
                layout::Value::Records(records) => {
                    for inside in records {
                        self.values(inside, inner, emit);
                    }
                }
                _ if !self.shows && self.decoded.hides(self.layout, node) => {
                    if matches!(field.ty, Type::Text(_)) {
                        emit(Value::Text(MASK.as_bytes()));
                    } else {
                        emit(Value::Bytes(MASK.as_bytes()));
                    }
                }
                layout::Value::Integer(value) => {
                    // Filters count to 2^63 - 1.
                    let value = i64::try_from(*value).unwrap_or(i64::MAX);
                    emit(Value::Number(value));
                }
                layout::Value::Float(value) => emit(Value::Float(Real(*value))),
                layout::Value::Text(text) => emit(Value::Text(text)),
                // A number that is cut off is none.
                layout::Value::Bytes(_) if !matches!(field.ty, Type::Bytes(_)) => {}
                layout::Value::Bytes(bytes) => emit(Value::Bytes(bytes)),
            }
        }
    }
}

impl Known {
    /// Whether a KEY of this name is the field on the message that has it, and this on the other of the pair.
    const fn is_of_both(self) -> bool {
        matches!(self, Self::Type | Self::User | Self::Action | Self::Outcome)
    }

    /// All texts that it can be, where there are not any others.
    fn closed(self, layout: LayoutId) -> Cow<'static, [&'static str]> {
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

    fn values(
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
    fn of_note(self, note: &Note, emit: Emit<'_>) {
        match self {
            Self::Note => emit(Value::Text(note.to_string().as_bytes())),
            Self::NoteGroup => emit(Value::Text(note.group().name().as_bytes())),
            Self::Severity => emit(Value::Number(note.severity() as i64)),
            Self::Malformed if note.group() == Group::Malformed => emit(Value::Present),
            _ => {}
        }
    }
}
