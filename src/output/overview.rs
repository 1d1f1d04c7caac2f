//! Explains an empty output: what the capture contains if no row, or hardly any, is shown.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::rows::Rows;
use super::tee::OutputError;
use crate::capture::LinkType;
use crate::dissect::Protocol;
use crate::dissect::identify::ENOUGH;
use crate::packet::{Other, Packet, ip_protocol, link_type_name};
use crate::protocol::layout::{HEADER_LEN, PROTOCOL_NAME};
use crate::session::{EmptySegments, Ending, FlowEnd, FrameRecord, Remainder, Sink};
use crate::text::number::number_of;

/// Counts the frames, streams and messages of a capture.
#[derive(Debug)]
pub struct Overview {
    frames: u64,
    watched: u64,
    messages: u64,
    /// Streams by protocol, in order of name.
    streams: BTreeMap<&'static str, u64>,
    ours: u64,
    /// IP packets without a TCP segment, by IP protocol number.
    without_tcp: [u64; 256],
    not_ip: u64,
    unread: BTreeMap<u16, u64>,
    /// Segments on watched ports of which too little was captured to recognise a message.
    bare: u64,
    /// Captured bytes of the shortest such frame.
    bare_captured: u32,
    /// The most captured payload bytes of such a segment.
    bare_payload: u32,
    whole: bool,
}

impl Default for Overview {
    fn default() -> Self {
        Self {
            frames: 0,
            watched: 0,
            messages: 0,
            streams: BTreeMap::new(),
            ours: 0,
            without_tcp: [0; 256],
            not_ip: 0,
            unread: BTreeMap::new(),
            bare: 0,
            bare_captured: u32::MAX,
            bare_payload: 0,
            whole: false,
        }
    }
}

impl Overview {
    /// The remarks for the end of the run, a clause each. `rows`: the rows that were asked for. `missed`: nothing matched the
    /// filter.
    #[must_use]
    pub fn lines(&self, rows: Rows, missed: bool) -> Vec<String> {
        // If only a part was read, nobody knows what is missing.
        if !self.whole {
            return Vec::new();
        }
        let mut lines: Vec<String> = self.unread.iter().map(unread).collect();
        if self.frames == 0 {
            lines.push("there is no frame in the capture".to_owned());
            return lines;
        }
        if missed {
            let frames = number_of(self.frames, "frame");
            let more = match rows {
                Rows::Messages => "; frames without a message only with --frames",
                _ => "",
            };
            lines.push(format!(
                "nothing matches the filter: {frames} looked at{more}"
            ));
            return lines;
        }
        let shown = match rows {
            Rows::All => self.frames,
            Rows::Watched => self.watched + self.messages,
            Rows::Messages | Rows::Exchanges => self.messages,
        };
        let unread: u64 = self.unread.values().sum();
        if self.bare > 0 && self.messages == 0 {
            lines.push(self.bare_line());
        } else if shown == 0 && self.frames > unread {
            let what = self.what();
            let more = match rows {
                Rows::Messages | Rows::Exchanges if self.ours > 0 => {
                    "no message is whole enough to be shown"
                }
                _ => "",
            };
            lines.push(if more.is_empty() {
                format!("no {PROTOCOL_NAME} here: {what}; --frames shows all")
            } else {
                format!("{more}: {what}; --frames shows all")
            });
        }
        lines
    }
}

fn unread((link, frames): (&u16, &u64)) -> String {
    let have = if *frames == 1 {
        "frame has"
    } else {
        "frames have"
    };
    let name = match link_type_name(LinkType(*link)) {
        Some(name) => format!(", {name}"),
        None => String::new(),
    };
    format!("{frames} {have} link type {link}{name}: not read")
}

impl Overview {
    fn flows(&mut self, ended: &[FlowEnd]) {
        for flow in ended {
            let name = match flow.protocol {
                Protocol::Unknown | Protocol::Data => "other",
                known => known.name(),
            };
            *self.streams.entry(name).or_default() += 1;
            self.ours += u64::from(flow.protocol.has_messages());
        }
    }

