//! A frame's details as a tree: layers, fields, notes, each knowing its bytes.

use std::borrow::Cow;
use std::ops::Range;

use super::{layers, tls};
use crate::dissect::{Message, Note};
use crate::output::clock::TimeDisplay;
use crate::output::highlight::Highlight;
use crate::output::rows::messages_of;
use crate::output::{described, info};
use crate::protocol::layout::{COMMAND, HEADER_LEN, LENGTH, STATUS};
use crate::protocol::{Command, Field, FieldKind};
use crate::session::FrameRecord;
use crate::text::escape::{EscapedOctets, Hex};
use crate::text::secret::{self, MASK, Masked, MaskedView};

/// What stands under a message, about: room is made for it once.
const FIELDS: usize = 8;

/// Where a node's bytes are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Space {
    /// In the frame.
    #[default]
    Frame,
    /// In the datagram that was put together from IP fragments.
    Datagram,
    /// In the message, whose bytes came in several frames.
    Message,
}

/// A line of the tree with what stands under it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// The line; nothing in it is harmful to a terminal.
    pub text: String,
    /// Its bytes, where it stands for some.
    pub range: Option<Range<usize>>,
    /// Where those are counted.
    pub space: Space,
    /// How remarkable it is.
    pub highlight: Highlight,
    /// The field of the filter language that it shows.
    pub field: Option<Cow<'static, str>>,
    /// What stands under it.
    pub children: Vec<Node>,
}

impl Node {
    /// A line without bytes of its own.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// A line about bytes.
    #[must_use]
    pub fn at(space: Space, range: Range<usize>, text: impl Into<String>) -> Self {
        Self {
            range: Some(range),
            space,
            ..Self::new(text)
        }
    }

    /// The same, for a field of the filter language.
    #[must_use]
    pub fn of(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.field = Some(field.into());
        self
    }

    pub(in crate::output) fn note(note: &Note) -> Self {
        let severity = note.severity();
        Self {
            highlight: Highlight::of_severity(severity),
            ..Self::new(format!(
                "[{}, {}: {note}]",
                severity.name(),
                note.group().name()
            ))
        }
    }
}

/// The tree of a frame: the frame itself, its layers, and the messages that it made available.
#[must_use]
pub fn frame(record: &FrameRecord<'_>, clock: &TimeDisplay, show_passwords: bool) -> Vec<Node> {
    let mut nodes = layers::nodes(record, clock);
    for noted in record.notes {
        let mut node = Node::note(&noted.note);
        node.text = format!("Stream {}: {}", noted.stream, node.text);
        nodes.push(node);
    }
    let space = match record.datagram {
        Some(_) => Space::Datagram,
        None => Space::Frame,
    };
    tls::add(&mut nodes, record, space);
    nodes.extend(messages_of(record).map(|found| message(found, space, show_passwords)));
    nodes
}

/// The tree of a message. `space` is where the offsets of its sources count, should all of it
/// have come in its own frame.
#[must_use]
pub fn message(message: &Message, space: Space, show_passwords: bool) -> Node {
    let mut text = format!("{}, ", message.protocol_name());
    let start = text.len();
    info::summary(&mut text, message, show_passwords);
    text[start..=start].make_ascii_lowercase();
    let (base, space) = match message.sources.as_slice() {
        [only] if only.frame == message.frame && !message.encrypted => {
            (only.offset as usize, space)
        }
        _ => (0, Space::Message),
    };
    let mut node = Node::at(space, base..base + message.bytes().len(), text);
    node.field = Some(message.filter_prefix().into());
    node.highlight = Highlight::of(message);
    node.children.reserve(FIELDS);
    node.children.extend(about(message));
    if message.described.is_some() {
        let fields = described::nodes(message, space, base, show_passwords);
        node.children.extend(fields);
        return node;
    }
    let view = secret::view(message, show_passwords);
    let fields = match message.command().kind() {
        Some(kind) => kind.fields(),
        None => &[&LENGTH, &COMMAND],
    };
    for field in fields {
        let octets = field.slice(&message.octets);
        let notes = message
            .notes
            .iter()
            .filter(|note| note.field() == Some(*field));
        if octets.is_empty() {
            node.children.extend(notes.map(Node::note));
            continue;
        }
        let start = base + field.offset;
        let mut child = Node::at(
            space,
            start..start + octets.len(),
            format!("{}: {}", field.label, value(field, message, view)),
        )
        .of(field.filter_name());
        child.children.extend(notes.map(Node::note));
        child.highlight = child
            .children
            .iter()
            .map(|note| note.highlight)
            .max()
            .unwrap_or_default();
        node.children.push(child);
    }
    if message.command().kind().is_none() && message.octets.len() > HEADER_LEN {
        let body = base + HEADER_LEN..base + message.octets.len();
        let text = format!("Body: {} octets", body.len());
        node.children.push(Node::at(space, body, text));
    }
    let rest = message.notes.iter().filter(|note| note.field().is_none());
    node.children.extend(rest.map(Node::note));
    node
}

