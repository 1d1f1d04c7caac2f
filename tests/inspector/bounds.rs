//! Whatever a bound of `docs/architecture.md` leaves out of the results is counted. The count is in the summary, in
//! JSON and on standard error.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;

use crate::inspector::{authscope, capture};
use authscope::capture::{Frame, FrameHeader, LinkType};
use authscope::packet::DefragmentLimits;
use authscope::protocol::Action;
use authscope::session::{GivenUp, Inspector, MAX_HELD, Options};
use authscope::stream::StreamLimits;
use authscope::synth::messages::{request, response};
use authscope::synth::{
    Conversation, Fragment, Frame as Made, IpForm, Link, PcapForm, Side, frames, merge, start_time,
    write_pcap,
};

const SECOND: i64 = 1_000_000_000;

fn conversation(number: u16) -> Conversation {
    let client = SocketAddr::from(([192, 0, 2, 10], 41_000 + number));
    let server = SocketAddr::from(([192, 0, 2, 1], 8888));
    let mut talk = Conversation::new(client, server).at(start_time());
    talk.handshake();
    talk
}

fn login() -> Vec<u8> {
    request(Action::Login, "alice", "secret").unwrap()
}

/// Some logins one behind the other.
fn logins(count: usize) -> Vec<u8> {
    login().repeat(count)
}

/// A capture of these conversations.
struct Capture {
    folder: tempfile::TempDir,
}

impl Capture {
    fn of(talks: &[&Conversation]) -> Self {
        Self::of_frames(&made(talks))
    }

    fn of_frames(frames: &[Made]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let octets = write_pcap(&PcapForm::usual(LinkType::ETHERNET), frames);
        std::fs::write(folder.path().join("capture.pcap"), octets).unwrap();
        Self { folder }
    }

    fn path(&self) -> String {
        let path = self.folder.path().join("capture.pcap");
        path.to_str().unwrap().to_owned()
    }

    /// What was given up, as the summary in JSON has it; the other forms say as much.
    fn given_up(&self, arguments: &[&str]) -> Value {
        given_up(&self.path(), arguments)
    }

    /// The bytes of each note on data that could not wait, as rows have them.
    fn could_not_wait(&self, arguments: &[&str]) -> Vec<u64> {
        let path = self.path();
        let all = [&["read", "--frames", "-T", "text", &path], arguments].concat();
        let rows = authscope(&all).stdout;
        let parts = rows.split("bytes out of order could not wait");
        let counts =
            parts.filter_map(|part| part.trim_end().rsplit([' ', '[']).next()?.parse().ok());
        let notes = rows.matches("could not wait").count();
        let counts: Vec<u64> = counts.take(notes).collect();
        assert_eq!(counts.len(), notes, "{rows}");
        counts
    }
}

fn made(talks: &[&Conversation]) -> Vec<Made> {
    frames(&merge(talks), &Link::ETHERNET, &IpForm::default()).unwrap()
}

fn given_up(path: &str, arguments: &[&str]) -> Value {
    let run = |first: &[&str]| authscope(&[first, &[path], arguments].concat());
    let stats: Value = serde_json::from_str(&run(&["stats", "-T", "json"]).stdout).unwrap();
    let found = stats["given_up"].clone();
    let text = run(&["stats"]).stdout;
    let said = run(&["read", "-q"]).stderr;
    let kinds = found.as_object().map_or(0, |found| {
        // It is part of the sentence on datagrams.
        found.len() - usize::from(found.contains_key("crowded_datagrams"))
    });
    let limits = stats["limits"].as_array().unwrap();
    let told = limits.iter().filter(|limit| {
        let limit = limit.as_str().unwrap();
        text.contains(limit) && said.contains(limit)
    });
    assert_eq!(told.count(), kinds, "{found}\n{limits:?}\n{text}\n{said}");
    found
}

/// What was given up of frames, and the notes on their streams.
fn inspected(frames: &[Made], options: &Options) -> GivenUp {
    let mut inspector = Inspector::new(options);
    for (number, frame) in (1..).zip(frames) {
        let header = FrameHeader {
            time: frame.time,
            start: 0,
            captured: frame.octets.len() as u32,
            wire: frame.octets.len() as u32,
            interface: 0,
            link: LinkType::ETHERNET,
        };
        inspector.push(Frame {
            number,
            header: &header,
            octets: &frame.octets,
        });
    }
    inspector.finish().given_up
}

