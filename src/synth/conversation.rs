//! Generates a TCP conversation of two endpoints, with times.

use std::net::SocketAddr;

use super::{Checksum, Flags, Frame, IpForm, Link, Segment, SynthError, TcpOption, frames};
use crate::capture::Timestamp;

/// An end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The end that sends the SYN.
    Client,
    /// The end that listens.
    Server,
}

impl Side {
    /// The other end.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// A segment with its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timed {
    /// When.
    pub time: Timestamp,
    /// What.
    pub segment: Segment,
}

#[derive(Debug, Clone)]
struct End {
    address: SocketAddr,
    initial: u32,
    /// Next sequence number to send.
    next: u32,
    window: u16,
}

/// Default start of a conversation: 2024-01-15 10:00:00 UTC.
#[must_use]
pub const fn start_time() -> Timestamp {
    Timestamp::new(1_705_312_800, 0)
}

/// A TCP connection, generated step by step. Every call that sends something adds one segment at the current time, then
/// advances the time by one step, by default 100 microseconds.
#[derive(Debug, Clone)]
pub struct Conversation {
    client: End,
    server: End,
    now: Timestamp,
    step: i64,
    options: Vec<TcpOption>,
    sent: Vec<Timed>,
}

impl Conversation {
    /// A connection between these addresses that begins at [`start_time`].
    #[must_use]
    pub fn new(client: SocketAddr, server: SocketAddr) -> Self {
        let end = |address, initial| End {
            address,
            initial,
            next: initial,
            window: 65_535,
        };
        Self {
            client: end(client, 1000),
            server: end(server, 5000),
            now: start_time(),
            step: 100_000,
            options: vec![
                TcpOption::MaximumSegmentSize(1460),
                TcpOption::Noop,
                TcpOption::WindowScale(8),
                TcpOption::Noop,
                TcpOption::Noop,
                TcpOption::SelectiveAcknowledgementPermitted,
            ],
            sent: Vec::new(),
        }
    }

    /// Sets the current time.
    #[must_use]
    pub fn at(mut self, time: Timestamp) -> Self {
        self.now = time;
        self
    }

    /// Sets the time between segments, in nanoseconds.
    #[must_use]
    pub fn step(mut self, nanoseconds: i64) -> Self {
        self.step = nanoseconds;
        self
    }

    /// Sets the sequence numbers of the two SYNs.
    #[must_use]
    pub fn initial(mut self, client: u32, server: u32) -> Self {
        self.client.initial = client;
        self.client.next = client;
        self.server.initial = server;
        self.server.next = server;
        self
    }

    /// Sets the options of both SYNs.
    #[must_use]
    pub fn syn_options(mut self, options: Vec<TcpOption>) -> Self {
        self.options = options;
        self
    }

    /// The current time, which the next segment gets.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Advances the time.
    pub fn wait(&mut self, nanoseconds: i64) -> &mut Self {
        self.now = Timestamp(self.now.0 + nanoseconds);
        self
    }

    /// Sets the window field of the next segments from `side`.
    pub fn window(&mut self, side: Side, window: u16) -> &mut Self {
        self.end_mut(side).window = window;
        self
    }

    /// All segments sent so far, in order.
    #[must_use]
    pub fn segments(&self) -> &[Timed] {
        &self.sent
    }

    /// All segments sent so far as frames of one kind.
    ///
    /// # Errors
    ///
    /// If a segment does not fit into its packets.
    pub fn frames(&self, link: &Link, ip: &IpForm) -> Result<Vec<Frame>, SynthError> {
        frames(&self.sent, link, ip)
    }

