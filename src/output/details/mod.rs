//! All there is to say about a frame and its messages: the details tree and the octets.

mod hex;
mod layers;
mod tls;
mod tree;

use std::fmt::Write as _;
use std::io::{self, Write};
use std::ops::{ControlFlow, Range};

use hex::Dump;
pub use layers::link_name;
pub use tree::{Node, Space, frame as frame_tree, message as message_tree};

pub(super) use tls::summaries as tls_summaries;

use super::clock::{Clock, TimeFormat};
use super::info::{self, Late};
use super::lines;
use super::select::{Select, late_messages, loose_notes, messages_of};
use crate::dissect::Message;
use crate::session::{FrameRecord, Remainder, Sink};
use crate::text::secret;

/// What is shown of each frame.
// Each of these is a choice of its own.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, Copy, Default)]
pub struct DetailsOptions {
    /// The tree; a line in its place otherwise.
    pub tree: bool,
    /// The octets.
    pub octets: bool,
    /// What time the line shows.
    pub time: TimeFormat,
    /// Whether there are colours.
    pub color: bool,
    /// Whether passwords are shown.
    pub show_passwords: bool,
}

/// Columns for a node's octets, such as `1024-1081`.
const GUTTER: usize = 10;
/// Columns that each level of the tree is moved in.
const INDENT: usize = 2;

/// Writes the details of the frames that are selected.
pub struct Details<W> {
    out: W,
    select: Select,
    options: DetailsOptions,
    clock: Clock,
    text: String,
}

impl<W: Write> Details<W> {
    /// Nothing written yet.
    pub fn new(out: W, select: Select, options: DetailsOptions) -> Self {
        Self {
            out,
            select,
            options,
            clock: Clock::new(options.time),
            text: String::new(),
        }
    }

    fn frame(&mut self, record: &FrameRecord<'_>) -> io::Result<()> {
        if self.options.tree {
            for node in tree::frame(record, &self.clock, self.options.show_passwords) {
                self.node(&node, 0);
            }
        } else {
            lines::write_frame(&mut self.text, record, &self.clock, &self.select);
        }
        if self.options.octets {
            self.text.push('\n');
            self.octets(record);
        }
        self.flush_unit()
    }

    /// The octets of a frame, and of what it made whole.
    fn octets(&mut self, record: &FrameRecord<'_>) {
        let shows = self.options.show_passwords;
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
            self.message_octets(message);
        }
    }

    fn message_octets(&mut self, message: &Message) {
        let octets = message.bytes();
        let decrypted = if message.encrypted { ", decrypted" } else { "" };
        let len = octets.len();
        let _ = writeln!(self.text, "\nMessage ({len} octets{decrypted}):");
        let clear = secret::clear_of(message, self.options.show_passwords);
        let all = std::iter::once(0..octets.len()).collect();
        self.dump(octets, all, |at| !clear.has(at));
    }

    fn dump(&mut self, octets: &[u8], marked: Vec<Range<usize>>, hides: impl Fn(usize) -> bool) {
        let dump = Dump {
            octets,
            marked,
            color: self.options.color,
        };
        dump.write(&mut self.text, hides);
    }

    /// A message that an earlier frame carried, or that no frame completed.
    fn late(&mut self, message: &Message, late: Late) -> io::Result<()> {
        if self.options.tree {
            let _ = write!(self.text, "Frame {}, its message", message.frame);
            info::late(&mut self.text, late);
            self.text.push('\n');
            let node = tree::message(message, Space::Frame, self.options.show_passwords);
            self.node(&node, 0);
        } else {
            let shows = self.options.show_passwords;
            lines::write_message(&mut self.text, message, Err(late), &self.clock, shows);
        }
        if self.options.octets {
            self.message_octets(message);
        }
        self.flush_unit()
    }

    fn node(&mut self, node: &Node, depth: usize) {
        let range = match &node.range {
            Some(range) if range.len() == 1 => format!("{}", range.start),
            Some(range) if !range.is_empty() => format!("{}-{}", range.start, range.end - 1),
            _ => String::new(),
        };
        // A layer's own line stands at the edge where it has no octets.
        let gutter = if depth == 0 && node.range.is_none() {
            0
        } else {
            GUTTER
        };
        let style = node.tone.style();
        let (on, off) = if self.options.color {
            (style.render().to_string(), style.render_reset().to_string())
        } else {
            Default::default()
        };
        let indent = depth * INDENT;
        let _ = writeln!(
            self.text,
            "{range:<gutter$}{:indent$}{on}{}{off}",
            "", node.text
        );
        for child in &node.children {
            self.node(child, depth + 1);
        }
    }

    /// Writes what was put together, with an empty line behind it.
    fn flush_unit(&mut self) -> io::Result<()> {
        self.text.push('\n');
        self.out.write_all(self.text.as_bytes())?;
        self.text.clear();
        Ok(())
    }
}

impl<W: Write> Details<W> {
    /// Writes what no frame completed.
    fn behind(&mut self, found: &Remainder<'_>, when: Late) -> io::Result<()> {
        for late in found.messages {
            if self.select.takes_late(late) {
                self.late(late, when)?;
            }
        }
        if self.select.filter.is_none() && !found.notes.is_empty() {
            for noted in found.notes {
                lines::write_note(&mut self.text, noted);
            }
            self.flush_unit()?;
        }
        Ok(())
    }
}

impl<W: Write> Sink for Details<W> {
    type Error = io::Error;

    fn record(&mut self, record: &FrameRecord<'_>) -> io::Result<ControlFlow<()>> {
        self.clock.see(record.frame.header.time);
        if self.select.takes(record) {
            self.frame(record)?;
        }
        for noted in loose_notes(record, &self.select) {
            // A frame that is shown has its notes in its tree.
            if !self.options.tree || !self.select.takes(record) {
                let _ = write!(self.text, "Frame {}: ", record.frame.number);
                lines::write_note(&mut self.text, noted);
                self.flush_unit()?;
            }
        }
        for late in late_messages(record) {
            if self.select.takes_late(late) {
                self.late(late, Late::With(record.frame.number))?;
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn between(&mut self, found: &Remainder<'_>) -> io::Result<()> {
        self.behind(found, Late::Between)
    }

    fn pause(&mut self) -> io::Result<ControlFlow<()>> {
        self.out.flush()?;
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> io::Result<()> {
        self.behind(remainder, Late::AtEnd)?;
        self.out.flush()
    }
}