#[test]
fn where_nothing_is_given_up_nothing_is_said() {
    for name in [
        "lab-report.pcap",
        "tcp-lost-segment.pcap",
        "tcp-overlap-conflict.pcap",
    ] {
        assert_eq!(given_up(&capture(name), &[]), Value::Null, "{name}");
    }
}

/// A login, then holes of a message each, with so many bytes behind each; what was sent behind them in all.
fn with_holes(number: u16, holes: usize, behind: usize) -> (Conversation, u64) {
    let mut talk = conversation(number);
    talk.send(Side::Client, &login());
    let mut octets = 0;
    for _ in 0..holes {
        let lost = talk.segment(Side::Client, &login());
        talk.hold(Side::Client, lost);
        for part in logins(behind).chunks(58 * 20) {
            talk.send(Side::Client, part);
            octets += part.len() as u64;
        }
    }
    (talk, octets)
}

/// Every byte counts once, and only what really went on without waiting.
#[test]
fn data_out_of_order_in_one_direction() {
    let limit = StreamLimits::default().buffer_per_direction as u64;
    assert_eq!(limit, 1 << 20);
    for (holes, behind) in [(1, 20_000), (12, 2_000)] {
        let (talk, sent) = with_holes(1, holes, behind);
        let capture = Capture::of(&[&talk]);
        let notes = capture.could_not_wait(&[]);
        let given_up = capture.given_up(&[])["unordered_bytes"].as_u64().unwrap();
        assert_eq!(notes.iter().sum::<u64>(), given_up);
        assert!(given_up <= sent, "{given_up} of {sent}");
        // What waited to the end fits the bound.
        let least = if holes == 1 { limit / 2 } else { sent - limit };
        assert!(given_up >= least, "{given_up} of {sent}");
    }
}

#[test]
fn data_out_of_order_of_all_connections() {
    assert_eq!(StreamLimits::default().buffer, 64 << 20);
    let talks: Vec<_> = (0..40).map(|number| with_holes(number, 1, 60)).collect();
    let sent: u64 = talks.iter().map(|(_, sent)| sent).sum();
    let capture = Capture::of(&talks.iter().map(|(talk, _)| talk).collect::<Vec<_>>());
    assert_eq!(capture.given_up(&[]), Value::Null);
    let small = ["--max-buffer", "64K"];
    let notes = capture.could_not_wait(&small);
    let given_up = capture.given_up(&small)["unordered_bytes"]
        .as_u64()
        .unwrap();
    assert_eq!(notes.iter().sum::<u64>(), given_up);
    // What comes behind a hole that was given up need not wait.
    assert!((sent / 4..sent).contains(&given_up), "{given_up} of {sent}");
}

#[test]
fn delivered_data_kept_for_comparison() {
    let kept = StreamLimits::default().history;
    assert_eq!(kept, 1 << 20);
    // What others send comes between the two copies.
    let again = |others: u16, between: usize| {
        let mut talk = conversation(1);
        let first = talk.segment(Side::Client, &login());
        talk.emit(Side::Client, first.clone());
        let others: Vec<_> = (2..2 + others)
            .map(|number| {
                let mut other = conversation(number);
                other.wait(SECOND);
                for _ in 0..between / 1450 {
                    other.send(Side::Client, &logins(25));
                }
                other
            })
            .collect();
        let mut second = first;
        second.payload[30] = b'X';
        talk.wait(100 * SECOND).put(second);
        Capture::of(&others.iter().chain([&talk]).collect::<Vec<_>>())
    };
    let near = again(1, kept / 8);
    assert_eq!(near.given_up(&[]), Value::Null);
    // So many that each lane of the statistics gets enough.
    let far = again(100, kept / 25);
    assert_eq!(far.given_up(&[])["uncompared_bytes"], 58);
}

