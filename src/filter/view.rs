//! What fields are read from: a frame's record, and what is known besides it.

use std::borrow::Cow;
use std::ops::Range;

use crate::capture::{Frame, FrameHeader, LinkType, Timestamp};
use crate::dissect::{Message, Peer, Protocol};
use crate::layout::Said;
use crate::packet::layout::{ipv4, ipv6};
use crate::packet::{self, Endpoint, Ip, Other, Packet};
use crate::session::FrameRecord;
use crate::stream::Analysis;

/// The times of other frames that a frame's time is relative to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Times {
    first: Option<Timestamp>,
    previous: Option<Timestamp>,
    displayed: Option<Timestamp>,
    now: Timestamp,
    now_is_displayed: bool,
}

impl Times {
    /// Moves on to the next frame. It must be called once for every frame of a capture.
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

    /// Marks the current frame as shown.
    pub const fn displayed(&mut self) {
        self.now_is_displayed = true;
    }

    /// The times for another frame, whose previous frames are unknown.
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

    /// The time of the frame before the current one.
    #[must_use]
    pub const fn previous(&self) -> Option<Timestamp> {
        self.previous
    }

    /// The current frame's time; 0 if there is none.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Nanoseconds since the first frame.
    #[must_use]
    pub fn relative(self) -> i64 {
        self.since(self.first)
    }

    /// Nanoseconds since the previous frame; 0 for the first.
    #[must_use]
    pub fn delta(self) -> i64 {
        self.since(self.previous)
    }

    /// Nanoseconds since the previous shown frame; 0 for the first.
    #[must_use]
    pub fn delta_displayed(self) -> i64 {
        self.since(self.displayed)
    }
}

/// Responses from an earlier pass, by the number of the request among all messages.
pub trait Responses {
    /// The response to the request with this number.
    fn response(&self, request: u64) -> Option<Peer>;

    /// The outcome that this response reports, for protocols that a layout file describes.
    fn said(&self, request: u64) -> Option<Said>;
}

/// Receives an IP header with the bytes after it, and their range in the frame; `None` if they are in a reassembled datagram.
pub(crate) type ShowIp<'s> = &'s mut dyn FnMut(&[u8], Option<Range<usize>>);

/// A frame, and what is known besides it.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The frame.
    pub record: &'a FrameRecord<'a>,
    /// The times that its time is relative to.
    pub times: Times,
    /// TCP's sequence analysis; `None` without analysis or without TCP.
    pub analysis: Option<&'a Analysis>,
    /// Responses from an earlier pass; `None` if there was none.
    pub responses: Option<&'a dyn Responses>,
    /// Whether passwords are not masked.
    pub show_passwords: bool,
    /// The message of a view without a frame. Only number, time and stream are then known of the frame.
    pub late: Option<&'a Message>,
    /// The path of the capture.
    pub file: Option<&'a str>,
    /// Whether it is a view of an exchange: a value that both messages have then counts once.
    pub is_exchange: bool,
}

impl<'a> View<'a> {
    /// The response to a request with this number, from an earlier pass, or because the record waited for it. `None` if it is
    /// unknown.
    #[must_use]
    pub fn response(&self, number: u64, request: &Message) -> Option<Peer> {
        let ahead = self.responses.and_then(|known| known.response(number));
        ahead.or(request.peer)
    }

    /// A view of a record, with its times and with passwords masked.
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

    /// Calls `show` with a view of a message that no frame completed.
    pub fn of_late<T>(message: &Message, times: Times, show: impl FnOnce(&View<'_>) -> T) -> T {
        Self::of_messages(message, std::slice::from_ref(message), times, show)
    }

    /// Calls `show` with a view of messages without a frame, with frame number, time and stream of `message`.
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

    /// The source and the destination.
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

    /// The frame, if there is one.
    pub(super) fn frame(&self) -> Option<Frame<'a>> {
        self.late.is_none().then_some(self.record.frame)
    }

    /// The offset of the innermost IP header in the frame.
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

    /// Calls `show` with each IP header of the frame, the outermost first, including those in a reassembled datagram.
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

    /// Calls `show` with each IP header of this version.
    pub(crate) fn each_ip_of(&self, version: u8, show: ShowIp<'_>) {
        self.each_ip(&mut |header, range| {
            if header[0] >> 4 == version {
                show(header, range);
            }
        });
    }

    /// The IP header of the frame if it is a fragment.
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

    /// The TCP header with its options.
    pub(crate) fn tcp(&self) -> Option<&'a [u8]> {
        let segment = self.record.segment()?;
        let range = segment.tcp_start as usize..segment.payload_start as usize;
        self.record.packet_octets().get(range)
    }

    /// Bytes of the frame, with a `*` for each that may belong to a password, unless passwords are shown.
    pub(super) fn seen_in_frame(&self, range: Range<usize>) -> Cow<'a, [u8]> {
        let hidden = self.record.secrets(self.show_passwords).in_frame();
        hidden.masked(self.record.frame.octets, range)
    }

    /// Bytes of the packet that the segment is in, masked in the same way.
    pub(crate) fn seen_in_packet(&self, range: Range<usize>) -> Cow<'a, [u8]> {
        let hidden = self.record.secrets(self.show_passwords).in_packet();
        hidden.masked(self.record.packet_octets(), range)
    }
}
