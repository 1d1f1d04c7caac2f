//! Captures of the protocols of [`layouts`](crate::layouts): what TCP does to their segments, which messages were sent,
//! and whether the messages that a program found are true.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};

use authscope::capture::LinkType;
use authscope::synth::{Conversation, IpForm, Link, PcapForm, Segment, Side, write_pcap};
use fastrand::Rng;
use serde_json::Value;

use crate::layouts::{Made, Protocol};

/// How segments travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Each message in a segment of its own, one exchange after the other.
    Plain,
    /// Cut anywhere, reordered and doubled.
    Rough,
    /// The same, and some are never captured.
    Lossy,
}

/// What one side of a stream sent: its messages, where they stand, and what of it was lost.
#[derive(Default)]
pub struct Sent {
    octets: usize,
    pub messages: Vec<(Range<usize>, Made)>,
    gaps: Vec<Range<usize>>,
}

impl Sent {
    fn is_whole(&self, range: &Range<usize>) -> bool {
        let meets = |gap: &&Range<usize>| gap.start < range.end && range.start < gap.end;
        self.gaps.iter().find(meets).is_none()
    }

    fn before_gaps(&self, range: &Range<usize>) -> bool {
        self.gaps.iter().all(|gap| range.end <= gap.start)
    }
}

/// A stream's two sides, the client's first.
pub type Stream = [Sent; 2];

/// Sends bytes of one side, cut, reordered, doubled and lost as `way` says.
fn fly(
    talk: &mut Conversation,
    side: Side,
    octets: &[u8],
    way: Way,
    rng: &mut Rng,
    sent: &mut Sent,
) {
    let mut segments: Vec<Segment> = Vec::new();
    let mut at = 0;
    while at < octets.len() {
        let most = match way {
            Way::Plain => octets.len(),
            _ => rng.usize(1..=120),
        };
        let end = octets.len().min(at + most);
        let segment = talk.segment(side, &octets[at..end]);
        let segment = talk.hold(side, segment);
        let start = sent.octets + at;
        if way == Way::Lossy && rng.u8(..60) == 0 {
            match sent.gaps.last_mut() {
                Some(gap) if gap.end == start => gap.end += end - at,
                _ => sent.gaps.push(start..start + end - at),
            }
        } else {
            segments.push(segment);
        }
        at = end;
    }
    sent.octets += octets.len();
    if way != Way::Plain {
        for index in 1..segments.len() {
            if rng.u8(..4) == 0 {
                segments.swap(index - 1, index);
            }
        }
    }
    for segment in segments {
        let again = way != Way::Plain && rng.u8(..10) == 0;
        if again {
            talk.put(segment.clone());
        }
        talk.put(segment);
    }
    let other = match side {
        Side::Client => Side::Server,
        Side::Server => Side::Client,
    };
    talk.ack(other);
}

/// Writes a capture of connections with so many exchanges each, and tells what was sent.
pub fn capture(
    protocol: &Protocol,
    way: Way,
    port: u16,
    seed: u64,
    counts: [usize; 2],
    folder: &Path,
) -> (PathBuf, Vec<Stream>) {
    let [streams, exchanges] = counts;
    let mut rng = Rng::with_seed(seed);
    let mut frames = Vec::new();
    let mut truth = Vec::new();
    let mut exchange = 0;
    for stream in 0..streams as u16 {
        let client = SocketAddr::from(([10, 1, 0, 1], 20_000 + stream));
        let server = SocketAddr::from(([10, 1, 0, 2], port));
        let mut talk = Conversation::new(client, server).step(1000);
        talk.wait(i64::from(stream) * 10_000_000_000);
        talk.handshake();
        let mut sides = Stream::default();
        let mut left = exchanges;
        while left > 0 {
            let batch = match way {
                Way::Plain => 1,
                _ => rng.usize(1..=4).min(left),
            };
            left -= batch;
            let mut flights: [Vec<Made>; 2] = Default::default();
            for _ in 0..batch {
                for made in protocol.exchange(&mut rng, exchange) {
                    flights[usize::from(!made.from_client)].push(made);
                }
                exchange += 1;
            }
            if protocol.by_id {
                flights[1].reverse();
            }
            for ((side, flight), sent) in [Side::Client, Side::Server]
                .into_iter()
                .zip(flights)
                .zip(&mut sides)
            {
                let mut octets = Vec::new();
                for made in flight {
                    let start = sent.octets + octets.len();
                    octets.extend(&made.octets);
                    sent.messages.push((start..start + made.octets.len(), made));
                }
                fly(&mut talk, side, &octets, way, &mut rng, sent);
            }
        }
        talk.close(Side::Client);
        frames.extend(
            talk.frames(&Link::ETHERNET, &IpForm::default())
                .expect("frames"),
        );
        truth.push(sides);
    }
    let path = folder.join(format!("{}-{way:?}.pcap", protocol.name));
    let form = PcapForm::usual(LinkType::ETHERNET);
    std::fs::write(&path, write_pcap(&form, &frames)).expect("the capture is written");
    (path, truth)
}

/// Whether a message ends before its end.
pub fn is_cut(message: &Value) -> bool {
    let notes = message["notes"].as_array().expect("notes");
    notes.iter().any(|note| note["group"] == "reassembly")
}

/// Holds what was found against what was sent; how many messages were found. Rows do not stand in the order of the stream
/// where a message was known late.
pub fn hold_against(protocol: &Protocol, found: &[Value], truth: &[Stream]) -> usize {
    let mut count = 0;
    for (number, sides) in truth.iter().enumerate() {
        for (from, sent) in ["client", "server"].into_iter().zip(sides) {
            let all = sent.messages.iter();
            let mut left: HashMap<String, &(Range<usize>, Made)> = all
                .map(|message| (message.1.fields.to_string(), message))
                .collect();
            assert_eq!(left.len(), sent.messages.len(), "they are told apart");
            let own = found.iter().filter(|message| {
                message["stream"] == number && message["from"] == from && !is_cut(message)
            });
            for message in own {
                let Some((range, made)) = left.remove(&message["fields"].to_string()) else {
                    panic!("{}: invented: {message}", protocol.name);
                };
                assert!(sent.is_whole(range), "{message}");
                assert_eq!(message["protocol"], protocol.name);
                assert_eq!(message["type"], made.kind);
                assert_eq!(message["length"], made.octets.len());
                let notes = message["notes"].as_array().expect("notes");
                let of_fields = notes.iter().filter(|note| note["field"].is_string());
                assert_eq!(of_fields.count(), 0, "{message}");
                count += 1;
            }
            for (range, made) in left.values() {
                let may_miss =
                    !sent.is_whole(range) || (!protocol.resyncs && !sent.before_gaps(range));
                assert!(may_miss, "{}: not found: {made:?}", protocol.name);
            }
        }
    }
    count
}

/// How many thousand messages a test sends: one, or as many as LAYOUT_THOUSANDS says.
pub fn thousands() -> usize {
    let thousands = std::env::var("LAYOUT_THOUSANDS").ok();
    thousands.and_then(|text| text.parse().ok()).unwrap_or(1)
}
