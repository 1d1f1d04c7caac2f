//! Which bytes of a frame are hidden: in its TCP payload, in a fragment, and in segments that are quoted or tunnelled in it.

use std::borrow::Cow;
use std::ops::Range;

use super::{HIDDEN, begins_like_message, clear, clear_of, is_open};
use crate::capture::Frame;
use crate::dissect::{Message, Protocol};
use crate::packet::{Datagram, Other, Packet, decode, ip_start};
use crate::protocol::layout::HEADER_LEN;
use crate::protocol::right_header;
use crate::stream::Role;

/// What decides which bytes of a frame are hidden.
#[derive(Debug, Clone, Copy)]
pub struct Secrets<'a> {
    /// The frame.
    pub frame: Frame<'a>,
    /// The packet in it.
    pub packet: &'a Packet,
    /// The datagram that it completed. The packet's offsets are then relative to it.
    pub datagram: Option<&'a Datagram>,
    /// The messages that it completed.
    pub messages: &'a [Message],
    /// The protocol of its stream, as far as it is known.
    pub protocol: Protocol,
    /// Whether passwords are shown, so that nothing is hidden.
    pub show_passwords: bool,
}

/// The hidden bytes of a frame or a packet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hidden {
    /// For each byte from `start`, whether it is hidden; empty if none is.
    octets: Vec<bool>,
    start: usize,
}

impl Hidden {
    /// Hides all bytes from `start` to `end`.
    fn from(start: usize, end: usize) -> Self {
        Self {
            octets: vec![true; end.saturating_sub(start)],
            start,
        }
    }

    /// Whether the byte at this offset is hidden.
    #[must_use]
    pub fn has(&self, at: usize) -> bool {
        let place = at.checked_sub(self.start);
        place.is_some_and(|place| self.octets.get(place) == Some(&true))
    }

    /// The bytes of `range` in `all`, with a `*` for each that is hidden. Empty if the range is outside.
    #[must_use]
    pub fn masked<'a>(&self, all: &'a [u8], range: Range<usize>) -> Cow<'a, [u8]> {
        let start = range.start;
        let octets = all.get(range).unwrap_or_default();
        if self.octets.is_empty() || start + octets.len() <= self.start {
            return Cow::Borrowed(octets);
        }
        let mut masked = octets.to_vec();
        for (at, octet) in masked.iter_mut().enumerate() {
            if self.has(start + at) {
                *octet = HIDDEN;
            }
        }
        Cow::Owned(masked)
    }

    fn set(&mut self, range: Range<usize>, hidden: impl Fn(usize) -> bool) {
        for at in range {
            let place = at.checked_sub(self.start);
            if let Some(known) = place.and_then(|place| self.octets.get_mut(place)) {
                *known = hidden(at);
            }
        }
    }
}

