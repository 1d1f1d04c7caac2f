//! Writes a conversation in each of its formats.

use std::fmt::Display;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::held::Part;
use super::{FollowOptions, shown_time};
use crate::dissect::{Message, Protocol, Severity};
use crate::filter::names;
use crate::output::clock::TimeDisplay;
use crate::output::highlight::Highlight;
use crate::output::info;
use crate::output::json::format::Shown;
use crate::output::json::object::{self, Entries, Object};
use crate::output::json::{JsonMessage, JsonOptions};
use crate::output::message_lines::lines;
use crate::output::stats::Span;
use crate::packet::Endpoint;
use crate::protocol::MessageKind;
use crate::stream::Role;
use crate::text::escape::{EscapedOctets, HexOctet};
use crate::text::put;
use crate::text::secret::{self, HIDDEN};

/// The format of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum FollowFormat {
    /// Each message with its fields; other protocols as text.
    #[default]
    Text,
    /// Bytes in hexadecimal and as text, the server's moved to the right.
    Hex,
    /// The bytes themselves, both directions in order.
    Raw,
    /// One object.
    Json,
}

/// Writes parts and messages of one stream.
pub struct Writer<W> {
    out: W,
    options: FollowOptions,
    pub clock: TimeDisplay,
    /// Client and server. `None` before the first frame.
    pub ends: Option<[Endpoint; 2]>,
    begun: bool,
    /// Bytes written so far from the client and from the server.
    written: [u64; 2],
    objects: u64,
}

impl Writer<Vec<u8>> {
    /// What was written.
    pub fn text(&self) -> &[u8] {
        &self.out
    }
}

/// The bytes of a part in hexadecimal, `**` for each masked one.
fn hex_of(part: &Part) -> String {
    let octets = part.octets.iter().zip(&part.masked);
    let octets = octets.map(|(octet, masked)| hex(*octet, *masked).to_string());
    octets.collect()
}

fn hex(octet: u8, masked: bool) -> HexOctet {
    HexOctet((!masked).then_some(octet))
}

/// A part of a stream without messages.
impl Object for Part {
    fn entries(&self, to: &mut impl Entries) {
        let is_gap = self.missing > 0;
        to.count(names::FRAME_NUMBER.json(), (!is_gap).then_some(self.frame));
        to.time(names::FRAME_TIME_EPOCH.json(), self.time.0);
        to.text(names::SENDER.json(), self.sender.name());
        if is_gap {
            to.count("missing", self.missing);
        } else {
            to.text("octets", &*hex_of(self));
        }
    }
}