    const fn end(&self, side: Side) -> &End {
        match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        }
    }

    const fn end_mut(&mut self, side: Side) -> &mut End {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    /// Next sequence number of `side`.
    #[must_use]
    pub const fn next_sequence(&self, side: Side) -> u32 {
        self.end(side).next
    }

    /// A segment from `side` with `payload` as the next bytes, which acknowledges everything from the other end. It is
    /// not sent and changes nothing: it can be modified and passed to [`put`](Self::put), any number of times.
    #[must_use]
    pub fn segment(&self, side: Side, payload: &[u8]) -> Segment {
        let from = self.end(side);
        let to = self.end(side.other());
        Segment {
            source: from.address,
            destination: to.address,
            sequence: from.next,
            acknowledgment: Some(to.next),
            flags: Flags {
                psh: !payload.is_empty(),
                ..Flags::default()
            },
            window: from.window,
            options: Vec::new(),
            payload: payload.to_vec(),
            checksum: Checksum::Right,
        }
    }

    /// A SYN from `side`, with an acknowledgement if `answers`; otherwise like [`segment`](Self::segment).
    #[must_use]
    pub fn syn_segment(&self, side: Side, answers: bool, payload: &[u8]) -> Segment {
        let mut segment = self.segment(side, payload);
        segment.flags = Flags {
            syn: true,
            ..Flags::default()
        };
        segment.options.clone_from(&self.options);
        if !answers {
            segment.acknowledgment = None;
        }
        segment
    }

    /// Adds a segment as it is. Changes nothing but the time.
    pub fn put(&mut self, segment: Segment) -> &mut Self {
        self.sent.push(Timed {
            time: self.now,
            segment,
        });
        self.wait(self.step)
    }

    /// Counts `segment` as sent by `side`, so that the next bytes follow it, without adding it: it comes late, is lost,
    /// or was not captured.
    pub fn hold(&mut self, side: Side, segment: Segment) -> Segment {
        let end = self.end_mut(side);
        end.next = segment.sequence.wrapping_add(segment.sequence_len());
        segment
    }

    /// Adds a segment and counts it as sent.
    pub fn emit(&mut self, side: Side, segment: Segment) -> &mut Self {
        let segment = self.hold(side, segment);
        self.put(segment)
    }

    /// SYN, SYN/ACK, ACK.
    pub fn handshake(&mut self) -> &mut Self {
        let syn = self.syn_segment(Side::Client, false, b"");
        self.emit(Side::Client, syn);
        let answer = self.syn_segment(Side::Server, true, b"");
        self.emit(Side::Server, answer);
        self.ack(Side::Client)
    }

    /// Starts in mid-connection, with the handshake not captured.
    pub fn already_open(&mut self) -> &mut Self {
        for side in [Side::Client, Side::Server] {
            let end = self.end_mut(side);
            end.next = end.initial.wrapping_add(1);
        }
        self
    }

    /// Sends one segment of data.
    pub fn send(&mut self, side: Side, payload: &[u8]) -> &mut Self {
        let segment = self.segment(side, payload);
        self.emit(side, segment)
    }

    /// Sends data in several segments. `cuts` are the offsets, in ascending order, before which a segment ends.
    pub fn send_cut(&mut self, side: Side, payload: &[u8], cuts: &[usize]) -> &mut Self {
        let mut from = 0;
        for cut in cuts.iter().copied().chain([payload.len()]) {
            let to = cut.clamp(from, payload.len());
            self.send(side, &payload[from..to]);
            from = to;
        }
        self
    }

    /// Sends an acknowledgement without data.
    pub fn ack(&mut self, side: Side) -> &mut Self {
        let segment = self.segment(side, b"");
        self.put(segment)
    }

    /// Sends data, which the other side acknowledges without data.
    pub fn deliver(&mut self, side: Side, payload: &[u8]) -> &mut Self {
        self.send(side, payload).ack(side.other())
    }

    /// Sends data, if any, with a FIN.
    pub fn fin(&mut self, side: Side, payload: &[u8]) -> &mut Self {
        let mut segment = self.segment(side, payload);
        segment.flags.fin = true;
        self.emit(side, segment)
    }

    /// Sends a reset.
    pub fn reset(&mut self, side: Side) -> &mut Self {
        let mut segment = self.segment(side, b"");
        segment.flags.rst = true;
        self.put(segment)
    }

    /// FIN, ACK, FIN, ACK; `first` closes first.
    pub fn close(&mut self, first: Side) -> &mut Self {
        self.fin(first, b"")
            .ack(first.other())
            .fin(first.other(), b"")
            .ack(first)
    }
}

/// The segments of several conversations in the order of time. Segments with the same time are in the order of the
/// conversations.
#[must_use]
pub fn merge(conversations: &[&Conversation]) -> Vec<Timed> {
    let mut all: Vec<Timed> = conversations
        .iter()
        .flat_map(|conversation| conversation.sent.iter().cloned())
        .collect();
    all.sort_by_key(|timed| timed.time);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends() -> (SocketAddr, SocketAddr) {
        (
            SocketAddr::from(([127, 0, 0, 1], 5893)),
            SocketAddr::from(([127, 0, 0, 1], 8888)),
        )
    }

    #[test]
    fn sequence_numbers_follow_syn_data_and_fin_over_the_wrap() {
        let (client, server) = ends();
        let mut conversation = Conversation::new(client, server).initial(u32::MAX - 1, 7);
        conversation
            .handshake()
            .send_cut(Side::Client, b"abcd", &[2])
            .ack(Side::Server)
            .close(Side::Client);
        let sequences: Vec<(u32, usize)> = conversation
            .segments()
            .iter()
            .filter(|timed| timed.segment.source == client)
            .map(|timed| (timed.segment.sequence, timed.segment.payload.len()))
            .collect();
        assert_eq!(
            sequences,
            [
                (u32::MAX - 1, 0),
                (u32::MAX, 0),
                (u32::MAX, 2),
                (1, 2),
                (3, 0),
                (4, 0)
            ]
        );
        let last = &conversation.segments().last().unwrap().segment;
        assert_eq!(last.acknowledgment, Some(9));
    }

    #[test]
    fn what_is_held_is_sent_when_it_is_put() {
        let (client, server) = ends();
        let mut conversation = Conversation::new(client, server);
        conversation.already_open();
        let segment = conversation.segment(Side::Client, b"one");
        let late = conversation.hold(Side::Client, segment);
        conversation.send(Side::Client, b"two").put(late);
        let payloads: Vec<&[u8]> = conversation
            .segments()
            .iter()
            .map(|timed| timed.segment.payload.as_slice())
            .collect();
        assert_eq!(payloads, [b"two", b"one"]);
        assert_eq!(
            conversation.segments()[0].segment.sequence,
            conversation.segments()[1].segment.sequence + 3
        );
    }
}