impl Secrets<'_> {
    /// Which bytes of the frame are hidden.
    #[must_use]
    pub fn in_frame(&self) -> Hidden {
        let Frame { header, octets, .. } = self.frame;
        if self.datagram.is_none() {
            return self.of(self.packet, octets, true);
        }
        self.of(&decode(header.link, octets, header.wire), octets, false)
    }

    /// Which bytes of the packet are hidden: those of the frame, or of the reassembled datagram.
    #[must_use]
    pub fn in_packet(&self) -> Hidden {
        match self.datagram {
            None => self.in_frame(),
            Some(datagram) => self.of(self.packet, &datagram.payload, true),
        }
    }

    /// Which of these bytes are hidden. `counted`: the offsets of messages are relative to them.
    fn of(&self, packet: &Packet, octets: &[u8], counted: bool) -> Hidden {
        if self.show_passwords {
            return Hidden::default();
        }
        match packet {
            Packet::Tcp(_) | Packet::Fragment(_) if is_open(self.protocol) => Hidden::default(),
            Packet::Tcp(segment) => {
                let start = segment.payload_start as usize;
                let end = start + segment.payload_captured as usize;
                let mut hidden = Hidden::from(start, octets.len());
                // Padding may contain bytes of other frames, and a checksum depends on hidden bytes.
                hidden.set(end..octets.len(), |at| octets[at] != 0);
                if counted {
                    self.show_messages(&mut hidden);
                }
                hidden
            }
            Packet::Fragment(ip) if ip.may_carry_tcp() => {
                Hidden::from(ip.payload_start as usize, octets.len())
            }
            Packet::Fragment(_) | Packet::Ip(..) | Packet::Other(_) => self.loose(packet, octets),
        }
    }

    fn show_messages(&self, hidden: &mut Hidden) {
        for message in self.messages {
            let number = self.frame.number;
            let mut here = message
                .sources
                .iter()
                .filter(|source| source.frame == number);
            let Some(first) = here.next() else { continue };
            let clear = clear_of(message, false);
            for source in std::iter::once(first).chain(here) {
                let (from, start) = (source.offset as usize, (source.start as usize));
                let range = from..from + source.len as usize;
                hidden.set(range, |at| !clear.has(start + at - from));
            }
        }
    }

    /// What is hidden in a packet that is not TCP, which may quote or carry a segment: data after a TCP header that an ICMP error
    /// quotes; messages with a right header; and everything after a header whose length and command do not fit each other.
    fn loose(&self, packet: &Packet, octets: &[u8]) -> Hidden {
        let mut hidden = Hidden::from(0, octets.len());
        hidden.set(0..octets.len(), |_| false);
        let mut found = false;
        for at in likely(octets) {
            let message = &octets[at..];
            found = true;
            let Some(kind) = right_header(message) else {
                hidden.set(at + HEADER_LEN..octets.len(), |_| true);
                break;
            };
            let message = &message[..message.len().min(kind.len())];
            let clear = clear(message, Role::that_sends(kind));
            hidden.set(at..at + message.len(), |place| !clear.has(place - at));
        }
        if let Packet::Ip(ip, Other::NotTcp) = packet
            && let Some(start) = self.quoted_data(ip.protocol, octets)
        {
            hidden.set(start..octets.len(), |_| true);
            found = true;
        }
        if found { hidden } else { Hidden::default() }
    }

    /// The offset of the data of a TCP segment that an ICMP error quotes (RFC 792, RFC 4443).
    fn quoted_data(&self, protocol: u8, octets: &[u8]) -> Option<usize> {
        const ICMP: u8 = 1;
        const ICMPV6: u8 = 58;
        const TCP: u8 = 6;
        const ICMP_HEADER: usize = 8;
        let ip = ip_start(self.frame.header.link, octets).ok()?;
        let header = |at: usize| match octets.get(at)? >> 4 {
            4 => Some((usize::from(octets[at] & 15) * 4, *octets.get(at + 9)?)),
            6 => Some((40, *octets.get(at + 6)?)),
            _ => None,
        };
        let icmp = ip + header(ip)?.0;
        let is_error = match (protocol, *octets.get(icmp)?) {
            (ICMP, kind) => matches!(kind, 3..=5 | 11 | 12),
            (ICMPV6, kind) => kind < 128,
            _ => false,
        };
        let quoted = icmp + ICMP_HEADER;
        let (length, carried) = header(quoted)?;
        if !is_error || carried != TCP {
            return None;
        }
        let tcp = quoted + length;
        Some(tcp + usize::from(octets.get(tcp + 12)? >> 4) * 4)
    }
}

/// The offsets of right headers, where messages seem to begin.
pub fn headers(octets: &[u8]) -> impl Iterator<Item = usize> + '_ {
    likely(octets).filter(|at| right_header(&octets[*at..]).is_some())
}

/// The offsets of [`LIKELY_HEADERS`](super::LIKELY_HEADERS), where messages may begin.
fn likely(octets: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let mut from = 0;
    // Each begins with three NULs and the last byte of the length.
    std::iter::from_fn(move || {
        let at = from + memchr::memmem::find(&octets[from..], &[0, 0, 0])?;
        from = at + 1;
        Some(at)
    })
    .filter(|at| begins_like_message(&octets[*at..]))
}
