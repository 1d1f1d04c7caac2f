//! Messages cut into any segments, reordered, retransmitted and overlapping, over any number of interleaved
//! connections, are found as a simple model of a receiver finds them: the same messages, each in the last frame with
//! bytes of it.

use std::net::SocketAddr;

use authscope::capture::{Frame, FrameHeader, LinkType};
use authscope::protocol::Action;
use authscope::session::{Inspector, Options};
use authscope::stream::Role;
use authscope::synth::{self, IpForm, Link, Segment, messages};
use proptest::prelude::*;
use proptest::sample::Index;

/// A message as both sides of the comparison have it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    frame: u64,
    stream: u32,
    from: Role,
    octets: Vec<u8>,
}

/// One direction: its messages, and how TCP carried them.
#[derive(Debug, Clone)]
struct Plan {
    messages: Vec<Vec<u8>>,
    /// Sequence number of the SYN.
    initial: u32,
    /// Ranges of the data, in the order in which they are seen; together they cover it.
    segments: Vec<(usize, usize, bool)>,
}

impl Plan {
    fn data(&self) -> Vec<u8> {
        self.messages.concat()
    }
}

/// What a receiver has: each byte's first copy with the frame it came in, and how far it is
/// without a hole.
struct Receiver {
    octets: Vec<Option<(u8, u64)>>,
    contiguous: usize,
    /// Where messages end, and how many were given.
    ends: Vec<usize>,
    given: usize,
}

impl Receiver {
    fn new(plan: &Plan) -> Self {
        let mut at = 0;
        let ends = plan.messages.iter().map(|message| {
            at += message.len();
            at
        });
        let ends: Vec<usize> = ends.collect();
        Self {
            octets: vec![None; at],
            contiguous: 0,
            ends,
            given: 0,
        }
    }

    /// The messages that a frame completes, each with the last frame that it has bytes of.
    fn take(&mut self, start: usize, octets: &[u8], frame: u64) -> Vec<(u64, Vec<u8>)> {
        for (index, octet) in octets.iter().enumerate() {
            self.octets[start + index].get_or_insert((*octet, frame));
        }
        while self.contiguous < self.octets.len() && self.octets[self.contiguous].is_some() {
            self.contiguous += 1;
        }
        let mut messages = Vec::new();
        while self.given < self.ends.len() && self.ends[self.given] <= self.contiguous {
            let from = if self.given == 0 {
                0
            } else {
                self.ends[self.given - 1]
            };
            let message = self.octets[from..self.ends[self.given]].iter().flatten();
            let (octets, frames): (Vec<u8>, Vec<u64>) = message.copied().unzip();
            messages.push((frames.into_iter().max().unwrap_or(0), octets));
            self.given += 1;
        }
        messages
    }
}

fn message(from: Role) -> impl Strategy<Value = Vec<u8>> {
    let action = prop_oneof![Just(Action::Register), Just(Action::Login)];
    (action, "[a-z]{1,20}", "[a-z0-9]{1,30}", any::<bool>()).prop_map(
        move |(action, name, text, success)| match from {
            Role::Client => messages::request(action, &name, &text).unwrap(),
            Role::Server => messages::response(action, success, &text),
        },
    )
}

/// Cuts, second copies of any range (some with other bytes), and an order.
fn plan(from: Role) -> impl Strategy<Value = Plan> {
    (
        proptest::collection::vec(message(from), 1..5),
        any::<u32>(),
        proptest::collection::vec(any::<Index>(), 0..8),
        proptest::collection::vec((any::<Index>(), any::<Index>(), any::<bool>()), 0..5),
    )
        .prop_flat_map(|(messages, initial, cuts, copies)| {
            let len = messages.iter().map(Vec::len).sum::<usize>();
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(len)).collect();
            at.extend([0, len]);
            at.sort_unstable();
            at.dedup();
            let mut segments: Vec<(usize, usize, bool)> = at
                .windows(2)
                .map(|pair| (pair[0], pair[1], false))
                .collect();
            for (a, b, other) in copies {
                let (a, b) = (a.index(len), b.index(len));
                // A single byte may be taken for a keep-alive; that is another test's matter.
                if a.abs_diff(b) > 1 {
                    segments.push((a.min(b), a.max(b), other));
                }
            }
            (Just(messages), Just(initial), Just(segments).prop_shuffle())
        })
        .prop_map(|(messages, initial, segments)| Plan {
            messages,
            initial,
            segments,
        })
}

