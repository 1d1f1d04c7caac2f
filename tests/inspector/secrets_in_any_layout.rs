//! A password stays hidden whatever layout the request has that carries it: every output, filter and saved file is the
//! same for two captures that differ only in passwords.

use std::net::SocketAddr;
use std::path::Path;

use crate::inspector::{command, piped};
use crate::tshark::in_parallel;
use authscope::capture::{FileSource, FrameSource, ReadOptions};
use authscope::filter::{Filter, FilterOptions, Times, View, fields};
use authscope::protocol::{Action, Description, Response};
use authscope::session::{self, FrameRecord, Inspector, Options, Remainder, Sink};
use authscope::synth::{
    ByteOrder, Conversation, Fragment, Frame, IpForm, Link, PcapForm, Pcapng, Segment, Side,
    packets, write_pcap,
};
use fastrand::Rng;

/// Which of two passwords a conversation has: the same letters, or each the next in the alphabet.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Whose {
    One,
    Other,
}

/// Letters that no other part of a capture has, and none of which follows itself in `Other`.
const ALPHABET: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ";

fn password(random: &mut Rng, whose: Whose) -> Vec<u8> {
    let len = random.usize(8..=24);
    let shift = usize::from(whose == Whose::Other);
    (0..len)
        .map(|_| ALPHABET[(random.usize(..ALPHABET.len()) + shift) % ALPHABET.len()])
        .collect()
}

fn pick<T: Copy>(random: &mut Rng, of: &[T]) -> T {
    of[random.usize(..of.len())]
}

fn number(random: &mut Rng, value: usize) -> Vec<u8> {
    match random.u8(..5) {
        0 => vec![value as u8],
        1 => (value as u16).to_be_bytes().to_vec(),
        2 => (value as u16).to_le_bytes().to_vec(),
        3 => (value as u32).to_be_bytes().to_vec(),
        _ => (value as u32).to_le_bytes().to_vec(),
    }
}

/// Name and password as some program might write them one after the other.
fn body(random: &mut Rng, name: &[u8], password: &[u8]) -> Vec<u8> {
    // A password that ends where a name's field does cannot be told from a name.
    let swapped = random.bool() && password.len() != 19;
    let [first, second] = if swapped {
        [password, name]
    } else {
        [name, password]
    };
    match random.u8(..9) {
        0 | 1 => {
            let filling = pick(random, &[0, 0, 0, b'0', b' ', 0xcc]);
            let mut width = |text: &[u8]| pick(random, &[16, 20, 24, 30, 32, 40]).max(text.len());
            let mut widths = [width(first), width(second)];
            // A password alone where the name belongs cannot be told from a name.
            if swapped && widths[0] == 20 {
                widths[0] = 24;
            }
            let fields = [first, second].into_iter().zip(widths);
            fields
                .flat_map(|(text, width)| {
                    let mut field = text.to_vec();
                    field.resize(width, filling);
                    field
                })
                .collect()
        }
        2 => {
            let form = random.clone();
            let text =
                |text: &[u8]| [number(&mut form.clone(), text.len()), text.to_vec()].concat();
            [text(first), text(second)].concat()
        }
        3 => {
            let text = |kind: u8, text: &[u8]| [&[kind, text.len() as u8], text].concat();
            [text(1, first), text(2, second)].concat()
        }
        4 => [first, b"\0", second, b"\0"].concat(),
        5 => [first, second].concat(),
        6 => [first, &[pick(random, b":\n\t |,")], second, b"\r\n"].concat(),
        7 => [b"{\"user\":\"", name, b"\",\"pass\":\"", password, b"\"}\n"].concat(),
        // The right layout, in a buffer that held the password before.
        _ => {
            let mut fields = vec![0; 50];
            let left = password.len().min(18 - name.len());
            fields[name.len() + 1..][..left].copy_from_slice(&password[..left]);
            fields[..name.len()].copy_from_slice(name);
            fields[20..][..password.len()].copy_from_slice(password);
            if random.bool() {
                fields[20 + password.len() + 1..][..3].copy_from_slice(&password[..3]);
            }
            fields
        }
    }
}