impl<W: Write> Writer<W> {
    pub fn new(out: W, options: FollowOptions) -> Self {
        Self {
            out,
            clock: TimeDisplay::new(options.time),
            options,
            ends: None,
            begun: false,
            written: [0; 2],
            objects: 0,
        }
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Writes the stream, its client and its server, once.
    fn begin(&mut self) -> io::Result<()> {
        let Some([client, server]) = self.ends.filter(|_| !self.begun) else {
            return Ok(());
        };
        self.begun = true;
        let stream = self.options.stream;
        match self.options.format {
            FollowFormat::Text | FollowFormat::Hex => {
                writeln!(
                    self.out,
                    "Stream {stream}: client {client}, server {server}"
                )
            }
            FollowFormat::Raw => Ok(()),
            FollowFormat::Json => {
                let key = names::TCP_STREAM.json();
                // Numbers and addresses need no escapes.
                write!(
                    self.out,
                    "{{\"{key}\":{stream},\"client\":\"{client}\",\"server\":\"{server}\",\"conversation\":["
                )
            }
        }
    }

    /// The text in this style if the output has colours.
    fn styled(&self, text: impl Display, style: Style) -> String {
        if self.options.color {
            format!("{style}{text}{style:#}")
        } else {
            text.to_string()
        }
    }

    /// The direction, in the sender's colour.
    fn arrow(&self, sender: Role) -> String {
        self.styled(arrow(sender), side_style(sender))
    }

    /// Writes a message, if the format shows messages.
    pub fn message(&mut self, message: &Message) -> io::Result<()> {
        self.begin()?;
        match self.options.format {
            FollowFormat::Text => self.text_message(message),
            FollowFormat::Json => {
                let options = JsonOptions {
                    show_passwords: self.options.show_passwords,
                    in_fields: self.options.in_fields,
                };
                self.object(&JsonMessage::new(message, options))
            }
            FollowFormat::Hex | FollowFormat::Raw => Ok(()),
        }
    }

    /// Writes a part of the stream, if the format shows bytes or the protocol has no messages.
    pub fn part(&mut self, part: &Part, protocol: Protocol) -> io::Result<()> {
        self.begin()?;
        let has_messages = protocol.has_messages();
        match self.options.format {
            FollowFormat::Text | FollowFormat::Json if has_messages => Ok(()),
            FollowFormat::Text => self.text_part(part),
            FollowFormat::Json => self.object(part),
            FollowFormat::Hex => self.hex_part(part),
            FollowFormat::Raw => {
                let octets = part.octets.iter().zip(&part.masked);
                let shown = octets.map(|(octet, masked)| if *masked { HIDDEN } else { *octet });
                self.out.write_all(&shown.collect::<Vec<u8>>())
            }
        }
    }

    /// Ends the output.
    pub fn end(&mut self, protocol: Protocol) -> io::Result<()> {
        self.begin()?;
        if self.options.format == FollowFormat::Json {
            let mut end = Vec::new();
            object::write_value(&mut end, &Shown(protocol));
            end.extend_from_slice(b"}\n");
            let before = if self.objects > 0 { "\n" } else { "" };
            write!(self.out, "{before}],\"protocol\":")?;
            self.out.write_all(&end)?;
        }
        self.out.flush()
    }

    fn object(&mut self, object: &impl Object) -> io::Result<()> {
        let before = if self.objects > 0 { ",\n" } else { "\n" };
        self.objects += 1;
        let mut octets = before.as_bytes().to_vec();
        object::write(&mut octets, object);
        self.out.write_all(&octets)
    }

    fn text_message(&mut self, message: &Message) -> io::Result<()> {
        let time = shown_time(&self.clock, message.time);
        if message.described.is_some() {
            return self.described_message(message, time.trim_start());
        }
        let view = secret::view(message, self.options.show_passwords);
        let title = if view.command().is_some() {
            message.command().title()
        } else {
            "Beginning of a message"
        };
        write!(
            self.out,
            "\n{} at {}, frame {}: {}",
            self.arrow(message.sender),
            time.trim_start(),
            message.frame,
            self.styled(title, Highlight::of(message).style()),
        )?;
        let answers = message.command().kind() == Some(MessageKind::Response);
        if let Some(peer) = message.peer.filter(|_| answers) {
            write!(
                self.out,
                " to frame {} after {}",
                peer.frame,
                Span(peer.elapsed)
            )?;
        }
        writeln!(self.out)?;
        self.fields(message)?;
        self.notes(message)
    }

    fn fields(&mut self, message: &Message) -> io::Result<()> {
        for (label, value) in lines(message, self.options.show_passwords) {
            writeln!(self.out, "    {label:<12} {value}")?;
        }
        Ok(())
    }

    /// Writes a message that a layout file describes.
    fn described_message(&mut self, message: &Message, time: &str) -> io::Result<()> {
        let mut title = String::new();
        info::summary(&mut title, message, self.options.show_passwords);
        let (title, _) = title.split_once(", ").unwrap_or((&title, ""));
        write!(
            self.out,
            "\n{} at {time}, frame {}: {}",
            self.arrow(message.sender),
            message.frame,
            self.styled(title, Highlight::of(message).style()),
        )?;
        if let Some(peer) = message.peer.filter(|_| message.is_answer()) {
            let elapsed = Span(peer.elapsed);
            write!(self.out, " to frame {} after {elapsed}", peer.frame)?;
        }
        writeln!(self.out)?;
        self.fields(message)?;
        self.notes(message)
    }

    fn notes(&mut self, message: &Message) -> io::Result<()> {
        for note in &message.notes {
            let severity = match note.severity() {
                Severity::Chat => "Chat",
                Severity::Note => "Note",
                Severity::Warning => "Warning",
                Severity::Error => "Error",
            };
            let highlight = Highlight::of_severity(note.severity());
            let line = self.styled(format_args!("{severity:<13}{note}"), highlight.style());
            writeln!(self.out, "    {line}")?;
        }
        Ok(())
    }

    fn text_part(&mut self, part: &Part) -> io::Result<()> {
        let time = shown_time(&self.clock, part.time);
        let time = time.trim_start();
        let arrow = self.arrow(part.sender);
        if part.missing > 0 {
            let missing = part.missing;
            return writeln!(
                self.out,
                "\n{arrow} at {time}: [{missing} bytes never captured]"
            );
        }
        writeln!(self.out, "\n{arrow} at {time}, frame {}:", part.frame)?;
        let octets = part.octets.iter().zip(&part.masked);
        let shown: Vec<u8> = octets
            .map(|(octet, masked)| if *masked { HIDDEN } else { *octet })
            .collect();
        let text = shown.strip_suffix(b"\n").unwrap_or(&shown);
        for line in text.split(|octet| *octet == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let indent = if line.is_empty() { "" } else { "    " };
            writeln!(self.out, "{indent}{}", EscapedOctets(line))?;
        }
        Ok(())
    }

    fn hex_part(&mut self, part: &Part) -> io::Result<()> {
        let style = side_style(part.sender);
        let (indent, side) = match part.sender {
            Role::Client => ("", 0),
            Role::Server => ("\t", 1),
        };
        if part.missing > 0 {
            let missing = part.missing;
            return writeln!(self.out, "{indent}[{missing} bytes never captured]");
        }
        let row = self.options.line;
        let width = 3 * row + 1;
        for (octets, masked) in part.octets.chunks(row).zip(part.masked.chunks(row)) {
            let mut digits = String::new();
            let mut text = String::new();
            for (at, (octet, masked)) in octets.iter().zip(masked).enumerate() {
                if at == row / 2 {
                    digits.push(' ');
                    text.push(' ');
                }
                put::formatted(&mut digits, format_args!("{} ", hex(*octet, *masked)));
                text.push(match octet {
                    _ if *masked => '*',
                    0x20..=0x7e => char::from(*octet),
                    _ => '.',
                });
            }
            let offset = self.written[side];
            let line = format_args!("{offset:08X}  {digits:<width$} {text}");
            let line = self.styled(line, style);
            writeln!(self.out, "{indent}{line}")?;
            self.written[side] += octets.len() as u64;
        }
        Ok(())
    }
}

/// The style of what this side sent.
fn side_style(sender: Role) -> Style {
    let color = match sender {
        Role::Client => AnsiColor::Cyan,
        Role::Server => AnsiColor::Magenta,
    };
    Style::new().fg_color(Some(color.into()))
}

fn arrow(sender: Role) -> &'static str {
    match sender {
        Role::Client => "client -> server",
        Role::Server => "server -> client",
    }
}
