//! Golden files: the messages of a capture as text, to be reviewed and compared with later recordings.
//!
//! Two recordings of one scenario give the same text. It has no times, addresses, ports, numbers of frames and streams, and
//! no notes about those; passwords are masked. It does not depend on timing: a request is followed by its response,
//! whenever that came; connections are sorted by their content, and equal ones are counted. See `docs/checks.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::info;
use super::message_lines::lines;
use crate::dissect::{Message, Note};
use crate::session::{Exchange, StreamNote, user_of};
use crate::stream::Role;

/// The first lines of a file. Leading lines that begin with `#` are not compared.
pub const HEADER: &str = "\
# What was said, connection by connection: written by `authscope check --update`.
# Times, addresses, ports, frames and passwords are not part of it.
";

/// Collects the content of a golden file.
#[derive(Debug, Default)]
pub struct Golden {
    /// By stream.
    connections: BTreeMap<u32, Connection>,
}

/// The messages of one connection.
#[derive(Debug, Default)]
struct Connection {
    protocol: &'static str,
    is_encrypted: bool,
    turns: Vec<Turn>,
    /// Bytes that belong to no message.
    skipped: u64,
    /// Version of the PROXY protocol header, if there is one.
    proxy: Option<u8>,
}

/// A request and its response, or a message that is neither.
#[derive(Debug)]
struct Turn {
    /// The sort key: client before server, then the number of the first message. Independent messages of the two sides may
    /// come in another order in another recording.
    place: (bool, u64),
    user: Option<Vec<u8>>,
    /// The number of the first message's kind.
    kind: u64,
    text: String,
}

impl Golden {
    /// Takes a request with its response, or one of them if the other is missing.
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

    /// Takes a message that is neither request nor response. `number`: its number among all messages of the run.
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

    /// Takes a note about a stream.
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

/// A connection's text. Blocks are sorted by their fields, in this order.
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

/// Appends a label and a value. Spaces at the ends of a value are escaped, because they would not be seen.
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

/// The words of a note about a message's content. `None` for notes about the recording, such as segmentation, gaps,
/// retransmissions and clocks.
fn words(note: &Note) -> Option<String> {
    match note {
        Note::Fault(_) | Note::Described { .. } => Some(note.to_string()),
        Note::CutOff { have, need, .. } => Some(format!("cut off after {have} of {need} bytes")),
        Note::WrongResponse { command, .. } => Some(format!("its request was a {command}")),
        _ => None,
    }
}

/// Splits a golden file into its header and the text that is compared. CRLF becomes LF.
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
