//! `authscope follow`: one connection as a conversation, as messages, a hex dump, raw bytes or JSON.

mod held;
mod several;
mod write;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::ops::ControlFlow;

use held::{Held, State};
pub use several::{Conversation, FollowSink, Several};
pub use write::FollowFormat;
use write::Writer;

use super::clock::{TimeDisplay, TimeFormat};
use super::tee::OutputError;
use crate::capture::Timestamp;
use crate::dissect::{Message, Protocol};
use crate::session::{FrameRecord, Piece, Remainder, Sink};
use crate::stream::{Role, Side};
use crate::text::secret::{self, Masked};

/// What to show of a stream, and how.
#[derive(Debug, Clone, Copy)]
pub struct FollowOptions {
    /// The stream's number. The inspector must follow the same stream.
    pub stream: u32,
    /// The output format.
    pub format: FollowFormat,
    /// Shows only what this side sent.
    pub sender: Option<Role>,
    /// The format of times.
    pub time: TimeFormat,
    /// Whether passwords are shown.
    pub show_passwords: bool,
    /// Whether the values of RegLogin messages are in `fields` in JSON.
    pub in_fields: bool,
    /// Whether the output has colours.
    pub color: bool,
    /// Bytes per line of the hex dump.
    pub line: usize,
}

impl FollowOptions {
    /// The usual number of bytes per line.
    pub const LINE: usize = 16;

    /// The bytes per line for a terminal with so many columns; `None`: no terminal.
    #[must_use]
    pub const fn octets_a_line(terminal: Option<u16>) -> usize {
        /// Columns of the server's lines, which are indented by a tab.
        const COLUMNS: u16 = 84;
        match terminal {
            Some(columns) if columns < COLUMNS => Self::LINE / 2,
            _ => Self::LINE,
        }
    }
}

/// What was counted, known after the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Followed {
    /// Whether the stream is in the capture.
    pub found: bool,
    /// Streams in the capture.
    pub streams: u64,
    /// Bytes shown as `*`.
    pub masked: u64,
    /// Bytes of the stream that were never captured.
    pub missing: u64,
}

/// Writes one stream.
pub struct Follow<W> {
    writer: Writer<W>,
    options: FollowOptions,
    held: Held,
    state: State,
    followed: Followed,
}

impl Follow<Vec<u8>> {
    /// What was written.
    #[must_use]
    pub fn written(&self) -> &[u8] {
        self.writer.text()
    }
}

impl<W: Write> Follow<W> {
    /// Sets the time of the capture's first frame, if the run begins later in the capture.
    pub fn begin_at(&mut self, start: Timestamp) {
        self.writer.clock.see(start);
    }

    /// Writes to `out`.
    pub fn new(out: W, options: FollowOptions) -> Self {
        Self {
            writer: Writer::new(out, options),
            held: Held::new(options.show_passwords),
            options,
            state: State {
                protocol: Protocol::Unknown,
                watched: false,
                client: Side::A,
            },
            followed: Followed::default(),
        }
    }

    fn take(
        &mut self,
        pieces: &[Piece],
        messages: &[Message],
        time: Timestamp,
        end: bool,
    ) -> io::Result<()> {
        for piece in pieces {
            self.held.push(piece, time);
        }
        let stream = self.options.stream;
        let wanted = self.options.sender;
        let own = messages.iter().filter(|message| message.stream == stream);
        for message in own {
            self.state.protocol = message.protocol();
            self.held.learn(message);
            if wanted.is_none_or(|sender| sender == message.sender) {
                self.writer.message(message)?;
            }
        }
        while let Some(part) = self.held.pop(self.state, end) {
            if wanted.is_some_and(|sender| sender != part.sender) {
                continue;
            }
            let masked = part.masked.iter().filter(|masked| **masked).count();
            self.followed.masked += masked as u64;
            self.followed.missing += part.missing;
            self.writer.part(&part, self.state.protocol)?;
        }
        Ok(())
    }
}

impl<W: Write> Sink for Follow<W> {
    type Error = OutputError;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        let time = record.frame.header.time;
        self.writer.clock.see(time);
        let stream = self.options.stream;
        if let Some(placed) = record.placement.filter(|placed| placed.stream == stream)
            && let Some(segment) = record.segment()
        {
            self.followed.found = true;
            let is_client = placed.sender == Role::Client;
            self.state = State {
                protocol: record.protocol,
                watched: placed.watched,
                client: if is_client {
                    placed.side
                } else {
                    placed.side.other()
                },
            };
            let [mut client, mut server] = [segment.source, segment.destination];
            if !is_client {
                std::mem::swap(&mut client, &mut server);
            }
            self.writer.ends = Some([client, server]);
        }
        if self.followed.found {
            let ended = record.ended_flows.iter().any(|flow| flow.stream == stream);
            self.take(record.followed, record.messages, time, ended)?;
        }
        Ok(ControlFlow::Continue(()))
    }

    fn pause(&mut self) -> Result<ControlFlow<()>, OutputError> {
        self.writer.flush()?;
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), OutputError> {
        let last = self.writer.clock.last();
        self.followed.streams = remainder.totals.streams;
        if !self.followed.found {
            return Ok(());
        }
        self.take(remainder.followed, remainder.messages, last, true)?;
        Ok(self.writer.end(self.state.protocol)?)
    }
}

impl<W: Write> FollowSink for Follow<W> {
    fn followed(&self) -> Followed {
        self.followed
    }
}

impl Conversation for Follow<Vec<u8>> {
    fn set_clock(&mut self, clock: &TimeDisplay) {
        self.writer.clock.clone_from(clock);
    }

    fn text(&self) -> &[u8] {
        self.writer.text()
    }
}

/// Finds the first stream with a message, or all streams with a request of one user.
#[derive(Debug, Default)]
pub struct Finder {
    user: Option<String>,
    found: BTreeSet<u32>,
}

impl Finder {
    /// Finds the streams of this user; `None`: the first stream with a message.
    #[must_use]
    pub fn new(user: Option<String>) -> Self {
        Self {
            user,
            found: BTreeSet::new(),
        }
    }

    /// The numbers of the streams found, in the order of their first frames.
    #[must_use]
    pub fn found(self) -> Vec<u32> {
        self.found.into_iter().collect()
    }

    fn look(&mut self, messages: &[Message]) -> bool {
        let user = self.user.clone();
        let fits = |message: &&Message| {
            user.as_ref().is_none_or(|user| {
                // A hidden name does not match: the answer would reveal a part of a password.
                let name = secret::view(message, false)
                    .user_name()
                    .and_then(Masked::clear);
                name.is_some_and(|name| name.octets() == user.as_bytes())
            })
        };
        let found = messages.iter().filter(fits).map(|message| message.stream);
        if self.user.is_some() {
            self.found.extend(found);
            return false;
        }
        self.found.extend(found.take(1));
        !self.found.is_empty()
    }
}

impl Sink for Finder {
    type Error = OutputError;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        Ok(if self.look(record.messages) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), OutputError> {
        self.look(remainder.messages);
        Ok(())
    }
}

/// A time as the clock writes it.
fn shown_time(clock: &TimeDisplay, time: Timestamp) -> String {
    let mut text = String::new();
    clock.write(&mut text, time);
    text
}
