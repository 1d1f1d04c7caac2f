//! A message in the details tree: its frames and peer, its fields, its notes.

use super::node::{Node, Nodes, Space};
use super::sink::{FieldName, Line, TreeSink};
use crate::dissect::{Message, Note};
use crate::filter::names;
use crate::output::highlight::Highlight;
use crate::output::{described, info};
use crate::protocol::layout::{
    COMMAND, FILTER_PREFIX, HEADER_LEN, LENGTH, STATUS, STATUS_FAILURE, STATUS_SUCCESS,
};
use crate::protocol::{Command, Field, FieldKind};
use crate::text::escape::Hex;
use crate::text::put;
use crate::text::secret::{self, MASK, Masked, MaskedView};

/// The tree of a message. `space`: what the offsets are relative to if the whole message is in one frame.
#[must_use]
pub fn tree(message: &Message, space: Space, show_passwords: bool) -> Node {
    let mut nodes = Nodes::default();
    lines(&mut nodes, message, space, show_passwords);
    nodes.0.pop().unwrap_or_default()
}

/// Writes the lines of a message.
pub(super) fn lines(
    tree: &mut impl TreeSink,
    message: &Message,
    space: Space,
    show_passwords: bool,
) {
    let (base, space) = match message.sources.as_slice() {
        [only] if only.frame == message.frame && !message.encrypted => {
            (only.offset as usize, space)
        }
        _ => (0, Space::Message),
    };
    let line = Line {
        highlight: Highlight::of(message),
        ..Line::at(space, base..base + message.bytes().len()).of(message.filter_prefix())
    };
    tree.line(line, |text| {
        text.push_str(message.protocol_name());
        text.push_str(", ");
        let start = text.len();
        info::summary(text, message, show_passwords);
        text[start..=start].make_ascii_lowercase();
    });
    tree.under(|tree| {
        about(tree, message);
        if message.described.is_some() {
            for node in described::nodes(message, space, base, show_passwords) {
                tree.node(node);
            }
        } else {
            fields(tree, message, space, base, show_passwords);
        }
    });
}

/// Writes a note as a line, with its stream's number if one is given.
pub(super) fn note(tree: &mut impl TreeSink, note: &Note, stream: Option<u32>) {
    let severity = note.severity();
    let line = Line {
        highlight: Highlight::of_severity(severity),
        ..Line::default()
    };
    tree.line(line, |text| {
        if let Some(stream) = stream {
            put::formatted(text, format_args!("Stream {stream}: "));
        }
        let (severity, group) = (severity.name(), note.group().name());
        put::formatted(text, format_args!("[{severity}, {group}: {note}]"));
    });
}

fn fields(
    tree: &mut impl TreeSink,
    message: &Message,
    space: Space,
    base: usize,
    show_passwords: bool,
) {
    let view = secret::view(message, show_passwords);
    let kind = message.command().kind();
    let fields = match kind {
        Some(kind) => kind.fields(),
        None => &[&LENGTH, &COMMAND],
    };
    for field in fields {
        let octets = field.slice(&message.octets);
        let notes = message.notes.iter();
        let notes = notes.filter(|note| note.field() == Some(*field));
        if octets.is_empty() {
            notes.for_each(|one| note(tree, one, None));
            continue;
        }
        let start = base + field.offset;
        let tones = notes.clone();
        let tones = tones.map(|note| Highlight::of_severity(note.severity()));
        let line = Line {
            highlight: tones.max().unwrap_or_default(),
            field: Some(FieldName::Parts(FILTER_PREFIX, field.key)),
            ..Line::at(space, start..start + octets.len())
        };
        tree.line(line, |text| {
            text.push_str(field.label);
            text.push_str(": ");
            value(text, field, message, view);
        });
        tree.under(|tree| notes.for_each(|one| note(tree, one, None)));
    }
    if kind.is_none() && message.octets.len() > HEADER_LEN {
        let body = base + HEADER_LEN..base + message.octets.len();
        let len = body.len();
        tree.line(Line::at(space, body), |text| {
            put::formatted(text, format_args!("Body: {len} bytes"));
        });
    }
    let rest = message.notes.iter().filter(|note| note.field().is_none());
    rest.for_each(|one| note(tree, one, None));
}

