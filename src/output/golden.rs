//! A golden file: what was said in a capture, in a form that is reviewed, kept, and held against later recordings.
//!
//! Two recordings of one scenario give the same text. It has nothing of the recording: no times, addresses, ports, numbers
//! of frames and streams, and no notes about those; passwords are masked. Nothing of it depends on what a machine did
//! first: within a connection a request is followed by its response, whenever that came; connections stand in order of
//! what was said in them, and those that are alike are counted. `docs/checks.md` explains it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::info;
use super::message_lines::lines;
use crate::dissect::{Message, Note};
use crate::session::{Exchange, StreamNote, user_of};
use crate::stream::Role;

/// What a file begins with. Lines that begin with `#` before anything else are not compared.
pub const HEADER: &str = "\
# What was said, connection by connection: written by `authscope check --update`.
# Times, addresses, ports, frames and passwords are not part of it.
";

/// What was said in a capture, as it is gathered.
#[derive(Debug, Default)]
pub struct Golden {
    /// By stream.
    connections: BTreeMap<u32, Connection>,
}

/// What was said on one connection.
#[derive(Debug, Default)]
struct Connection {
    protocol: &'static str,
    is_encrypted: bool,
    turns: Vec<Turn>,
    /// Bytes that are part of no message.
    skipped: u64,
    /// Version of the PROXY header.
    proxy: Option<u8>,
}

/// A request and its response, or a message that is neither.
#[derive(Debug)]
struct Turn {
    /// Who spoke first, the client before the server, and the number of that message. What two sides say without asking each
    /// other has no order that two recordings share.
    place: (bool, u64),
    user: Option<Vec<u8>>,
    /// The kind of the first message, in the order in which its protocol numbers them.
    kind: u64,
    text: String,
}

impl Golden {
    /// Takes a request and its response, or what there is of them.
    pub fn exchange(&mut self, exchange: &Exchange) {
        let mut text = String::new();
        if exchange.request().is_none() {
            text.push_str("  > (no request)\n");
        }
        for message in exchange.messages() {
            write_message(&mut text, message);
        }
        if exchange.response().is_none() {
            text.push_str("  < (no response)\n");
        }
        self.turn(exchange.number(), exchange.messages(), text);
    }

    /// Takes a message that neither asks nor answers, with its number among all of the run.
    pub fn message(&mut self, number: u64, message: &Message) {
        let mut text = String::new();
        write_message(&mut text, message);
        self.turn(number, std::slice::from_ref(message), text);
    }

    fn turn(&mut self, number: u64, messages: &[Message], text: String) {
        let Some(first) = messages.first() else {
            return;
        };
        let connection = self.connections.entry(first.stream).or_default();
        connection.protocol = first.protocol_name();
        connection.is_encrypted |= first.encrypted;
        connection.turns.push(Turn {
            place: (first.sender == Role::Server, number),
            user: user_of(first, false).map(std::borrow::Cow::into_owned),
            kind: match &first.described {
                Some(described) => described.kind.map_or(u64::MAX, |kind| kind as u64),
                None => u64::from(first.command().code()),
            },
            text,
        });
        for note in messages.iter().flat_map(|message| &message.notes) {
            connection.note(note);
        }
    }

    /// Takes what is said of a stream.
    pub fn note(&mut self, noted: &StreamNote) {
        if matches!(noted.note, Note::Skipped { .. } | Note::Proxy { .. }) {
            let connection = self.connections.entry(noted.stream).or_default();
            connection.note(&noted.note);
        }
    }

    /// The text, without its header.
    #[must_use]
    pub fn body(self) -> String {
        let connections = self.connections.into_values();
        let with_messages = connections.filter(|connection| !connection.turns.is_empty());
        let mut counted: BTreeMap<Block, u64> = BTreeMap::new();
        for connection in with_messages {
            *counted.entry(connection.block()).or_default() += 1;
        }
        let mut body = String::new();
        for (block, count) in counted {
            let alike = match count {
                1 => String::new(),
                more => format!(", {more} alike"),
            };
            let _ = write!(body, "\nconnection{alike}: {}\n{}", block.what, block.text);
        }
        body
    }
}

/// A connection's text, in the order of connections.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Block {
    user: Option<Vec<u8>>,
    kind: u64,
    text: String,
    what: String,
}

impl Connection {
    fn note(&mut self, note: &Note) {
        match note {
            Note::Skipped { octets } => self.skipped += octets,
            Note::Proxy { version, .. } => self.proxy = Some(*version),
            _ => {}
        }
    }

    fn block(mut self) -> Block {
        self.turns.sort_by_key(|turn| turn.place);
        let mut text = String::new();
        if let Some(version) = self.proxy {
            let _ = writeln!(text, "  PROXY header of version {version}");
        }
        for turn in &self.turns {
            text.push_str(&turn.text);
        }
        if self.skipped > 0 {
            let bytes = if self.skipped == 1 { "byte" } else { "bytes" };
            let _ = writeln!(text, "  {} {bytes} of no message", self.skipped);
        }
        let over = if self.is_encrypted { " over TLS" } else { "" };
        Block {
            user: self.turns.iter().find_map(|turn| turn.user.clone()),
            kind: self.turns.first().map_or(0, |turn| turn.kind),
            text,
            what: format!("{}{over}", self.protocol),
        }
    }
}

fn write_message(out: &mut String, message: &Message) {
    let mark = match message.sender {
        Role::Client => '>',
        Role::Server => '<',
    };
    let mut title = String::new();
    info::summary(&mut title, message, false);
    let (title, _) = title.split_once(", ").unwrap_or((&title, ""));
    let _ = writeln!(out, "  {mark} {title}");
    for (label, value) in lines(message, false) {
        write_line(out, &label, &value);
    }
    for note in &message.notes {
        if let Some(text) = words(note) {
            write_line(out, note.severity().name(), &text);
        }
    }
}

/// Appends a label and a value. Spaces at a value's ends are spelled out, as they could not be seen.
fn write_line(out: &mut String, label: &str, value: &str) {
    let seen = value.trim_matches(' ');
    let start = value.len() - value.trim_start_matches(' ').len();
    let end = if seen.is_empty() {
        0
    } else {
        value.len() - start - seen.len()
    };
    let line = format!(
        "      {label:<12} {}{seen}{}",
        "\\u{20}".repeat(start),
        "\\u{20}".repeat(end)
    );
    out.push_str(line.trim_end());
    out.push('\n');
}

/// What is said of a note that is about what was sent. Of those about the recording it is nothing: how messages were cut
/// into segments, what was lost or came twice, whose clock was late.
fn words(note: &Note) -> Option<String> {
    match note {
        Note::Fault(_) | Note::Described { .. } => Some(note.to_string()),
        Note::CutOff { have, need, .. } => Some(format!("cut off after {have} of {need} bytes")),
        Note::WrongResponse { command, .. } => Some(format!("its request was a {command}")),
        _ => None,
    }
}

/// A golden file's text with `\n` between lines, split into its header and what is compared.
#[must_use]
pub fn parts(text: &str) -> (String, String) {
    let text = text.replace("\r\n", "\n");
    let header: usize = text
        .split_inclusive('\n')
        .take_while(|line| line.starts_with('#'))
        .map(str::len)
        .sum();
    let (header, body) = text.split_at(header);
    (header.to_owned(), body.to_owned())
}
