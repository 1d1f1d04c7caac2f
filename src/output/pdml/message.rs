//! Messages as protocols: their fields on the wire, what the inspector adds, and notes as expert information.

use super::{Bytes, Item, Tree};
use crate::dissect::{Group, Message, Note};
use crate::output::details::{Node, message_tree};
use crate::output::info;
use crate::protocol::layout::{COMMAND, HEADER_LEN, LENGTH, STATUS};
use crate::protocol::{Field, FieldKind};
use crate::session::FrameRecord;
use crate::text::capitalised;
use crate::text::secret;

/// Writes a message as a protocol.
pub(super) fn write(tree: &mut Tree<'_>, message: &Message) {
    let mut showname = format!("{}, ", message.protocol_name());
    let start = showname.len();
    let shows = tree.view.show_passwords;
    info::message(&mut showname, message, shows);
    showname[start..=start].make_ascii_lowercase();
    let base = base_of(message);
    let at = (base, message.bytes().len());
    if let Some(described) = &message.described {
        let prefix = &described.plan().layout.prefix;
        let root = message_tree(message, crate::output::Space::Frame, shows);
        tree.protocol(prefix, &showname, at, |tree| {
            for child in &root.children {
                node(tree, child);
            }
        });
        return;
    }
    // A record with this message alone gives the values of its fields.
    let alone = FrameRecord {
        messages: std::slice::from_ref(message),
        notes: &[],
        ..*tree.view.record
    };
    let view = crate::filter::View {
        record: &alone,
        ..*tree.view
    };
    let mut tree = Tree {
        tells_file: false,
        text: tree.text,
        view: &view,
        depth: tree.depth,
    };
    tree.protocol("reglogin", &showname, at, |tree| {
        fields(tree, message, base);
        known(tree, message, base);
        let rest = message.notes.iter().filter(|note| note.field().is_none());
        for one in rest {
            note(tree, one, base);
        }
    });
}

/// The offset of the message in its frame; 0 if the message is not in one piece there.
fn base_of(message: &Message) -> usize {
    match message.sources.as_slice() {
        [only] if only.frame == message.frame && !message.encrypted => only.offset as usize,
        _ => 0,
    }
}

fn fields(tree: &mut Tree<'_>, message: &Message, base: usize) {
    let all: &[&Field] = match message.command().kind() {
        Some(kind) => kind.fields(),
        None => &[&LENGTH, &COMMAND],
    };
    let clear = secret::clear_of(message, tree.view.show_passwords);
    let masked = clear.masked(&message.octets);
    for field in all {
        let octets = field.slice(&masked);
        let name = field.filter_name();
        let shown = tree.shown(&name, 0);
        let notes: Vec<&Note> = message
            .notes
            .iter()
            .filter(|note| note.field() == Some(*field))
            .collect();
        if octets.is_empty() {
            for one in notes {
                note(tree, one, base);
            }
            continue;
        }
        let show = shown.unwrap_or_else(|| secret::MASK.to_owned());
        let meaning = match field.kind {
            FieldKind::Text => None,
            _ if [&COMMAND, &STATUS].contains(field) => crate::filter::field(&name)
                .zip(show.parse().ok())
                .map(|(field, number)| field.name_of(number).unwrap_or("Unknown")),
            _ => None,
        };
        let showname = match meaning {
            Some(meaning) => format!("{}: {meaning} ({show})", field.label),
            None => format!("{}: {show}", field.label),
        };
        let item = Item {
            name: &name,
            showname: &showname,
            hidden: false,
            at: (base + field.offset, octets.len()),
            show: Some(&show),
            bytes: Bytes::All(octets),
        };
        if notes.is_empty() {
            tree.leaf(&item);
        } else {
            let at = base + field.offset;
            tree.node(&item, |tree| {
                for one in notes {
                    note(tree, one, at);
                }
            });
        }
    }
    if message.command().kind().is_none() && message.octets.len() > HEADER_LEN {
        let octets = &masked[HEADER_LEN..];
        tree.leaf(&Item {
            name: "",
            showname: "",
            hidden: false,
            at: (base + HEADER_LEN, octets.len()),
            show: Some("Body"),
            bytes: Bytes::All(octets),
        });
    }
}

/// Writes what the inspector adds to a message.
fn known(tree: &mut Tree<'_>, message: &Message, base: usize) {
    let label = |label: &'static str| move |show: &str| format!("{label}: {show}");
    tree.generated("reglogin.sender", base, label("Sent by"));
    tree.generated("reglogin.type", base, label("Type"));
    for (name, showname, is) in [
        ("reglogin.request", "Request", message.is_request()),
        ("reglogin.response", "Response", message.is_response()),
    ] {
        if is {
            tree.leaf(&Item {
                name,
                showname,
                hidden: true,
                at: (base, 0),
                show: Some(""),
                bytes: Bytes::All(&[]),
            });
        }
    }
    tree.generated("reglogin.outcome", base, label("Outcome"));
    if let Some(peer) = message.peer.filter(|_| !message.is_answer()) {
        let frame = peer.frame.to_string();
        let showname = format!("Response in frame: {frame}");
        tree.fixed("reglogin.response_in", &showname, base, &frame);
    }
    let to = label("Response to the request in frame");
    tree.generated("reglogin.response_to", base, to);
    tree.generated("reglogin.time", base, |show| {
        format!("Time since the request: {show} seconds")
    });
}

/// Writes a note as expert information (`_ws.expert`).
fn note(tree: &mut Tree<'_>, note: &Note, pos: usize) {
    let said = note.to_string();
    let group = match note.group() {
        // Wireshark's name.
        Group::Reassembly => "Reassemble".to_owned(),
        other => capitalised(other.name()),
    };
    let severity = capitalised(note.severity().name());
    let showname = format!("Expert Info ({severity}/{group}): {said}");
    let item = Item {
        name: "_ws.expert",
        showname: &showname,
        hidden: false,
        at: (pos, 0),
        show: None,
        bytes: Bytes::None,
    };
    tree.node(&item, |tree| {
        tree.leaf(&Item {
            name: "_ws.expert.message",
            showname: &format!("Message: {said}"),
            hidden: true,
            at: (0, 0),
            show: Some(&said),
            bytes: Bytes::None,
        });
    });
}

/// Writes a line of the details tree, with the lines below it.
fn node(tree: &mut Tree<'_>, node: &Node) {
    let range = node.range.clone().unwrap_or_default();
    let item = Item {
        name: "",
        showname: "",
        hidden: false,
        at: (range.start, range.len()),
        show: Some(&node.text),
        bytes: Bytes::None,
    };
    if node.children.is_empty() {
        return tree.leaf(&item);
    }
    tree.node(&item, |tree| {
        for child in &node.children {
            self::node(tree, child);
        }
    });
}
