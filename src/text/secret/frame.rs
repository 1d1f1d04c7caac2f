//! Which bytes of a frame are hidden: of its TCP payload, of a fragment, and of what is quoted or
//! tunnelled in it.

use std::borrow::Cow;
use std::ops::Range;

use super::{HIDDEN, begins_like_message, clear, clear_of, is_open};
use crate::capture::Frame;
use crate::dissect::{Message, Protocol};
use crate::packet::{Datagram, Other, Packet, decode, ip_start};
use crate::protocol::layout::HEADER_LEN;
use crate::protocol::right_header;
use crate::stream::Role;

/// What a frame's bytes are judged by.
#[derive(Debug, Clone, Copy)]
pub struct Secrets<'a> {
    /// The frame.
    pub frame: Frame<'a>,
    /// What it carries.
    pub packet: &'a Packet,
    /// The datagram that it made whole; the packet's offsets then count in it.
    pub datagram: Option<&'a Datagram>,
    /// The messages that became available with it.
    pub messages: &'a [Message],
    /// What its stream speaks, as far as it is known.
    pub protocol: Protocol,
    /// Whether passwords are shown, so that nothing is hidden.
    pub show_passwords: bool,
}

/// Bytes of a frame or a packet that are hidden.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hidden {
    /// One for each byte from the first one on that is hidden; none where nothing is.
    octets: Vec<bool>,
    start: usize,
}

impl Hidden {
    /// All of the bytes from `start` to `end`.
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

    /// The bytes of `range` in `all` with a `*` in place of each that is hidden; none where the
    /// range reaches beyond them.
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
    /// Which of the frame's own bytes are hidden.
    #[must_use]
    pub fn in_frame(&self) -> Hidden {
        let Frame { header, octets, .. } = self.frame;
        if self.datagram.is_none() {
            return self.of(self.packet, octets, true);
        }
        self.of(&decode(header.link, octets, header.wire), octets, false)
    }

    /// Which of the packet's bytes are hidden: of the frame, or of the datagram put together.
    #[must_use]
    pub fn in_packet(&self) -> Hidden {
        match self.datagram {
            None => self.in_frame(),
            Some(datagram) => self.of(self.packet, &datagram.payload, true),
        }
    }

    /// `counted` says that offsets of messages count in these bytes.
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
                // What fills a frame up, or checks it, may tell of other frames or of this one.
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

    /// What is not read as TCP can quote or carry a segment: data behind a TCP header that an ICMP
    /// error quotes is hidden, and so is a message whose right header stands somewhere, and all behind
    /// a header whose length and command do not fit each other.
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
            let sender = match kind {
                crate::protocol::MessageKind::Request => Role::Client,
                crate::protocol::MessageKind::Response => Role::Server,
            };
            let message = &message[..message.len().min(kind.len())];
            let clear = clear(message, sender);
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

    /// Where data begins of a TCP segment that an ICMP error quotes (RFC 792, RFC 4443).
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

/// Where messages seem to begin: right headers.
pub fn headers(octets: &[u8]) -> impl Iterator<Item = usize> + '_ {
    likely(octets).filter(|at| right_header(&octets[*at..]).is_some())
}

/// Where messages may begin: [`LIKELY_HEADERS`](super::LIKELY_HEADERS).
fn likely(octets: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let mut from = 0;
    // Each starts with three NULs and the length's last byte.
    std::iter::from_fn(move || {
        let at = from + memchr::memmem::find(&octets[from..], &[0, 0, 0])?;
        from = at + 1;
        Some(at)
    })
    .filter(|at| begins_like_message(&octets[*at..]))
}
