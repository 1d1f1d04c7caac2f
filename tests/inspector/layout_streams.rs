//! Messages of nine protocols, found by their layout files: cut anywhere, reordered, doubled and lost on the way. Every
//! message before a gap is found, behind it too where the layout carries enough evidence, and none is invented.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};

use authscope::capture::LinkType;
use authscope::synth::{Conversation, IpForm, Link, PcapForm, Segment, Side, write_pcap};
use serde_json::Value;

use crate::inspector::authscope;
use crate::layouts::{Made, PROTOCOLS, Protocol, Rng};

/// How segments travel.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Each message in a segment of its own, one exchange after the other.
    Plain,
    /// Cut anywhere, reordered and doubled.
    Rough,
    /// The same, and some are never captured.
    Lossy,
}

/// What one side of a stream sent: its messages, where they stand, and what of it was lost.
#[derive(Default)]
struct Sent {
    octets: usize,
    messages: Vec<(Range<usize>, Made)>,
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
type Stream = [Sent; 2];

/// Sends octets of one side, cut, reordered, doubled and lost as `way` says.
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
            _ => 1 + rng.below(120),
        };
        let end = octets.len().min(at + most);
        let segment = talk.segment(side, &octets[at..end]);
        let segment = talk.hold(side, segment);
        let start = sent.octets + at;
        if way == Way::Lossy && rng.one_in(60) {
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
            if rng.one_in(4) {
                segments.swap(index - 1, index);
            }
        }
    }
    for segment in segments {
        let again = way != Way::Plain && rng.one_in(10);
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
fn capture(
    protocol: &Protocol,
    way: Way,
    port: u16,
    seed: u64,
    counts: [usize; 2],
    folder: &Path,
) -> (PathBuf, Vec<Stream>) {
    let [streams, exchanges] = counts;
    let mut rng = Rng::new(seed);
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
                _ => (1 + rng.below(4)).min(left),
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
    let path = folder.join(format!("{}.pcap", protocol.name));
    let form = PcapForm::usual(LinkType::ETHERNET);
    std::fs::write(&path, write_pcap(&form, &frames)).expect("the capture is written");
    (path, truth)
}

fn layout(protocol: &Protocol, folder: &Path) -> PathBuf {
    let path = folder.join(format!("{}.toml", protocol.name));
    std::fs::write(&path, protocol.layout).expect("the layout is written");
    path
}

/// The messages that `read` finds.
fn found(layout: &Path, capture: &Path, more: &[&str]) -> Vec<Value> {
    let paths = [layout, capture].map(|path| path.to_str().expect("UTF-8"));
    let arguments = ["read", "-T", "jsonl", "--show-passwords", "-L"];
    let done = authscope(&[&arguments, &paths[..], more].concat());
    assert_eq!(done.code, 0, "{}", done.stderr);
    let lines = done.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// Whether a message ends before its end.
fn is_cut(message: &Value) -> bool {
    let notes = message["notes"].as_array().expect("notes");
    notes.iter().any(|note| note["group"] == "reassembly")
}

/// Holds what was found against what was sent; how many messages were found. Rows do not stand in the order of the stream
/// where a message was known late.
fn hold_against(protocol: &Protocol, found: &[Value], truth: &[Stream]) -> usize {
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

/// Each response names the frame of the request of its own exchange.
fn pairs(protocol: &Protocol, found: &[Value], truth: &[Stream]) {
    let all = truth.iter().flatten().flat_map(|sent| &sent.messages);
    let mut requests = HashMap::new();
    let mut responses = Vec::new();
    let mut exchanges = HashMap::new();
    for (_, made) in all {
        exchanges.insert((made.fields.to_string(), made.from_client), made.exchange);
    }
    for message in found {
        let from_client = message["from"] == "client";
        let exchange = exchanges[&(message["fields"].to_string(), from_client)];
        if from_client {
            requests.insert(exchange, message);
        } else {
            responses.push((exchange, message));
        }
    }
    assert_eq!(requests.len(), responses.len());
    for (exchange, response) in responses {
        let request = requests[&exchange];
        assert_eq!(
            response["response_to"], request["frame"],
            "{}: {response}",
            protocol.name
        );
        assert_eq!(
            request["response_in"], response["frame"],
            "{}: {request}",
            protocol.name
        );
    }
}

const STREAMS: usize = 5;

/// Exchanges of each stream, each a request and a response: 1,000 messages in all, or as many thousands as
/// LAYOUT_THOUSANDS says.
fn exchanges() -> usize {
    let thousands = std::env::var("LAYOUT_THOUSANDS").ok();
    100 * thousands.and_then(|text| text.parse().ok()).unwrap_or(1)
}

#[test]
fn every_message_is_found_and_paired_however_it_travels() {
    let folder = tempfile::tempdir().expect("a folder");
    for (seed, protocol) in (1..).zip(&PROTOCOLS) {
        let layout = layout(protocol, folder.path());
        for way in [Way::Plain, Way::Rough] {
            let counts = [STREAMS, exchanges()];
            let (capture, truth) =
                capture(protocol, way, protocol.port, seed, counts, folder.path());
            let found = found(&layout, &capture, &[]);
            let count = hold_against(protocol, &found, &truth);
            assert_eq!(count, 2 * STREAMS * exchanges(), "{}", protocol.name);
            pairs(protocol, &found, &truth);
        }
    }
}

#[test]
fn what_is_lost_takes_nothing_else_along() {
    let folder = tempfile::tempdir().expect("a folder");
    for (seed, protocol) in (1..).zip(&PROTOCOLS) {
        let layout = layout(protocol, folder.path());
        let counts = [STREAMS * 10, exchanges() / 10];
        let (capture, truth) = capture(
            protocol,
            Way::Lossy,
            protocol.port,
            seed,
            counts,
            folder.path(),
        );
        let found = found(&layout, &capture, &[]);
        let count = hold_against(protocol, &found, &truth);
        assert!(
            count > STREAMS * exchanges() / 4,
            "{}: {count}",
            protocol.name
        );
    }
}

#[test]
fn a_layout_with_enough_evidence_is_recognised_on_any_port() {
    let folder = tempfile::tempdir().expect("a folder");
    for (seed, protocol) in (1..).zip(&PROTOCOLS) {
        let layout = layout(protocol, folder.path());
        let (capture, truth) = capture(protocol, Way::Plain, 9999, seed, [1, 20], folder.path());
        let there = found(&layout, &capture, &[]);
        if protocol.resyncs {
            assert_eq!(
                hold_against(protocol, &there, &truth),
                40,
                "{}",
                protocol.name
            );
        } else {
            assert!(there.is_empty(), "{}: {}", protocol.name, there[0]);
        }
        // Where the port is named it is the layout's.
        let named = found(&layout, &capture, &["-p", "9999"]);
        assert_eq!(
            hold_against(protocol, &named, &truth),
            40,
            "{}",
            protocol.name
        );
        let decode = format!("tcp.port==9999,{}", protocol.name.to_lowercase());
        let named = found(&layout, &capture, &["-d", &decode]);
        assert_eq!(
            hold_against(protocol, &named, &truth),
            40,
            "{}",
            protocol.name
        );
    }
}