    fn frame(&mut self, record: &FrameRecord<'_>) {
        self.frames += 1;
        match record.packet {
            Packet::Tcp(segment) => {
                let watched = record.is_watched();
                self.watched += u64::from(watched);
                if watched
                    && segment.payload_captured < segment.payload_len
                    && (segment.payload_captured as usize) < ENOUGH
                {
                    self.bare += 1;
                    self.bare_payload = self.bare_payload.max(segment.payload_captured);
                    let captured = record.frame.header.captured;
                    self.bare_captured = self.bare_captured.min(captured);
                }
            }
            Packet::Fragment(_) => {}
            Packet::Ip(ip, _) => self.without_tcp[usize::from(ip.protocol)] += 1,
            Packet::Other(Other::LinkType) => {
                *self.unread.entry(record.frame.header.link.0).or_default() += 1;
            }
            Packet::Other(_) => self.not_ip += 1,
        }
    }

    /// `3 streams, SSH`; `5 streams (SSH 3, other 2)`; `12 frames, no TCP (UDP 10, not IP 2)`.
    fn what(&self) -> String {
        let streams: u64 = self.streams.values().sum();
        if streams > 0 {
            let streams = number_of(streams, "stream");
            let mut kinds = self.streams.iter();
            return match (kinds.next(), kinds.next()) {
                (Some((&"other", _)), None) => format!("{streams} of TCP, of no known protocol"),
                (Some((only, _)), None) => format!("{streams}, {only}"),
                _ => {
                    let kinds = self.streams.iter();
                    let kinds: Vec<String> = kinds
                        .map(|(name, count)| format!("{name} {count}"))
                        .collect();
                    format!("{streams} ({})", kinds.join(", "))
                }
            };
        }
        let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
        for (number, count) in (0..=u8::MAX)
            .zip(self.without_tcp)
            .filter(|(_, count)| *count > 0)
        {
            *kinds.entry(ip_protocol(number).name).or_default() += count;
        }
        if self.not_ip > 0 {
            kinds.insert("not IP", self.not_ip);
        }
        let kinds: Vec<String> = kinds
            .iter()
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        let frames = number_of(self.frames, "frame");
        if kinds.is_empty() {
            format!("{frames}, no TCP")
        } else {
            format!("{frames}, no TCP ({})", kinds.join(", "))
        }
    }

    fn bare_line(&self) -> String {
        let frames = self.bare;
        let have = if frames == 1 {
            "frame has"
        } else {
            "frames have"
        };
        let left = if (self.bare_payload as usize) < HEADER_LEN {
            "nothing"
        } else {
            "too little"
        };
        format!(
            "{frames} {have} data of which the snapshot length left {left} to read ({} bytes were \
             captured): capture again with a larger one, tcpdump -s 0 or -s {}",
            self.bare_captured, LEAST_SNAPSHOT
        )
    }
}

/// A snapshot length in bytes that captures complete messages on any usual link layer.
const LEAST_SNAPSHOT: u32 = 256;

impl Sink for Overview {
    type Error = OutputError;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        self.frame(record);
        self.messages += record.messages.len() as u64;
        self.flows(record.ended_flows);
        Ok(ControlFlow::Continue(()))
    }

    fn bare(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        self.frame(record);
        Ok(ControlFlow::Continue(()))
    }

    fn counts_empty_segments(&self) -> bool {
        true
    }

    fn empty_segments(&mut self, segments: EmptySegments) {
        self.frames += segments.frames;
        self.watched += segments.watched;
    }

    fn between(&mut self, found: &Remainder<'_>) -> Result<(), OutputError> {
        self.messages += found.messages.len() as u64;
        Ok(())
    }

    /// Streams are only told where nothing is shown.
    fn wants_ends(&self) -> bool {
        self.messages == 0
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), OutputError> {
        self.messages += remainder.messages.len() as u64;
        self.flows(remainder.ended_flows);
        self.whole = remainder.ending == Ending::Whole;
        Ok(())
    }
}
