//! Wireshark with the plugin shows the same as Authscope for random traffic too: messages of every kind whose segments
//! are cut, lost, retransmitted and reordered, among streams of other protocols.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::tshark::{TWO_PASSES, Tshark};
use crate::wireshark_plugin::{messages, of_plugin, sorted};
use authscope::protocol::{Action, Command};
use authscope::synth::{
    Conversation, IpForm, Link, PcapForm, Segment, Side, frames, merge,
    messages::{raw_request, raw_response, request, response},
    start_time, write_pcap,
};
use fastrand::Rng;
use serde_json::Value;

/// Conversations in a capture.
const CONVERSATIONS: u16 = 400;

fn pick<T: Copy>(random: &mut Rng, of: &[T]) -> T {
    of[random.usize(..of.len())]
}

/// A request, seldom a wrong one.
fn asks(random: &mut Rng) -> Vec<u8> {
    let action = pick(random, &[Action::Register, Action::Login]);
    let name = pick(
        random,
        &[
            "al",
            "alice",
            "robert_smith",
            "twenty-octets-user-x",
            "\u{e9}ric \u{540d}",
            "ali\u{200b}ce",
            "alice\u{378}",
            "alice\u{a0}",
            "\u{10fffd}al",
            "\u{3164}twenty-octets-use",
        ],
    );
    let mut message = request(
        action,
        name,
        pick(random, &["hunter2", "s", "a longer password"]),
    )
    .expect("a request");
    match random.u8(..24) {
        0 => message[3] = pick(random, &[50, 57, 73]),
        1 => message[7] = pick(random, &[2, 4, 9]),
        2 => message = raw_request(Command::LoginRequest, name.as_bytes(), b"secret", b'0'),
        3 => message[27] = b'x',
        _ => {}
    }
    message
}

/// A response, seldom a wrong one.
fn answers(random: &mut Rng) -> Vec<u8> {
    let action = pick(random, &[Action::Register, Action::Login]);
    let words = pick(random, &["", "Login successful", "user name taken"]);
    let mut message = response(action, random.bool(), words);
    match random.u8(..24) {
        0 => message[3] = pick(random, &[65, 72, 58]),
        1 => message[8] = pick(random, &[2, b'1', 255]),
        2 => message = raw_response(Command::LoginResponse, 1, words.as_bytes(), b' '),
        3 => message[72] = b'x',
        _ => {}
    }
    message
}

/// What both sides of a stream of another protocol say, in turn.
fn other_protocol(random: &mut Rng) -> (Vec<u8>, Vec<u8>) {
    let [client, server]: [&[u8]; 2] = pick(
        random,
        &[
            [b"SSH-2.0-OpenSSH_9.6\r\n", b"SSH-2.0-OpenSSH_9.2\r\n"],
            [b"*1\r\n$4\r\nPING\r\n", b"+PONG\r\n"],
            [
                b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                b"HTTP/1.1 204 No Content\r\n\r\n",
            ],
            [
                b"\0\0\0\x18\0\x12\0\x03\0\0\0\x01\0\0\x04test\0\0\0",
                b"\0\0\0\x06\0\0\0\x01\0\0",
            ],
            [
                b"\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\0\x07",
                b"\0\0\0\x10\x80\0\0\x15\0\0\0\0\0\0\0\x07",
            ],
        ],
    );
    (client.to_vec(), server.to_vec())
}

/// How a burst of bytes travels.
fn travel(random: &mut Rng, talk: &mut Conversation, side: Side, octets: &[u8], troubled: bool) {
    let mut cuts = vec![0, octets.len()];
    if random.u8(..3) > 0 {
        cuts.extend((0..random.usize(1..5)).map(|_| random.usize(..octets.len())));
    }
    cuts.sort_unstable();
    cuts.dedup();
    let template = talk.segment(side, b"");
    let part = |from: usize, to: usize| {
        let mut segment: Segment = template.clone();
        segment.sequence = template.sequence.wrapping_add(from as u32);
        segment.payload = octets[from..to].to_vec();
        segment.flags.psh = true;
        segment
    };
    talk.hold(side, part(0, octets.len()));
    let mut all: Vec<Segment> = cuts.windows(2).map(|cut| part(cut[0], cut[1])).collect();
    if !troubled {
        for segment in all {
            talk.put(segment);
        }
        return;
    }
    // Never captured: the acknowledgement that follows says that it came.
    if random.u8(..6) == 0 {
        all.remove(random.usize(..all.len()));
    }
    // Overtaken.
    if random.u8(..3) == 0 && all.len() > 1 {
        let at = random.usize(1..all.len());
        all.swap(at - 1, at);
    }
    // Sent again, as it was or cut otherwise.
    for _ in 0..random.usize(..3) {
        if random.u8(..2) == 0 && !all.is_empty() {
            let again = all[random.usize(..all.len())].clone();
            all.insert(random.usize(..=all.len()), again);
        } else if random.u8(..3) == 0 {
            let from = random.usize(..octets.len());
            all.push(part(from, random.usize(from + 1..=octets.len())));
        }
    }
    for segment in all {
        talk.put(segment);
    }
}

