//! A frame as fields see it: its record, and what is known besides it.

use std::borrow::Cow;
use std::ops::Range;

use crate::capture::{Frame, FrameHeader, LinkType, Timestamp};
use crate::dissect::{Message, Peer, Protocol};
use crate::layout::Said;
use crate::packet::layout::{ipv4, ipv6};
use crate::packet::{self, Endpoint, Ip, Other, Packet};
use crate::session::FrameRecord;
use crate::stream::Analysis;

/// Times of other frames that a frame's time is relative to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Times {
    first: Option<Timestamp>,
    previous: Option<Timestamp>,
    displayed: Option<Timestamp>,
    now: Timestamp,
    now_is_displayed: bool,
}

impl Times {
    /// Moves on to a frame of this time. Called once per frame of a capture.
    pub fn advance(&mut self, time: Timestamp) {
        if std::mem::take(&mut self.now_is_displayed) {
            self.displayed = Some(self.now);
        }
        if self.first.is_none() {
            self.first = Some(time);
        } else {
            self.previous = Some(self.now);
        }
        self.now = time;
    }

    /// Notes that the present frame is shown.
    pub const fn displayed(&mut self) {
        self.now_is_displayed = true;
    }

    /// The same, relative to another frame's time.
    const fn at(mut self, time: Timestamp) -> Self {
        self.now = time;
        self.previous = None;
        self.displayed = None;
        self
    }

    fn since(self, earlier: Option<Timestamp>) -> i64 {
        earlier.map_or(0, |earlier| self.now.since(earlier))
    }

    /// The first frame's time.
    #[must_use]
    pub const fn first(&self) -> Option<Timestamp> {
        self.first
    }

    /// The time of the frame before the present one.
    #[must_use]
    pub const fn previous(&self) -> Option<Timestamp> {
        self.previous
    }

    /// The present frame's time; 0 if there was none.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Nanoseconds since the first frame.
    #[must_use]
    pub fn relative(self) -> i64 {
        self.since(self.first)
    }

    /// Nanoseconds since the frame before; 0 for the first.
    #[must_use]
    pub fn delta(self) -> i64 {
        self.since(self.previous)
    }

    /// Nanoseconds since the frame shown before; 0 for the first.
    #[must_use]
    pub fn delta_displayed(self) -> i64 {
        self.since(self.displayed)
    }
}

/// Responses that are known before their frames, by the number of the request.
pub trait Responses {
    /// The response to the request with this number.
    fn response(&self, request: u64) -> Option<Peer>;

    /// What that response says of the request, of a protocol that a layout file describes.
    fn said(&self, request: u64) -> Option<Said>;
}

/// Receives an IP header with what follows it, and its offset in the frame, if it is there.
pub(crate) type ShowIp<'s> = &'s mut dyn FnMut(&[u8], Option<Range<usize>>);

/// One frame, and what its fields are read from.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The frame.
    pub record: &'a FrameRecord<'a>,
    /// What its times are relative to.
    pub times: Times,
    /// TCP's sequence analysis; `None` if it was not asked for or there is no TCP.
    pub analysis: Option<&'a Analysis>,
    /// Responses known ahead; `None` if they were not looked for.
    pub responses: Option<&'a dyn Responses>,
    /// Whether bytes of passwords are shown as they are.
    pub show_passwords: bool,
    /// The message that the view is of, where no frame completed it: only now is it known that
    /// nothing more comes. Then there is no frame besides its number, time and stream.
    pub late: Option<&'a Message>,
    /// The path of the capture that it is of.
    pub file: Option<&'a str>,
    /// Whether it is of the two messages of an exchange: what both have is one value of it.
    pub is_exchange: bool,
}

impl<'a> View<'a> {
    /// The response to a request of this number, where it is known: ahead, or because the record waited for it.
    #[must_use]
    pub fn response(&self, number: u64, request: &Message) -> Option<Peer> {
        let ahead = self.responses.and_then(|known| known.response(number));
        ahead.or(request.peer)
    }

    /// The record alone, with its time and passwords masked.
    #[must_use]
    pub const fn new(record: &'a FrameRecord<'a>, times: Times) -> Self {
        Self {
            record,
            times,
            analysis: None,
            responses: None,
            show_passwords: false,
            late: None,
            file: None,
            is_exchange: false,
        }
    }