/// The bytes that a segment carries: the data's own, or for a copy that differs, other letters
/// everywhere but in headers.
fn carried(plan: &Plan, start: usize, end: usize, other: bool) -> Vec<u8> {
    let data = plan.data();
    let mut octets = data[start..end].to_vec();
    if other {
        let len = plan.messages[0].len();
        for (index, octet) in octets.iter_mut().enumerate() {
            if (start + index) % len >= 9 {
                *octet = octet.wrapping_add(1);
            }
        }
    }
    octets
}

fn ends(stream: usize) -> (SocketAddr, SocketAddr) {
    (
        SocketAddr::from(([10, 0, 0, 1], 40_000 + stream as u16)),
        SocketAddr::from(([10, 0, 0, 2], 8888)),
    )
}

fn segment(stream: usize, from: Role, sequence: u32, syn: bool, payload: Vec<u8>) -> Segment {
    let (client, server) = ends(stream);
    let (source, destination) = match from {
        Role::Client => (client, server),
        Role::Server => (server, client),
    };
    Segment {
        source,
        destination,
        sequence,
        acknowledgment: None,
        flags: synth::Flags {
            syn,
            ..synth::Flags::default()
        },
        window: 65535,
        options: Vec::new(),
        payload,
        checksum: synth::Checksum::Right,
    }
}

/// What happens on the wire, frame by frame: stream, sender and index of the segment.
fn schedule(plans: &[(Plan, Plan)], picks: &[Index]) -> Vec<(usize, Role, usize)> {
    let mut queues: Vec<(usize, Role, usize, usize)> = Vec::new();
    for (stream, (client, server)) in plans.iter().enumerate() {
        queues.push((stream, Role::Client, 0, client.segments.len()));
        queues.push((stream, Role::Server, 0, server.segments.len()));
    }
    let mut order = Vec::new();
    let mut picks = picks.iter().cycle();
    while !queues.is_empty() {
        let index = picks.next().map_or(0, |pick| pick.index(queues.len()));
        let queue = &mut queues[index];
        order.push((queue.0, queue.1, queue.2));
        queue.2 += 1;
        if queue.2 == queue.3 {
            queues.swap_remove(index);
        }
    }
    order
}

fn compare(plans: &[(Plan, Plan)], picks: &[Index]) -> Result<(), TestCaseError> {
    let mut inspector = Inspector::new(&Options::default());
    let mut number: u64 = 0;
    let mut found = Vec::new();
    let mut push = |segment: &Segment, found: &mut Vec<Found>| {
        number += 1;
        let packet = synth::packets(segment, &IpForm::default())
            .unwrap()
            .remove(0);
        let octets = Link::Raw(LinkType::RAW).wrap(&packet);
        let header = FrameHeader {
            time: authscope::capture::Timestamp(number.cast_signed() * 1_000_000),
            start: 0,
            captured: octets.len() as u32,
            wire: octets.len() as u32,
            interface: 0,
            link: LinkType::RAW,
        };
        let record = inspector.push(Frame {
            number,
            header: &header,
            octets: &octets,
        });
        found.extend(record.messages.iter().map(|message| Found {
            frame: message.frame,
            stream: message.stream,
            from: message.sender,
            octets: message.octets.to_vec(),
        }));
        number
    };
    let mut receivers = Vec::new();
    for (stream, (client, server)) in plans.iter().enumerate() {
        for (from, plan) in [(Role::Client, client), (Role::Server, server)] {
            let syn = segment(stream, from, plan.initial, true, Vec::new());
            push(&syn, &mut found);
            receivers.push(Receiver::new(plan));
        }
    }
    let mut expected = Vec::new();
    for (stream, from, index) in schedule(plans, picks) {
        let plan = match from {
            Role::Client => &plans[stream].0,
            Role::Server => &plans[stream].1,
        };
        let (start, end, other) = plan.segments[index];
        let octets = carried(plan, start, end, other);
        let sequence = plan.initial.wrapping_add(1 + start as u32);
        let frame = push(
            &segment(stream, from, sequence, false, octets.clone()),
            &mut found,
        );
        let receiver = &mut receivers[stream * 2 + usize::from(from == Role::Server)];
        for (frame, octets) in receiver.take(start, &octets, frame) {
            expected.push(Found {
                frame,
                stream: stream as u32,
                from,
                octets,
            });
        }
    }
    prop_assert_eq!(found, expected);
    let rest = inspector.finish();
    prop_assert!(rest.messages.is_empty());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn any_segments_give_a_receivers_messages(
        plans in proptest::collection::vec((plan(Role::Client), plan(Role::Server)), 1..5),
        picks in proptest::collection::vec(any::<Index>(), 1..40),
    ) {
        compare(&plans, &picks)?;
    }
}