/// Writes what is known of a message besides its fields.
fn about(tree: &mut impl TreeSink, message: &Message) {
    tree.line(Line::default(), |text| {
        text.push_str("Stream ");
        put::number(text, message.stream);
        text.push_str(", from the ");
        text.push_str(message.sender.name());
        text.push_str(": ");
        put::endpoint(text, message.source.address, message.source.port);
        text.push_str(" → ");
        let to = message.destination;
        put::endpoint(text, to.address, to.port);
    });
    if let Some(peer) = message.peer {
        let (field, behind) = if message.is_answer() {
            (names::RESPONSE_TO, " s after it")
        } else {
            (names::RESPONSE_IN, " s later")
        };
        let line = Line {
            field: Some(FieldName::Parts(message.filter_prefix(), field.json())),
            ..Line::default()
        };
        tree.line(line, |text| {
            text.push_str(field.in_line());
            text.push(' ');
            put::number(text, peer.frame);
            text.push_str(", ");
            put::seconds(text, peer.elapsed);
            text.push_str(behind);
        });
    }
    if message.encrypted {
        let words = "Decrypted; bytes are counted in the message";
        tree.line(Line::default(), |text| text.push_str(words));
    }
    let mut sources = message.sources.iter();
    if message.is_reassembled() || sources.any(|source| source.frame != message.frame) {
        pieces(tree, message);
    }
}

/// Writes the frames that carried a message.
fn pieces(tree: &mut impl TreeSink, message: &Message) {
    tree.line(Line::default(), |text| match message.sources.len() {
        1 => text.push_str("Came in one frame; bytes are counted in the message"),
        pieces => put::formatted(
            text,
            format_args!("Put together from {pieces} pieces; bytes are counted in the message"),
        ),
    });
    tree.under(|tree| {
        for source in &message.sources {
            let start = source.start as usize;
            let line = Line::at(Space::Message, start..start + source.len as usize);
            tree.line(line, |text| {
                let (frame, offset) = (source.frame, source.offset);
                put::formatted(
                    text,
                    format_args!("Frame {frame}, from byte {offset} of its packet"),
                );
            });
        }
    });
}

/// Appends a field's value as text.
fn value(text: &mut String, field: &Field, message: &Message, view: MaskedView<'_>) {
    let octets = field.slice(&message.octets);
    match field.kind {
        FieldKind::Text => match view.text(field) {
            Some(Masked::Clear(value)) => {
                put::escaped(text, value.octets());
                if value.octets().is_empty() {
                    text.push_str("(empty)");
                }
                if !value.is_utf8() {
                    put::formatted(text, format_args!(" ({})", Hex(value.octets())));
                }
            }
            Some(Masked::Hidden) | None => text.push_str(MASK),
        },
        FieldKind::U8 | FieldKind::U32 if !view.shows(field) => text.push_str(MASK),
        FieldKind::U8 | FieldKind::U32 => match field.number(&message.octets) {
            Some(number) => named(text, field, number),
            None => put::formatted(text, format_args!("{}", Hex(octets))),
        },
    }
    let len = octets.len();
    if len < field.width {
        put::formatted(
            text,
            format_args!(" (cut off after {len} of {} bytes)", field.width),
        );
    }
}

/// Appends a number and its name, if it has one.
fn named(text: &mut String, field: &Field, number: u32) {
    put::number(text, number);
    let meaning = if field == &COMMAND {
        Command::from(number).name()
    } else if field == &STATUS {
        match u8::try_from(number) {
            Ok(STATUS_SUCCESS) => "success",
            Ok(STATUS_FAILURE) => "failure",
            _ => "unknown",
        }
    } else {
        return;
    };
    text.push_str(" (");
    text.push_str(meaning);
    text.push(')');
}