/// A request in some layout.
fn request(random: &mut Rng, name: &[u8], password: &[u8]) -> Vec<u8> {
    let mut body = body(random, name, password);
    if random.u8(..3) == 0 {
        body.resize(body.len().max(50), 0);
    }
    if random.u8(..4) == 0 {
        body.resize(50.max(body.len() - body.len() % 50), 0);
    }
    let len = body.len() + 8;
    let command = pick(random, &[1u32, 3]);
    let header = |length: usize, command: u32| {
        [(length as u32).to_be_bytes(), command.to_be_bytes()].concat()
    };
    let header = match random.u8(..11) {
        0 => Vec::new(),
        1 | 2 => header(len, command),
        3 | 4 => header(58, command),
        5 => [(len as u32).to_le_bytes(), command.to_le_bytes()].concat(),
        6 => header(body.len(), command),
        7 => header(pick(random, &[len, 58, 73]), command + 1),
        8 => [&(len as u16).to_be_bytes()[..], &[command as u8]].concat(),
        9 => header(pick(random, &[len, 58]), 9),
        _ => pick(random, &[&b"LOGIN "[..], b"\xab\xcd\x01"]).to_vec(),
    };
    [header, body].concat()
}

/// What the server says: nothing, a response, words of its own, or what it was sent.
fn answer(random: &mut Rng, request: &[u8]) -> Vec<u8> {
    match random.u8(..5) {
        0 => Vec::new(),
        1 => request.to_vec(),
        2 => b"OK welcome\r\n".to_vec(),
        // A response written over the request that was received.
        3 => {
            let mut octets = request.to_vec();
            octets.resize(octets.len().max(73), 0);
            octets.truncate(73);
            octets[..12].copy_from_slice(b"\0\0\0\x49\0\0\0\x04\x01OK\0");
            octets
        }
        _ => Response {
            action: Action::Login,
            success: true,
            description: Description::cut("Login successful"),
        }
        .encode()
        .to_vec(),
    }
}

/// The client's segments: cut anywhere, sent again, out of order, with other bytes in a copy, and
/// some of them lost; whether they came in order and all of them.
fn segments(random: &mut Rng, stream: &[u8], talk: &mut Conversation) -> (Vec<Segment>, bool) {
    let template = talk.segment(Side::Client, b"");
    let part = |from: usize, to: usize| {
        let mut segment = template.clone();
        segment.sequence = template.sequence.wrapping_add(from as u32);
        segment.payload = stream[from..to].to_vec();
        segment
    };
    talk.hold(Side::Client, part(0, stream.len()));
    let mut cuts = vec![0, stream.len()];
    match random.u8(..6) {
        0 => cuts.extend(0..stream.len()),
        1..=3 => cuts.extend((0..random.usize(1..6)).map(|_| random.usize(..stream.len()))),
        _ => {}
    }
    cuts.sort_unstable();
    cuts.dedup();
    let mut all: Vec<Segment> = cuts.windows(2).map(|w| part(w[0], w[1])).collect();
    let mut plain = true;
    if random.u8(..5) == 0 {
        all.remove(random.usize(..all.len()));
        plain = false;
    }
    if random.u8(..4) == 0 {
        random.shuffle(&mut all);
        plain = false;
    }
    for _ in 0..random.usize(..3) {
        let from = random.usize(..stream.len());
        let mut again = part(from, random.usize(from + 1..=stream.len()));
        match random.u8(..4) {
            // Other bytes, none of them a password's.
            0 => again.payload.fill(b'y'),
            // The request at another place, as a client sends it that begins anew.
            1 => {
                let len = again.payload.len();
                again.payload.copy_from_slice(&stream[..len]);
            }
            _ => {}
        }
        all.push(again);
    }
    (all, plain)
}

