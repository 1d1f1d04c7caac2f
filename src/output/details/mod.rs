//! The details tree and the hex dump of a frame and its messages.

mod filters;
mod hex;
mod layers;
mod tls;
mod tree;

use std::fmt::Write as _;
use std::ops::Range;

use filters::Filters;
pub use filters::of_all as filters_of;
use hex::{Dump, octets_a_line};
pub use layers::link_name;
pub use tree::{Node, Space, frame as frame_tree, message as message_tree};

pub(super) use tls::summaries as tls_summaries;

use super::context::Context;
use super::forms::{Chosen, FormEntry, FormOptions, Waits, driven};
use super::info::{self, Late};
use super::lines;
use super::rows::{Form, MessageTiming, Rows, hand_over, messages_of};
use crate::dissect::Message;
use crate::filter::{Needs, View};
use crate::session::{FrameRecord, StreamNote};
use crate::text::escape::Escaped;
use crate::text::secret;

/// `-V`, with `-x` or without.
pub static TREE: FormEntry = FormEntry {
    name: "details",
    meaning: "The details of each message, from its frame to its fields",
    for_people: true,
    is_binary: false,
    rows: Rows::Messages,
    waits: Waits::ForResponses,
    needs: Needs::NOTHING,
    fields: Chosen::Nothing,
    is_array: false,
    make: |options, out| driven(Details::new(&options), &options, out),
};

/// `-x` alone.
pub static OCTETS: FormEntry = FormEntry {
    waits: Waits::ForBeginnings,
    ..TREE
};

/// Columns for a node's bytes, such as `1024-1081`.
const GUTTER: usize = 10;
/// Columns that each level of the tree is moved in.
const INDENT: usize = 2;

/// Writes the details of frames.
// Each of these is a choice of its own.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug)]
pub struct Details {
    /// The tree; a line in its place otherwise.
    tree: bool,
    octets: bool,
    /// The filter beside each line of the tree.
    filters: bool,
    color: bool,
    /// Bytes in a line of a dump.
    line: usize,
    text: String,
}

impl Details {
    /// Nothing written yet.
    #[must_use]
    pub fn new(options: &FormOptions) -> Self {
        Self {
            tree: options.tree,
            octets: options.octets,
            filters: options.field_names,
            color: options.color,
            line: octets_a_line(options.width.and_then(|width| width())),
            text: String::new(),
        }
    }

    /// The bytes of a frame, and of what it made whole.
    fn octets(&mut self, record: &FrameRecord<'_>, shows: bool) {
        let marked = |number| {
            let ranges = messages_of(record).flat_map(|message| &message.sources);
            let ranges = ranges
                .filter(move |source| source.frame == number)
                .map(|source| {
                    let start = source.offset as usize;
                    start..start + source.len as usize
                });
            ranges.collect::<Vec<Range<usize>>>()
        };
        let number = record.frame.number;
        let secrets = record.secrets(shows);
        let hidden = secrets.in_frame();
        let in_frame = match record.datagram {
            None => marked(number),
            Some(_) => Vec::new(),
        };
        self.dump(record.frame.octets, in_frame, |at| hidden.has(at));
        if let Some(datagram) = record.datagram {
            let octets = &datagram.payload;
            let _ = writeln!(
                self.text,
                "\nDatagram put together ({} octets):",
                octets.len()
            );
            let hidden = secrets.in_packet();
            self.dump(octets, marked(number), |at| hidden.has(at));
        }
        for message in
            messages_of(record).filter(|message| message.is_reassembled() || message.encrypted)
        {
            self.message_octets(message, shows);
        }
    }

    fn message_octets(&mut self, message: &Message, shows: bool) {
        let octets = message.bytes();
        let decrypted = if message.encrypted { ", decrypted" } else { "" };
        let len = octets.len();
        let _ = writeln!(self.text, "\nMessage ({len} octets{decrypted}):");
        let clear = secret::clear_of(message, shows);
        let all = std::iter::once(0..octets.len()).collect();
        self.dump(octets, all, |at| !clear.has(at));
    }

    fn dump(&mut self, octets: &[u8], marked: Vec<Range<usize>>, hides: impl Fn(usize) -> bool) {
        let dump = Dump {
            octets,
            marked,
            color: self.color,
            line: self.line,
        };
        dump.write(&mut self.text, hides);
    }

    /// Writes lines, with their filters where there are any.
    fn nodes(&mut self, nodes: &[Node], view: &View<'_>) {
        let mut filters = self.filters.then(|| Filters::new(view));
        for node in nodes {
            self.node(node, 0, &mut filters);
        }
    }