fn conversation(seed: u64, number: u16) -> Conversation {
    let mut random = Rng::with_seed(seed + u64::from(number));
    let [high, low] = number.to_be_bytes();
    let client = SocketAddr::from(([10, 1, high, low], 20_000 + number));
    // Where RegLogin is not expected, it is found by its messages.
    let port = pick(&mut random, &[8888, 8888, 8888, 9000]);
    let server = SocketAddr::from(([192, 0, 2, 1], port));
    let mut talk = Conversation::new(client, server)
        .at(authscope::capture::Timestamp(
            start_time().0 + i64::from(number) * 1_000_003,
        ))
        .step(pick(&mut random, &[50_000, 400_000, 5_000_000]))
        .initial(random.u32(..), random.u32(..));
    if random.u8(..8) == 0 {
        talk.already_open();
    } else {
        talk.handshake();
    }
    let troubled = random.u8(..5) > 0;
    if number.is_multiple_of(16) {
        let (asked, answered) = other_protocol(&mut random);
        travel(&mut random, &mut talk, Side::Client, &asked, troubled);
        travel(&mut random, &mut talk, Side::Server, &answered, troubled);
        talk.ack(Side::Client);
    } else {
        for _ in 0..random.usize(1..5) {
            // One request, or several before any is answered.
            let several = pick(&mut random, &[1, 1, 1, 2, 3]);
            let asked: Vec<u8> = (0..several).flat_map(|_| asks(&mut random)).collect();
            travel(&mut random, &mut talk, Side::Client, &asked, troubled);
            if random.bool() {
                talk.ack(Side::Server);
            }
            let answered: Vec<u8> = (0..several).flat_map(|_| answers(&mut random)).collect();
            travel(&mut random, &mut talk, Side::Server, &answered, troubled);
            if random.bool() {
                talk.ack(Side::Client);
            }
        }
    }
    match random.u8(..4) {
        0 => drop(talk.reset(Side::Client).now()),
        1 => {}
        _ => drop(talk.close(Side::Client).now()),
    }
    talk
}

fn by_stream(messages: Vec<Value>) -> BTreeMap<u64, Vec<Value>> {
    let mut streams: BTreeMap<u64, Vec<Value>> = BTreeMap::new();
    for message in sorted(messages) {
        let stream = message["stream"].as_u64().expect("a stream");
        streams.entry(stream).or_default().push(message);
    }
    streams
}

fn agree_from(seed: u64) {
    let Some(tshark) = Tshark::find() else { return };
    let talks: Vec<Conversation> = (0..CONVERSATIONS)
        .map(|number| conversation(seed, number))
        .collect();
    let segments = merge(&talks.iter().collect::<Vec<_>>());
    let link = Link::ETHERNET;
    let frames = frames(&segments, &link, &IpForm::default()).expect("frames");
    let folder = tempfile::tempdir().expect("a temporary directory");
    let path = folder.path().join("random.pcap");
    let file = write_pcap(&PcapForm::usual(link.link_type()), &frames);
    std::fs::write(&path, file).expect("the capture is written");
    let ours = by_stream(messages(&path, &[]));
    let asked = [&TWO_PASSES[..], &["-Y", "reglogin"]].concat();
    let theirs = by_stream(of_plugin(&tshark, &path, &asked));
    let empty = Vec::new();
    let streams = (0..u64::from(CONVERSATIONS)).filter_map(|stream| {
        let one = ours.get(&stream).unwrap_or(&empty);
        let other = theirs.get(&stream).unwrap_or(&empty);
        (one != other).then(|| {
            let only = |these: &[Value], those: &[Value]| {
                let lines = these.iter().filter(|one| !those.contains(one));
                lines.fold(String::new(), |all, one| format!("{all}{one}\n"))
            };
            format!(
                "== stream {stream}\nonly authscope:\n{}only the plugin:\n{}",
                only(one, other),
                only(other, one)
            )
        })
    });
    let differences: Vec<String> = streams.collect();
    let count: usize = ours.values().map(Vec::len).sum();
    assert!(count > 1_000, "{count} messages");
    assert!(
        differences.is_empty(),
        "{} of {} streams, {count} messages: {}",
        differences.len(),
        CONVERSATIONS,
        differences.join("\n")
    );
}

#[test]
fn the_plugin_and_authscope_agree_on_random_traffic() {
    agree_from(1);
}

#[test]
fn they_agree_on_more_random_traffic() {
    agree_from(10_001);
}