/// A conversation's frames, and a comment that names the password where all of it came in order.
fn conversation(seed: u64, index: u16, whose: Whose) -> (Vec<Frame>, Option<String>) {
    let mut random = Rng::with_seed(seed);
    let password = password(&mut random.fork(), whose);
    let name = pick(&mut random, &[&b"al"[..], b"alice", b"robert_smith"]);
    let ends: [SocketAddr; 2] = [
        ([127, 0, 0, 1], 40_000 + index).into(),
        ([127, 0, 0, 2], 8888).into(),
    ];
    let mut talk = Conversation::new(ends[0], ends[1]).at(authscope::capture::Timestamp(
        1_705_312_800_000_000_000 + i64::from(index) * 1_000_000_000,
    ));
    if random.u8(..4) > 0 {
        talk.handshake();
    } else {
        talk.already_open();
    }
    let mut stream = Vec::new();
    let mut answers = Vec::new();
    for _ in 0..random.usize(1..4) {
        let request = request(&mut random, name, &password);
        answers.extend(answer(&mut random, &request));
        stream.extend(request);
    }
    let (sent, plain) = segments(&mut random, &stream, &mut talk);
    for segment in sent {
        talk.put(segment);
    }
    if !answers.is_empty() {
        let cut = random.usize(..=answers.len());
        talk.send_cut(Side::Server, &answers, &[cut]);
    }
    match random.u8(..4) {
        0 => drop(talk.close(Side::Client).now()),
        1 => drop(talk.reset(Side::Server).now()),
        // A reset can have words.
        2 => {
            let mut reset = talk.segment(Side::Client, &[b"bye ", &password[..]].concat());
            reset.flags.rst = true;
            talk.put(reset);
        }
        _ => {}
    }
    let fragments = random.u8(..4) == 0;
    let mut frames = Vec::new();
    for (number, timed) in talk.segments().iter().enumerate() {
        let len = timed.segment.octets().expect("a segment").len();
        let mut form = IpForm {
            identification: (u32::from(index) << 6) | (number as u32 + 1),
            ..IpForm::default()
        };
        if fragments && len > 40 {
            let cut = random.usize(3..len.div_ceil(8)) * 8;
            form.fragments = vec![Fragment::from(0..cut), Fragment::from(cut..len)];
        }
        for (place, packet) in packets(&timed.segment, &form)
            .expect("packets")
            .iter()
            .enumerate()
        {
            let mut octets = Link::ETHERNET.wrap(packet);
            // The sum over a password would tell whether a guess is right.
            if place == 0 {
                octets[14 + 20 + 16..][..2].copy_from_slice(&[0xab, 0xcd]);
            }
            frames.push(Frame::whole(timed.time, octets));
        }
    }
    let text = String::from_utf8_lossy(&password).into_owned();
    (
        frames,
        (plain && !fragments).then(|| format!("tried {text}, and {text}!")),
    )
}

