//! Two recordings of one scenario give the same golden file, whatever their ports, addresses, times, numbers and
//! segments are, however connections overlap, and whatever was retransmitted.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use authscope::capture::Timestamp;
use authscope::protocol::Action::{Login, Register};
use authscope::protocol::Command;
use authscope::synth::messages::{raw_request, request, response};
use authscope::synth::{Conversation, IpForm, Link, PcapForm, Side, frames, merge, write_pcap};
use fastrand::Rng;

use crate::inspector::{Done, authscope, capture, captures};
use crate::layouts::PROTOCOLS;
use crate::live::Live;
use crate::programs::Place;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn check(arguments: &[&str]) -> Done {
    authscope(&[&["check"], arguments].concat())
}

/// What one side sends at once.
type Sent = (Side, Vec<u8>);

/// What is said on each connection; how it is cut into segments is left to the recording.
fn scenario() -> Vec<Vec<Sent>> {
    let ask = |action, user: &str| (Side::Client, request(action, user, "open sesame").unwrap());
    let answer = |action, success, words: &str| (Side::Server, response(action, success, words));
    let login = |user: &str| vec![ask(Login, user), answer(Login, true, "login successful")];
    let broken = raw_request(Command::LoginRequest, b"eve\x1b", b"x", b'0');
    vec![
        vec![ask(Register, "alice"), answer(Register, true, "registered")],
        login("alice"),
        vec![ask(Login, "alice"), answer(Login, false, "wrong password")],
        login("carol"),
        login("carol"),
        login("carol"),
        // Nobody answers.
        vec![ask(Login, "bob")],
        // Two on one connection.
        vec![
            ask(Register, "dave"),
            answer(Register, true, "registered"),
            ask(Login, "dave"),
            answer(Login, true, "login successful"),
        ],
        vec![(Side::Client, broken), answer(Login, false, "no such user")],
        // Half a message, then the end.
        vec![(
            Side::Client,
            request(Login, "frank", "x").unwrap()[..40].to_vec(),
        )],
    ]
}

/// How a scenario is recorded.
#[derive(Clone, Copy)]
struct Form {
    port: u16,
    /// Whether responses come in any order.
    by_id: bool,
}

const REGLOGIN: Form = Form {
    port: 8888,
    by_id: false,
};

/// The same said in another order that the protocol allows: a client that does not wait for responses, a server that
/// gives them in any order.
fn reordered(said: &[Sent], form: Form, random: &mut Rng) -> Vec<Sent> {
    let of = |side: Side| said.iter().filter(move |sent| sent.0 == side).cloned();
    if random.bool() || said.len() < 3 {
        return said.to_vec();
    }
    let mut answers: Vec<Sent> = of(Side::Server).collect();
    if form.by_id {
        random.shuffle(&mut answers);
    }
    of(Side::Client).chain(answers).collect()
}

/// A recording of the scenario: everything that is not part of it by chance.
fn recording(scenario: &[Vec<Sent>], form: Form, random: &mut Rng) -> Vec<u8> {
    let begin = Timestamp(1_600_000_000_000_000_000 + random.i64(0..1 << 56));
    let server = SocketAddr::from(([10, random.u8(..), 1, 1], form.port));
    let mut talks: Vec<Conversation> = Vec::new();
    for (index, said) in scenario.iter().enumerate() {
        let port = 10_000 + 50 * index as u16 + random.u16(0..50);
        let client = SocketAddr::from(([10, 9, 0, random.u8(..)], port));
        let late = random.i64(0..20_000_000);
        let mut talk = Conversation::new(client, server)
            .at(Timestamp(begin.0 + late))
            .step(random.i64(1..900_000))
            .initial(random.u32(..), random.u32(..));
        talk.handshake();
        for (side, octets) in &reordered(said, form, random) {
            send(&mut talk, *side, octets, random);
            talk.wait(random.i64(0..5_000_000));
        }
        if random.bool() {
            talk.close(Side::Client);
        } else {
            talk.close(Side::Server);
        }
        talks.push(talk);
    }
    random.shuffle(&mut talks);
    let talks: Vec<&Conversation> = talks.iter().collect();
    let link = Link::ETHERNET;
    let frames = frames(&merge(&talks), &link, &IpForm::default()).unwrap();
    write_pcap(&PcapForm::usual(link.link_type()), &frames)
}