    /// A view of a message that no frame completed, which `show` is given.
    pub fn of_late<T>(message: &Message, times: Times, show: impl FnOnce(&View<'_>) -> T) -> T {
        Self::of_messages(message, std::slice::from_ref(message), times, show)
    }

    /// A view of messages without a frame, with number, time and connection of the first.
    pub fn of_messages<T>(
        message: &Message,
        messages: &[Message],
        times: Times,
        show: impl FnOnce(&View<'_>) -> T,
    ) -> T {
        let header = FrameHeader {
            time: message.time,
            start: 0,
            captured: 0,
            wire: 0,
            interface: 0,
            link: LinkType::RAW,
        };
        let record = FrameRecord {
            frame: Frame {
                number: message.frame,
                header: &header,
                octets: &[],
            },
            packet: &Packet::Other(Other::NotIp),
            datagram: None,
            placement: None,
            protocol: Protocol::RegLogin,
            on_tcp: Protocol::RegLogin,
            messages,
            notes: &[],
            first_message: 0,
            resolutions: &[],
            unasked: &[],
            ended_flows: &[],
            followed: &[],
            tls: &[],
        };
        show(&View {
            late: Some(message),
            is_exchange: messages.len() > 1,
            ..View::new(&record, times.at(message.time))
        })
    }

    /// Sender and receiver.
    pub(super) fn ends(&self) -> Option<[Endpoint; 2]> {
        match (self.record.segment(), self.late) {
            (Some(segment), _) => Some([segment.source, segment.destination]),
            (None, Some(message)) => Some([message.source, message.destination]),
            (None, None) => None,
        }
    }

    /// The stream's number.
    pub(super) fn stream(&self) -> Option<u32> {
        let late = self.late.map(|message| message.stream);
        late.or(self.record.placement.map(|placement| placement.stream))
    }

    /// The frame, where there is one.
    pub(super) fn frame(&self) -> Option<Frame<'a>> {
        self.late.is_none().then_some(self.record.frame)
    }

    /// Offset of the innermost IP header in the frame.
    fn ip_start(&self) -> Option<usize> {
        if self.record.datagram.is_some() {
            return None;
        }
        match self.record.packet {
            Packet::Tcp(segment) => Some(segment.ip_start as usize),
            Packet::Fragment(ip) | Packet::Ip(ip, _) => Some(ip.start as usize),
            Packet::Other(_) => None,
        }
    }

    /// Whether there may be more than one IP header.
    pub(super) fn is_in_tunnel(&self) -> bool {
        let header = self.record.frame.header;
        let first = packet::ip_start(header.link, self.record.frame.octets);
        self.late.is_none() && self.ip_start() != first.ok()
    }

    /// Gives `show` each IP header of the frame, the outermost first, with what follows it, and
    /// the offsets of that in the frame; `None` of one in a datagram that was put together.
    pub(super) fn each_ip(&self, show: ShowIp<'_>) {
        if self.late.is_some() {
            return;
        }
        let (frame, octets) = (self.record.frame, self.record.frame.octets);
        let mut seen = |octets: &[u8], start: usize, in_frame: bool| {
            let range = start..octets.len();
            let header = octets.get(range.clone()).unwrap_or_default();
            let least = match header.first().map(|octet| octet >> 4) {
                Some(4) => ipv4::LEN,
                Some(6) => ipv6::LEN,
                _ => return,
            };
            if header.len() >= least {
                show(header, in_frame.then_some(range));
            }
        };
        if !self.is_in_tunnel() {
            let start = packet::ip_start(frame.header.link, octets);
            return start
                .into_iter()
                .for_each(|start| seen(octets, start, true));
        }
        let (link, wire) = (frame.header.link, frame.header.wire);
        packet::passed_headers(link, octets, wire, |_, ip| {
            if let Some(ip) = ip {
                seen(octets, ip.start as usize, true);
            }
        });
        if let Some(datagram) = self.record.datagram {
            packet::passed_in(&datagram.ip, &datagram.payload, |_, ip| {
                if let Some(ip) = ip {
                    seen(&datagram.payload, ip.start as usize, false);
                }
            });
        }
    }

    /// The same of one version.
    pub(crate) fn each_ip_of(&self, version: u8, show: ShowIp<'_>) {
        self.each_ip(&mut |header, range| {
            if header[0] >> 4 == version {
                show(header, range);
            }
        });
    }

    /// The fragment that the frame is.
    pub(super) fn fragment(&self) -> Option<Ip> {
        let frame = self.record.frame;
        let packet = match *self.record.packet {
            fragment @ Packet::Fragment(_) => fragment,
            _ if self.record.datagram.is_some() => {
                packet::decode(frame.header.link, frame.octets, frame.header.wire)
            }
            _ => return None,
        };
        match packet {
            Packet::Fragment(ip) => Some(ip),
            _ => None,
        }
    }

    /// The TCP header, options included.
    pub(crate) fn tcp(&self) -> Option<&'a [u8]> {
        let segment = self.record.segment()?;
        let range = segment.tcp_start as usize..segment.payload_start as usize;
        self.record.packet_octets().get(range)
    }

    /// Bytes of the frame as they may be seen: for each that may be a password's there is a `*`,
    /// unless passwords are shown.
    pub(super) fn seen_in_frame(&self, range: Range<usize>) -> Cow<'a, [u8]> {
        let hidden = self.record.secrets(self.show_passwords).in_frame();
        hidden.masked(self.record.frame.octets, range)
    }

    /// Bytes of the packet, likewise; its offsets are those of the segment.
    pub(crate) fn seen_in_packet(&self, range: Range<usize>) -> Cow<'a, [u8]> {
        let hidden = self.record.secrets(self.show_passwords).in_packet();
        hidden.masked(self.record.packet_octets(), range)
    }
}