/// Where nobody knows the protocol, a server's words in a reset can be what it was sent; and a datagram of UDP can have
/// a request.
#[test]
fn words_of_a_reset_and_datagrams_tell_no_password() {
    let client: SocketAddr = ([127, 0, 0, 1], 40_000).into();
    let mut talk = Conversation::new(client, ([127, 0, 0, 2], 8888).into());
    talk.handshake()
        .deliver(Side::Client, b"\x05alice\x07FJKLMNP");
    let mut reset = talk.segment(Side::Server, b"no such user: FJKLMNP");
    reset.flags.rst = true;
    talk.put(reset);
    let mut frames = talk
        .frames(&Link::ETHERNET, &IpForm::default())
        .expect("frames");
    for command in 1..=4 {
        let mut request = vec![0, 0, 0, 58, 0, 0, 0, command];
        request.extend(body(&mut Rng::with_seed(8), b"alice", b"FJKLMNP"));
        let mut datagram = vec![
            0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 2,
        ];
        datagram[3] = 28 + request.len() as u8;
        datagram.extend([0x9c, 0x40, 0x22, 0xb8, 0, 8 + request.len() as u8, 0, 0]);
        datagram.extend(request);
        let time = frames.last().expect("a frame").time;
        frames.push(Frame::whole(time, Link::ETHERNET.wrap(&datagram)));
    }
    let folder = tempfile::tempdir().expect("a temporary directory");
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let form = PcapForm::usual(Link::ETHERNET.link_type());
    std::fs::write(path("c.pcap"), write_pcap(&form, &frames)).expect("a capture");
    let (capture, saved) = (path("c.pcap"), path("saved.pcapng"));
    for arguments in [
        &["read", "--frames", "-x", &capture][..],
        &["read", "--frames", "-V", &capture],
        &["read", "--frames", "-T", "jsonl", "--payload", &capture],
        &[
            "read",
            "-T",
            "fields",
            "-e",
            "tcp.reset_cause",
            "-e",
            "frame",
            "-e",
            "tcp",
            &capture,
        ],
        &["follow", "--ladder", "--stream", "0", &capture],
        &[
            "read",
            "-q",
            &capture,
            "-w",
            &saved,
            "--redact",
            "--annotate",
        ],
    ] {
        let done = command(arguments).output().expect("the inspector runs");
        let mut all = [done.stdout, done.stderr].concat();
        all.extend(std::fs::read(&saved).unwrap_or_default());
        let hidden = |text: &[u8]| !all.windows(text.len()).any(|part| part == text);
        for told in [
            &b"FJKL"[..],
            b"464a4b4c",
            b"46 4a 4b 4c",
            b"KLMN",
            b"4b4c4d4e",
        ] {
            assert!(
                hidden(told),
                "{arguments:?}: {}",
                String::from_utf8_lossy(&all)
            );
        }
    }
}

/// Conversations in one capture.
const CONVERSATIONS: u16 = 40;

/// A capture with conversations from `seed` on; with comments that name passwords where asked.
fn capture(seed: u64, whose: Whose, comments: bool) -> Vec<u8> {
    let mut file = Pcapng::new(ByteOrder::Little);
    file.interface(Link::ETHERNET.link_type(), 0, Some(9), None);
    for index in 0..CONVERSATIONS {
        let (frames, comment) = conversation(seed + u64::from(index), index, whose);
        for (number, frame) in frames.iter().enumerate() {
            let comment = comment.as_deref().filter(|_| comments && number == 0);
            file.packet(0, frame.time.0.cast_unsigned(), frame, comment);
        }
    }
    file.finish()
}

/// Both captures under one name in folders of their own.
struct Pair {
    folder: tempfile::TempDir,
}

const WHOSE: [(Whose, &str); 2] = [(Whose::One, "one"), (Whose::Other, "other")];

impl Pair {
    fn new(seed: u64, comments: bool) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        for (whose, name) in WHOSE {
            let inside = folder.path().join(name);
            std::fs::create_dir(&inside).expect("a folder");
            let file = capture(seed, whose, comments);
            std::fs::write(inside.join("c.pcapng"), file).expect("a capture");
        }
        Self { folder }
    }

    fn paths(&self) -> [std::path::PathBuf; 2] {
        WHOSE.map(|(_, name)| self.folder.path().join(name))
    }

    /// What the program says of each, and writes to `saved`.
    fn outputs(&self, arguments: &[&str], from_pipe: bool) -> [Vec<u8>; 2] {
        self.paths().map(|folder| {
            let mut command = command(arguments);
            command.current_dir(&folder).env("COLUMNS", "400");
            if from_pipe {
                let file = std::fs::read(folder.join("c.pcapng")).expect("the capture");
                command.stdin(piped(file));
            }
            let done = command.output().expect("the inspector runs");
            let mut all = [done.stdout, done.stderr].concat();
            if let Ok(saved) = std::fs::read(folder.join("saved.pcapng")) {
                all.extend(saved);
            }
            all
        })
    }

    /// What two outputs that should be alike differ in.
    fn difference(&self, arguments: &[&str], from_pipe: bool) -> Option<String> {
        let [one, other] = self.outputs(arguments, from_pipe);
        assert!(!one.is_empty(), "{arguments:?} says nothing");
        if one == other {
            return None;
        }
        let text = [&one, &other].map(|octets| String::from_utf8_lossy(octets).into_owned());
        let at = text[0]
            .chars()
            .zip(text[1].chars())
            .take_while(|(a, b)| a == b)
            .count();
        let part = |text: &str| {
            text.chars()
                .skip(at.saturating_sub(600))
                .take(700)
                .collect::<String>()
        };
        let arguments = arguments
            .iter()
            .take(8)
            .copied()
            .collect::<Vec<_>>()
            .join(" ");
        let [one, other] = text;
        Some(format!(
            "== {arguments}\n{}\n  and\n{}",
            part(&one),
            part(&other)
        ))
    }
}