/// Sends bytes in segments of any sizes, some of them twice.
fn send(talk: &mut Conversation, side: Side, octets: &[u8], random: &mut Rng) {
    let mut from = 0;
    while from < octets.len() {
        let most = octets.len() - from;
        let len = if random.bool() {
            most
        } else {
            random.usize(1..=most)
        };
        let segment = talk.segment(side, &octets[from..from + len]);
        talk.emit(side, segment.clone());
        if random.u8(..4) == 0 {
            talk.put(segment);
        }
        if random.bool() {
            talk.ack(side.other());
        }
        from += len;
    }
}

#[test]
fn generated_recordings_give_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let golden = folder.path().join("scenario.golden");
    let mut files: Vec<PathBuf> = Vec::new();
    for seed in 0..40 {
        let path = folder.path().join(format!("{seed}.pcap"));
        std::fs::write(
            &path,
            recording(&scenario(), REGLOGIN, &mut Rng::with_seed(seed)),
        )
        .unwrap();
        files.push(path);
    }
    let first = ["--update", "--expect", text(&golden), text(&files[0])];
    let done = check(&first);
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    insta::assert_snapshot!("check_scenario", std::fs::read_to_string(&golden).unwrap());
    let all: Vec<&str> = files.iter().map(|path| text(path)).collect();
    let done = check(&[&["--expect", text(&golden)], &all[..]].concat());
    assert_eq!(done.code, 0, "{}", done.stdout);
    // Each has a name of its own, in order, however many are read at once.
    let names: Vec<&str> = done
        .stdout
        .lines()
        .map(|line| {
            line.strip_prefix("ok     ")
                .unwrap()
                .split(": ")
                .next()
                .unwrap()
        })
        .collect();
    assert_eq!(names, all);
}

/// Also of protocols that a layout file describes.
#[test]
fn recordings_of_any_protocol_give_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for protocol in &PROTOCOLS {
        let layout = protocol.layout_file(folder.path());
        let mut random = Rng::with_seed(7);
        let mut exchange = 0;
        let mut connection = |_: usize| {
            let mut said = Vec::new();
            for _ in 0..4 {
                let made = protocol.exchange(&mut random, exchange).into_iter();
                said.extend(made.map(|made| {
                    let side = if made.from_client {
                        Side::Client
                    } else {
                        Side::Server
                    };
                    (side, made.octets)
                }));
                exchange += 1;
            }
            said
        };
        let scenario: Vec<Vec<Sent>> = (0..6).map(&mut connection).collect();
        let form = Form {
            port: protocol.port,
            by_id: protocol.by_id,
        };
        let files: Vec<PathBuf> = (0..6)
            .map(|seed| {
                let path = folder.path().join(format!("{}-{seed}.pcap", protocol.name));
                let octets = recording(&scenario, form, &mut Rng::with_seed(seed));
                std::fs::write(&path, octets).unwrap();
                path
            })
            .collect();
        let golden = folder.path().join(format!("{}.golden", protocol.name));
        let options = ["-L", text(&layout), "--expect", text(&golden)];
        let done = check(&[&options[..], &["--update", text(&files[0])]].concat());
        assert_eq!(
            done.code, 0,
            "{}: {}{}",
            protocol.name, done.stdout, done.stderr
        );
        let written = std::fs::read_to_string(&golden).unwrap();
        assert_eq!(written.matches("\nconnection").count(), 6, "{written}");
        let all: Vec<&str> = files.iter().map(|path| text(path)).collect();
        let done = check(&[&options[..], &all].concat());
        assert_eq!(done.code, 0, "{}: {}", protocol.name, done.stdout);
    }
}