#[test]
fn ip_fragments() {
    let limits = DefragmentLimits::default();
    assert_eq!((limits.octets, limits.age), (4 << 20, 30 * SECOND));
    let found = given_up(&capture("ipv4-fragment-missing.pcap"), &[]);
    assert_eq!(found, serde_json::json!({ "incomplete_datagrams": 1 }));
    // First fragments alone, more than fit.
    let mut talk = conversation(1);
    talk.send(Side::Client, &logins(20));
    let segment = &talk.segments().last().unwrap().segment;
    let mut all = Vec::new();
    for identification in 1..=6000 {
        let form = IpForm {
            identification,
            fragments: vec![Fragment::from(0..1000), Fragment::from(1000..1180)],
            ..IpForm::default()
        };
        let packets = authscope::synth::packets(segment, &form).unwrap();
        let time = authscope::capture::Timestamp(start_time().0 + i64::from(identification));
        all.push(Made::whole(time, Link::ETHERNET.wrap(&packets[0])));
    }
    let found = Capture::of_frames(&all).given_up(&[]);
    assert_eq!(found["incomplete_datagrams"], 6000);
    let crowded = found["crowded_datagrams"].as_u64().unwrap();
    assert!((1500..6000).contains(&crowded), "{crowded}");
}

#[test]
fn idle_connections() {
    let idle = StreamLimits::default().idle;
    assert_eq!(idle, 4 * 3600 * SECOND);
    let mut talk = conversation(1);
    talk.deliver(Side::Client, &login());
    let mut other = conversation(2);
    for _ in 0..40 {
        other.wait(idle / 30);
        for _ in 0..30 {
            other.deliver(Side::Client, &login());
            other.deliver(Side::Server, &response(Action::Login, true, "welcome"));
        }
    }
    let found = Capture::of(&[&talk, &other]).given_up(&[]);
    assert_eq!(found, serde_json::json!({ "idle_connections": 1 }));
}

#[test]
fn closed_connections() {
    let limits = StreamLimits::default();
    assert_eq!((limits.linger, limits.closed), (120 * SECOND, 65_536));
    let talks: Vec<_> = (0..20)
        .map(|number| {
            let mut talk = conversation(number);
            talk.close(Side::Client);
            talk
        })
        .collect();
    let all = made(&talks.iter().collect::<Vec<_>>());
    let of = |closed| {
        let streams = StreamLimits { closed, ..limits };
        let options = Options {
            streams,
            ..Options::default()
        };
        inspected(&all, &options).closed_connections
    };
    assert_eq!(of(limits.closed), 0);
    assert!(of(3) > 10);
}

#[test]
fn requests_waiting_on_one_connection() {
    let mut talk = conversation(1);
    for _ in 0..656 {
        talk.send(Side::Client, &logins(25));
    }
    // The first, and 16,384 behind it.
    let found = Capture::of(&[&talk]).given_up(&[]);
    assert_eq!(
        found,
        serde_json::json!({ "unpaired_requests": 656 * 25 - 16_385 })
    );
}

/// The documented figures are those of the code; what each does is held by the other tests of this file, and where its
/// row says.
#[test]
fn the_documented_bounds_are_the_code_s() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/architecture.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let mebibytes = |octets: usize| format!("{} MiB", octets >> 20);
    let limits = StreamLimits::default();
    let fragments = DefragmentLimits::default();
    for (what, bound) in [
        (
            "data out of order, one direction",
            mebibytes(limits.buffer_per_direction),
        ),
        ("data out of order, all flows", mebibytes(limits.buffer)),
        (
            "delivered data kept for comparison",
            mebibytes(limits.history),
        ),
        ("IP fragments", mebibytes(fragments.octets)),
        ("IP fragments", format!("{} s", fragments.age / SECOND)),
        ("idle flows", format!("{} h", limits.idle / SECOND / 3600)),
        ("closed flows", format!("{} s", limits.linger / SECOND)),
        ("records held for their response", mebibytes(MAX_HELD)),
    ] {
        let row = docs
            .lines()
            .find(|line| line.starts_with(&format!("| {what}")));
        assert!(
            row.is_some_and(|row| row.contains(&bound)),
            "{what}: {bound}, {row:?}"
        );
    }
}