/// Seeds of the captures that are looked at.
const SEEDS: [u64; 4] = [0, 1_000, 2_000, 3_000];

#[test]
fn no_output_tells_two_passwords_apart() {
    let every_field: Vec<String> = fields()
        .iter()
        .flat_map(|field| ["-e".to_owned(), field.name.to_string()])
        .collect();
    let every_field: Vec<&str> = every_field.iter().map(String::as_str).collect();
    let read = |more: &[&'static str]| [&["read", "c.pcapng"], more].concat();
    let mut runs: Vec<Vec<&str>> = vec![
        read(&[]),
        read(&["--messages"]),
        read(&["--frames", "-T", "text"]),
        read(&["-T", "json"]),
        read(&["-T", "jsonl"]),
        read(&["-T", "jsonl", "--frames", "--payload"]),
        read(&["-V", "-x", "--frames"]),
        read(&["-x"]),
        read(&["-T", "csv"]),
        read(&["-T", "ek", "--frames"]),
        read(&["-T", "pdml"]),
        read(&["--explain"]),
        read(&["--stats"]),
        read(&["--exchanges", "-T", "csv"]),
        read(&["--each", "--frames", "-T", "jsonl"]),
        // All of what a golden file would have differs from nothing.
        vec![
            "check",
            "c.pcapng",
            "--fail-on",
            "note",
            "--no-unanswered",
            "--expect",
            "/dev/null",
        ],
        vec!["stats", "c.pcapng"],
        vec!["stats", "c.pcapng", "-T", "json"],
    ];
    for format in ["fields", "csv"] {
        let named = ["read", "c.pcapng", "--frames", "-T", format];
        runs.push([&named[..], &every_field].concat());
    }
    let differences: Vec<String> = SEEDS
        .iter()
        .flat_map(|seed| {
            let pair = Pair::new(*seed, false);
            in_parallel(&runs, |arguments| pair.difference(arguments, false))
        })
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
    // Where they are asked for they do differ.
    let pair = Pair::new(SEEDS[0], false);
    for form in ["-x", "-V"] {
        let shown = ["read", "c.pcapng", "--frames", "--show-passwords", form];
        assert!(pair.difference(&shown, false).is_some(), "{form}");
    }
}

#[test]
fn no_followed_stream_tells_two_passwords_apart() {
    let pair = Pair::new(SEEDS[0], false);
    let streams: Vec<String> = (0..CONVERSATIONS)
        .map(|stream| stream.to_string())
        .collect();
    let differences = in_parallel(&streams, |stream| {
        let forms = [["-T", "text"], ["-T", "hex"], ["-T", "raw"], ["-T", "json"]];
        let mut runs: Vec<Vec<&str>> = forms.map(|form| form.to_vec()).to_vec();
        runs.push(vec!["--ladder", "--ascii"]);
        runs.iter().find_map(|form| {
            let run = [&["follow", "c.pcapng", "--stream", stream], &form[..]].concat();
            pair.difference(&run, false)
        })
    });
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
}

#[test]
fn no_saved_file_tells_two_passwords_apart() {
    let runs: [(&[&str], bool); 4] = [
        (&["read", "-q", "c.pcapng", "--redact"], false),
        (&["read", "-q", "c.pcapng", "--redact", "--annotate"], false),
        (&["read", "-q", "-", "--redact"], true),
        (&["read", "-q", "-", "--redact", "--annotate"], true),
    ];
    let mut differences = Vec::new();
    for seed in SEEDS {
        let pair = Pair::new(seed, true);
        for (arguments, from_pipe) in runs {
            let run = [arguments, &["-w", "saved.pcapng"]].concat();
            differences.extend(pair.difference(&run, from_pipe));
        }
        // What is written where nothing is redacted differs, so the comparison can fail.
        let kept = ["read", "-q", "c.pcapng", "-w", "saved.pcapng"];
        assert!(pair.difference(&kept, false).is_some());
    }
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
}

/// Which frames each filter takes.
struct Matches<'a> {
    filters: &'a [Filter],
    found: Vec<Vec<u64>>,
}