/// The same exchange over every link type, in fragments, one byte at a time, twice, backwards: what carried it is not in the
/// golden file.
#[test]
fn whatever_carried_it_gives_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let golden = folder.path().join("exchange.golden");
    let one = "captures/link-ethernet.pcap";
    let expect = ["--expect", text(&golden)];
    let done = check(&[&["--update"], &expect[..], &[one]].concat());
    assert_eq!(done.code, 0, "{}", done.stdout);
    let links = captures().into_iter();
    let links = links.filter(|name| name.starts_with("link-"));
    let others = [
        "gzip.pcap.gz",
        "ipv4-fragments-out-of-order.pcap",
        "ipv4-fragments-twice.pcap",
        "ipv6-fragments.pcap",
        "tcp-backwards.pcap",
        "tcp-captured-twice.pcap",
        "tcp-data-on-fin.pcap",
        "tcp-lost-then-sent-again.pcap",
        "tcp-one-octet-segments.pcap",
        "tcp-out-of-order.pcap",
        "tcp-overlap-conflict.pcap",
        "tcp-retransmission-other-boundaries.pcap",
        "tcp-sequence-wrap.pcap",
        "tcp-zero-window-probe.pcap",
    ];
    let all: Vec<String> = links
        .chain(others.map(str::to_owned))
        .map(|name| capture(&name))
        .collect();
    assert!(all.len() > 40, "{}", all.len());
    let files: Vec<&str> = all.iter().map(String::as_str).collect();
    let done = check(&[&expect[..], &files].concat());
    assert_eq!(done.code, 0, "{}", done.stdout);
}

/// What was said differently is seen, wherever it is.
#[test]
fn another_scenario_gives_another() {
    let folder = tempfile::tempdir().unwrap();
    let golden = folder.path().join("scenario.golden");
    let path = folder.path().join("one.pcap");
    std::fs::write(
        &path,
        recording(&scenario(), REGLOGIN, &mut Rng::with_seed(1)),
    )
    .unwrap();
    assert_eq!(
        check(&["--update", "--expect", text(&golden), text(&path)]).code,
        0
    );
    let change = |at: usize| {
        let mut other = scenario();
        let connection = at % other.len();
        match at / other.len() {
            0 => drop(other.remove(connection)),
            1 => {
                let again = other[connection].clone();
                other.push(again);
            }
            _ => {
                let last = other[connection].last_mut().unwrap();
                *last = match last.0 {
                    Side::Client => (Side::Client, request(Login, "mallory", "x").unwrap()),
                    Side::Server => (Side::Server, response(Login, false, "try again later")),
                };
            }
        }
        other
    };
    for at in 0..3 * scenario().len() {
        std::fs::write(
            &path,
            recording(&change(at), REGLOGIN, &mut Rng::with_seed(2)),
        )
        .unwrap();
        let done = check(&["--expect", text(&golden), text(&path)]);
        assert_eq!(done.code, 1, "change {at}: {}", done.stdout);
    }
}

/// The real server and client, recorded twice, with what runs at the same time in any order.
#[test]
fn real_recordings_give_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut recordings = Vec::new();
    for number in 0..2 {
        let place = Place::new();
        let server = place.start(&[]);
        let port = server.address.port().to_string();
        let saved = folder.path().join(format!("{number}.pcapng"));
        let Some(live) = Live::start(&["-q", "-p", &port, "-w", text(&saved)]) else {
            return;
        };
        server.register("alice", "secret");
        std::thread::scope(|scope| {
            let order: [&str; 4] = if number == 0 {
                ["alice", "bob", "alice", "carol"]
            } else {
                ["carol", "alice", "alice", "bob"]
            };
            for name in order {
                let server = &server;
                scope.spawn(move || server.login(name, "secret"));
            }
        });
        server.login("alice", "wrong");
        let (code, summary) = live.end("-INT");
        assert_eq!(code, Some(0), "{summary}");
        recordings.push(saved);
    }
    let golden = folder.path().join("scenario.golden");
    let options = ["--expect", text(&golden), "--no-unanswered"];
    let files = [text(&recordings[0]), text(&recordings[1])];
    let done = check(&[&["--update"], &options[..], &files[..1]].concat());
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    let written = std::fs::read_to_string(&golden).unwrap();
    assert_eq!(written.matches("  > ").count(), 5, "{written}");
    assert!(written.contains("connection, 2 alike"), "{written}");
    let done = check(&[&options[..], &files].concat());
    assert_eq!(done.code, 0, "{}", done.stdout);
}
