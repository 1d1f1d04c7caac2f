//! The details tree and the hex dump of a frame and its messages (`-V`, `-x`).

mod filters;
mod gutter;
mod hex;
mod layers;
mod message;
mod node;
mod sink;
mod text;
mod tls;

use std::fmt::Write as _;
use std::ops::Range;

use filters::Filters;
pub use filters::of_all as filters_of;
use gutter::Gutters;
use hex::{Dump, octets_a_line};
pub use layers::link_name;
pub use message::tree as message_tree;
use node::Nodes;
pub use node::{Node, Space};
use sink::TreeSink;
use text::TextLines;

pub(super) use tls::summaries as tls_summaries;

use super::clock::TimeDisplay;
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

/// The form of `-V`, with or without `-x`.
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

/// The form of `-x` alone.
pub static OCTETS: FormEntry = FormEntry {
    waits: Waits::ForBeginnings,
    ..TREE
};

/// The tree of a frame: the frame itself, its layers, and the messages that it completed.
#[must_use]
pub fn frame_tree(
    record: &FrameRecord<'_>,
    clock: &TimeDisplay,
    show_passwords: bool,
) -> Vec<Node> {
    let mut nodes = Nodes::default();
    frame_lines(&mut nodes, record, clock, None, show_passwords);
    nodes.0
}

/// Writes the lines of a frame. `file`: the capture's name, if it is shown.
fn frame_lines(
    tree: &mut impl TreeSink,
    record: &FrameRecord<'_>,
    clock: &TimeDisplay,
    file: Option<&str>,
    show_passwords: bool,
) {
    layers::lines(tree, record, clock, file);
    for noted in record.notes {
        message::note(tree, &noted.note, Some(noted.stream));
    }
    let space = match record.datagram {
        Some(_) => Space::Datagram,
        None => Space::Frame,
    };
    tls::lines(tree, record, space);
    for found in messages_of(record) {
        message::lines(tree, found, space, show_passwords);
    }
}

/// Writes the details of frames.
// The options are independent of each other.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug)]
pub struct Details {
    /// Whether the tree is written; otherwise one line.
    tree: bool,
    octets: bool,
    /// Whether each line of the tree has its filter.
    filters: bool,
    color: bool,
    /// Bytes per line of a dump.
    line: usize,
    text: String,
    gutters: Gutters,
}

impl Details {
    /// Details as the options ask for.
    #[must_use]
    pub fn new(options: &FormOptions) -> Self {
        Self {
            tree: options.tree,
            octets: options.octets,
            filters: options.field_names,
            color: options.color,
            line: octets_a_line(options.width.and_then(|width| width())),
            text: String::new(),
            gutters: Gutters::default(),
        }
    }

    /// Writes the bytes of a frame, and of the datagram and the messages that it completed.
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
                "\nDatagram put together ({} bytes):",
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
        let _ = writeln!(self.text, "\nMessage ({len} bytes{decrypted}):");
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

    /// The sink for the lines of a tree.
    fn lines<'t, 'v>(&'t mut self, view: &'v View<'v>) -> TextLines<'t, 'v> {
        TextLines {
            text: &mut self.text,
            gutters: &mut self.gutters,
            has_color: self.color,
            filters: self.filters.then(|| Filters::new(view)),
            depth: 0,
        }
    }

    /// Moves the text to `out`, with an empty line after it.
    fn hand_over(&mut self, out: &mut Vec<u8>) {
        self.text.push('\n');
        hand_over(&mut self.text, out);
    }
}

/// Appends the name of a capture, if it is shown.
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
            let file = context.origin.told(record);
            let view = context.view(record);
            let (mut lines, clock) = (self.lines(&view), &context.clock);
            frame_lines(&mut lines, record, clock, file, context.show_passwords);
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
            context.late(message, |view| {
                message::lines(&mut self.lines(view), message, Space::Frame, shows);
            });
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