impl Sink for Matches<'_> {
    type Error = std::convert::Infallible;

    fn record(
        &mut self,
        record: &FrameRecord<'_>,
    ) -> Result<std::ops::ControlFlow<()>, Self::Error> {
        let view = View::new(record, Times::default());
        for (filter, found) in self.filters.iter().zip(&mut self.found) {
            if filter.matches(&view) {
                found.push(record.frame.number);
            }
        }
        Ok(std::ops::ControlFlow::Continue(()))
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), Self::Error> {
        for message in remainder.messages {
            View::of_late(message, Times::default(), |view| {
                for (filter, found) in self.filters.iter().zip(&mut self.found) {
                    if filter.matches(view) {
                        found.push(u64::MAX);
                    }
                }
            });
        }
        Ok(())
    }
}

fn matches(path: &Path, filters: &[Filter]) -> Vec<Vec<u64>> {
    let file = std::fs::File::open(path).expect("the capture");
    let source = FileSource::from_reader(file, ReadOptions::default()).expect("a capture");
    let source: Box<dyn FrameSource + Send> = Box::new(source);
    let mut sink = Matches {
        filters,
        found: vec![Vec::new(); filters.len()],
    };
    let Ok(errors) = session::run(source, Inspector::new(&Options::default()), &mut sink, 1);
    assert!(errors.is_empty());
    sink.found
}

#[test]
fn no_filter_tells_two_passwords_apart() {
    let pair = Pair::new(SEEDS[1], false);
    let mut filters = Vec::new();
    let texts =
        ["username", "description", "note", "type", "outcome"].map(|key| format!("reglogin.{key}"));
    let octets = ["frame", "ip", "tcp", "tcp.payload", "reglogin"].map(str::to_owned);
    for letter in ALPHABET.iter().map(|letter| char::from(*letter)) {
        for field in texts.iter().chain(&octets) {
            filters.push(format!("{field} contains \"{letter}\""));
            filters.push(format!("{field} matches \"{letter}\""));
        }
        for field in &octets {
            for at in [8, 12, 20, 28, 40, 54, 62, 70, 82] {
                filters.push(format!("{field}[{at}:1] == {:02x}", letter as u8));
            }
        }
        filters.push(format!("reglogin.status == {}", letter as u8));
    }
    for at in 0..4 {
        filters.push(format!("reglogin.length & {} == 0", 1u64 << (8 * at)));
        filters.push(format!("reglogin.command & {} == 0", 1u64 << (8 * at)));
    }
    let parse = |text: &String| {
        Filter::parse(text, FilterOptions::default()).unwrap_or_else(|e| panic!("{text}: {e}"))
    };
    let parsed: Vec<Filter> = filters.iter().map(parse).collect();
    let [one, other] = pair
        .paths()
        .map(|folder| matches(&folder.join("c.pcapng"), &parsed));
    for (filter, (one, other)) in filters.iter().zip(one.iter().zip(&other)) {
        assert_eq!(one, other, "{filter}");
    }
}