/// What there is to say about a message besides its fields.
fn about(message: &Message) -> Vec<Node> {
    let mut nodes = vec![Node::new(format!(
        "Stream {}, from the {}: {} → {}",
        message.stream,
        message.sender.name(),
        message.source,
        message.destination
    ))];
    if let Some(peer) = message.peer {
        let time = crate::capture::Seconds(peer.elapsed);
        let (text, field) = if message.is_answer() {
            let text = format!("Response to frame {}, {time} s after it", peer.frame);
            (text, "response_to")
        } else {
            let text = format!("Response in frame {}, {time} s later", peer.frame);
            (text, "response_in")
        };
        nodes.push(Node::new(text).of(format!("{}.{field}", message.filter_prefix())));
    }
    if message.encrypted {
        nodes.push(Node::new("Decrypted; octets are counted in the message"));
    }
    if message.is_reassembled()
        || message
            .sources
            .iter()
            .any(|source| source.frame != message.frame)
    {
        let mut node = Node::new(match message.sources.len() {
            1 => "Came in one frame; octets are counted in the message".to_owned(),
            pieces => {
                format!("Put together from {pieces} pieces; octets are counted in the message")
            }
        });
        node.children.extend(message.sources.iter().map(|source| {
            let start = source.start as usize;
            Node::at(
                Space::Message,
                start..start + source.len as usize,
                format!(
                    "Frame {}, from octet {} of its packet",
                    source.frame, source.offset
                ),
            )
        }));
        nodes.push(node);
    }
    nodes
}

/// A field's value in words.
fn value(field: &Field, message: &Message, view: MaskedView<'_>) -> String {
    let octets = field.slice(&message.octets);
    let cut = match octets.len() {
        len if len < field.width => format!(" (cut off after {len} of {} octets)", field.width),
        _ => String::new(),
    };
    let number = match field.kind {
        FieldKind::Text => {
            let Some(Masked::Clear(text)) = view.text(field) else {
                return format!("{MASK}{cut}");
            };
            let hex = if text.is_utf8() {
                String::new()
            } else {
                format!(" ({})", Hex(text.octets()))
            };
            let empty = if text.octets().is_empty() {
                "(empty)"
            } else {
                ""
            };
            return format!("{}{empty}{hex}{cut}", EscapedOctets(text.octets()));
        }
        FieldKind::U8 | FieldKind::U32 if !view.shows(field) => return format!("{MASK}{cut}"),
        FieldKind::U8 | FieldKind::U32 => field.number(&message.octets),
    };
    let Some(number) = number else {
        return format!("{}{cut}", Hex(octets));
    };
    let meaning = if field == &COMMAND {
        Command::from(number).name()
    } else if field == &STATUS {
        match u8::try_from(number) {
            Ok(crate::protocol::layout::STATUS_SUCCESS) => "success",
            Ok(crate::protocol::layout::STATUS_FAILURE) => "failure",
            _ => "unknown",
        }
    } else {
        return number.to_string();
    };
    format!("{number} ({meaning})")
}
