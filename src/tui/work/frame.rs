//! Frames: rows of the list, and all about one of them.

use std::result::Result;

use super::nearby::{details_around, rows_around};
use super::{Look, Looks, Material, again, again_with, until};
use crate::capture::Stop;
use crate::output::{Context, Node, Space, TimeDisplay, TimeFormat, filters_of, frame_tree, info};
use crate::packet::Packet;
use crate::session::{FrameRecord, Holding};
use crate::text::secret;
use crate::tui::answer::{Bytes, FrameDetail, FrameRow, TreeLine};
use crate::tui::recording::{Choice, NO_STREAM, Recording};

/// Frames behind those asked for that are read too, to learn how what they begin goes on.
const AHEAD: u64 = 4096;

/// What the rows of frames say.
pub fn rows(
    material: &Material,
    looks: Looks,
    frames: &[u64],
    stop: &Stop,
) -> Result<Vec<FrameRow>, String> {
    let Some(last) = frames.iter().max() else {
        return Ok(Vec::new());
    };
    let around = rows_around(&material.shared.read(), frames);
    let is_far = around.contains(&last.saturating_add(1));
    let mut rows = Vec::new();
    let mut left = frames.len();
    let look = Look(|record: &FrameRecord<'_>| {
        let number = record.frame.number;
        let is_asked = frames.contains(&number);
        if is_asked || is_far && around.contains(&number) {
            rows.push(row(record, looks));
            left -= usize::from(is_asked);
        }
        until(left == 0 && number >= *around.end())
    });
    let choice = Choice::Around(frames.to_vec(), last.saturating_add(AHEAD));
    again(material, choice, &mut Holding::of_beginnings(look), stop)?;
    Ok(rows)
}

fn row(record: &FrameRecord<'_>, looks: Looks) -> FrameRow {
    let mut text = String::new();
    let protocol = info::frame(&mut text, record, looks.show_passwords);
    let addresses = info::addresses(record.packet);
    FrameRow {
        number: record.frame.number,
        time: record.frame.header.time,
        addresses: addresses.map_or_else(Default::default, |(source, destination)| {
            [source.to_string(), destination.to_string()]
        }),
        ports: match record.packet {
            Packet::Tcp(segment) => Some([segment.source.port, segment.destination.port]),
            _ => None,
        },
        stream: record.placement.map(|placed| placed.stream),
        protocol,
        length: record.frame.header.wire,
        info: text,
        highlight: crate::tui::recording::Marks::of(record).highlight(),
    }
}

/// A clock that stands at a frame.
fn clock_at(recording: &Recording, frame: u64) -> TimeDisplay {
    let mut clock = TimeDisplay::new(TimeFormat::Utc);
    let around = [frame.wrapping_sub(1), frame].map(|frame| recording.frame(frame));
    let around = around.into_iter().flatten().map(|entry| entry.time);
    for time in recording.start().into_iter().chain(around) {
        clock.see(time);
    }
    clock
}

/// All about a frame.
pub fn detail(
    material: &Material,
    looks: Looks,
    frame: u64,
    stop: &Stop,
) -> Result<FrameDetail, String> {
    if let Some(found) = material.nearby.detail(frame, looks) {
        return Ok(found);
    }
    let around = details_around(&material.shared.read(), frame);
    let mut found = Vec::new();
    let look = Look(|record: &FrameRecord<'_>| {
        let number = record.frame.number;
        if around.contains(&number) {
            let clock = clock_at(&material.shared.read(), number);
            found.push(detail_of(record, &clock, looks));
        }
        until(number >= *around.end())
    });
    let choice = Choice::Around(vec![frame], frame.saturating_add(AHEAD));
    again_with(material, choice, &mut Holding::all(look), stop, |options| {
        options.tls_records = true;
    })?;
    let own = found.iter().find(|detail| detail.frame == frame).cloned();
    if found.len() > 1 {
        material.nearby.keep(looks, found);
    }
    own.ok_or_else(|| format!("frame {frame} is not kept any more"))
}

fn detail_of(record: &FrameRecord<'_>, clock: &TimeDisplay, looks: Looks) -> FrameDetail {
    let show_passwords = looks.show_passwords;
    let secrets = record.secrets(show_passwords);
    let in_frame = secrets.in_frame();
    let shown = |octets: &[u8], hides: &dyn Fn(usize) -> bool| {
        let each = octets.iter().enumerate();
        each.map(|(at, octet)| (!hides(at)).then_some(*octet))
            .collect()
    };
    let mut panes = vec![Bytes {
        title: format!("Frame ({} bytes)", record.frame.octets.len()),
        space: Space::Frame,
        bytes: shown(record.frame.octets, &|at| in_frame.has(at)),
    }];
    if let Some(datagram) = record.datagram {
        let hidden = secrets.in_packet();
        panes.push(Bytes {
            title: format!("Datagram put together ({} bytes)", datagram.payload.len()),
            space: Space::Datagram,
            bytes: shown(&datagram.payload, &|at| hidden.has(at)),
        });
    }
    let number = record.frame.number;
    let own = record
        .messages
        .iter()
        .filter(|message| message.frame == number);
    let mut of_messages = Vec::new();
    for message in own.filter(|message| message.is_reassembled() || message.encrypted) {
        let clear = secret::clear_of(message, show_passwords);
        of_messages.push(panes.len());
        let bytes = message.bytes();
        let what = if message.encrypted {
            "decrypted"
        } else {
            "put together"
        };
        panes.push(Bytes {
            title: format!("Message, {what} ({} bytes)", bytes.len()),
            space: Space::Message,
            bytes: shown(bytes, &|at| !clear.has(at)),
        });
    }
    let tree = frame_tree(record, clock, show_passwords);
    let mut context = Context::new(None, crate::filter::Needs::NOTHING, None, show_passwords);
    context.clock.clone_from(clock);
    let view = context.view(record);
    let filters = filters_of(&tree, &view);
    let mut lines = Lines {
        all: Vec::new(),
        filters: filters.into_iter(),
        of_messages,
        message: None,
        has_datagram: record.datagram.is_some(),
    };
    for node in &tree {
        lines.add(node, 0, "");
    }
    let stream = record.placement.map(|placed| placed.stream);
    FrameDetail {
        frame: number,
        stream: stream.filter(|one| *one != NO_STREAM),
        tree: lines.all,
        panes,
    }
}

/// Puts a tree's lines one below the other.
struct Lines {
    all: Vec<TreeLine>,
    filters: std::vec::IntoIter<Option<String>>,
    /// The panes of messages that have one of their own, in order.
    of_messages: Vec<usize>,
    /// The pane of the message whose lines are added.
    message: Option<usize>,
    has_datagram: bool,
}

impl Lines {
    fn add(&mut self, node: &Node, depth: usize, above: &str) {
        if depth == 0 && node.space == Space::Message {
            // Messages come in the order of their panes.
            self.message = (!self.of_messages.is_empty()).then(|| self.of_messages.remove(0));
        }
        let pane = match node.space {
            Space::Frame => Some(0),
            Space::Datagram => self.has_datagram.then_some(1),
            Space::Message => self.message,
        };
        let label = node.text.split([':', ',']).next().unwrap_or_default();
        let path = format!("{above}/{label}");
        self.all.push(TreeLine {
            depth,
            text: node.text.clone(),
            bytes: pane.zip(node.range.clone()),
            highlight: node.highlight,
            has_children: !node.children.is_empty(),
            path: path.clone(),
            filter: self.filters.next().flatten(),
        });
        for child in &node.children {
            self.add(child, depth + 1, &path);
        }
    }
}