    fn node(&mut self, node: &Node, depth: usize, filters: &mut Option<Filters<'_>>) {
        let start = self.text.len();
        if let Some(range) = node.range.as_ref().filter(|range| !range.is_empty()) {
            let mut digits = itoa::Buffer::new();
            self.text.push_str(digits.format(range.start));
            if range.len() > 1 {
                self.text.push('-');
                self.text.push_str(digits.format(range.end - 1));
            }
        }
        // A layer's own line stands at the edge where it has no bytes.
        if depth > 0 || node.range.is_some() {
            let written = self.text.len() - start;
            push_spaces(&mut self.text, GUTTER.saturating_sub(written));
        }
        push_spaces(&mut self.text, depth * INDENT);
        if self.color {
            // The line of a layer, or of the frame, stands out from those below it.
            let style = match depth {
                0 => node.highlight.style().bold(),
                _ => node.highlight.style(),
            };
            let (on, off) = (style.render(), style.render_reset());
            let _ = write!(self.text, "{on}{}{off}", node.text);
        } else {
            self.text.push_str(&node.text);
        }
        if let Some(filter) = filters.as_mut().and_then(|filters| filters.of(node)) {
            let _ = write!(self.text, "  ({filter})");
        }
        self.text.push('\n');
        for child in &node.children {
            self.node(child, depth + 1, filters);
        }
    }

    /// Hands over what was put together, with an empty line behind it.
    fn hand_over(&mut self, out: &mut Vec<u8>) {
        self.text.push('\n');
        hand_over(&mut self.text, out);
    }
}

/// Appends so many spaces.
fn push_spaces(text: &mut String, mut count: usize) {
    const SPACES: &str = "                                ";
    while count > 0 {
        let some = count.min(SPACES.len());
        text.push_str(&SPACES[..some]);
        count -= some;
    }
}

/// Appends which capture something is of, where that is told.
fn write_file(out: &mut String, file: Option<&str>) {
    if let Some(file) = file {
        let _ = write!(out, " of {}", Escaped(file));
    }
}

impl Form for Details {
    const HAS_NOTES: bool = true;
    const WHOLE_FRAMES: bool = true;

    fn frame(&mut self, out: &mut Vec<u8>, record: &FrameRecord<'_>, context: &Context) {
        if self.tree {
            let mut nodes = tree::frame(record, &context.clock, context.show_passwords);
            if let (Some(file), Some(frame)) = (context.origin.told(record), nodes.first_mut()) {
                let file = Node::new(format!("File: {}", Escaped(file))).of("frame.file");
                frame.children.insert(0, file);
            }
            self.nodes(&nodes, &context.view(record));
        } else {
            lines::write_frame(&mut self.text, record, context);
        }
        if self.octets {
            self.text.push('\n');
            self.octets(record, context.show_passwords);
        }
        self.hand_over(out);
    }

    fn message(
        &mut self,
        out: &mut Vec<u8>,
        message: &Message,
        told: MessageTiming<'_>,
        context: &Context,
    ) {
        let shows = context.show_passwords;
        if self.tree {
            let _ = write!(self.text, "Frame {}, its message", message.frame);
            let file = context.origin.told_of(message.stream, told.record());
            write_file(&mut self.text, file);
            if let MessageTiming::Late(late) = told {
                info::late(&mut self.text, late);
            }
            self.text.push('\n');
            let node = tree::message(message, Space::Frame, shows);
            context.late(message, |view| self.nodes(&[node], view));
        } else {
            lines::write_message(&mut self.text, message, told, context);
        }
        if self.octets {
            self.message_octets(message, shows);
        }
        self.hand_over(out);
    }

    fn notes_in_frames(&self) -> bool {
        self.tree
    }

    fn note(
        &mut self,
        out: &mut Vec<u8>,
        noted: &StreamNote,
        record: Option<&FrameRecord<'_>>,
        context: &Context,
    ) {
        let file = context.origin.told_of(noted.stream, record);
        if let Some(file) = file {
            let _ = write!(self.text, "{}: ", Escaped(file));
        }
        if let Some(record) = record {
            let _ = write!(self.text, "Frame {}: ", record.frame.number);
        }
        lines::write_note(&mut self.text, noted);
        self.hand_over(out);
    }

    fn rest(
        &mut self,
        out: &mut Vec<u8>,
        messages: &[&Message],
        notes: &[StreamNote],
        when: Late,
        context: &Context,
    ) {
        for message in messages {
            self.message(out, message, MessageTiming::Late(when), context);
        }
        for noted in notes {
            lines::write_note(&mut self.text, noted);
        }
        if !notes.is_empty() {
            self.hand_over(out);
        }
    }
}
