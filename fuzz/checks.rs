//! Checks that must hold for any bytes. The fuzz targets call them. `tests/inspector/fuzz_checks.rs` runs
//! them on the stored captures, so that they are tested without a fuzzer.

mod forms;

use std::io::Read;

use authscope::capture::{
    Batch, FileSource, Frame, FrameHeader, FrameSource, LinkType, ReadOptions, Timestamp,
};
use authscope::dissect::reglogin::evidence::Opening;
use authscope::dissect::reglogin::framing;
use authscope::dissect::{Protocol, identify, judge, smpp};
use authscope::filter::{Filter, FilterOptions};
use authscope::layout::{self, Plan};
use authscope::packet::SeqNumber;
use authscope::protocol::{self, MessageKind, MessageView, Request, Response};
use authscope::session::{Inspector, Options, Sink};
use authscope::stream::{Role, Side};
use authscope::tls::{Decryptor, Event, Label, Secret, Session};

pub use forms::{FORMS, forms, in_form};

/// Link types whose frames are decoded, and one whose are not.
const LINKS: [LinkType; 12] = [
    LinkType::NULL,
    LinkType::LOOP,
    LinkType::ETHERNET,
    LinkType::LINUX_SLL,
    LinkType::LINUX_SLL2,
    LinkType::RAW,
    LinkType::IPV4,
    LinkType::IPV6,
    LinkType::IEEE802_11,
    LinkType::IEEE802_11_RADIOTAP,
    LinkType::RAW_BSD,
    LinkType(147),
];

/// Panics if the text could move a terminal's cursor or change its colours.
fn assert_harmless(text: &[u8]) {
    let text = std::str::from_utf8(text).expect("output is UTF-8");
    let control = text.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(control, None, "a control character in the output: {text}");
}

/// Reads, inspects and prints any bytes as a capture file.
pub fn capture(octets: &[u8]) {
    forms::usual(octets);
}

/// Decodes any bytes as one frame. The first byte selects the link type.
pub fn frame(octets: &[u8]) {
    let Some((choice, octets)) = octets.split_first() else {
        return;
    };
    let header = FrameHeader {
        time: Timestamp(0),
        start: 0,
        captured: octets.len() as u32,
        wire: octets.len() as u32 + u32::from(*choice >> 4),
        interface: 0,
        link: LINKS[usize::from(*choice) % LINKS.len()],
    };
    let mut inspector = Inspector::new(&Options {
        checksums: true,
        ..Options::default()
    });
    let record = inspector.push(Frame {
        number: 1,
        header: &header,
        octets,
    });
    let (text, mut group) = forms::tree();
    let _ = group.record(&record).expect("memory can be written to");
    group
        .end(&inspector.finish())
        .expect("memory can be written to");
    assert_harmless(&text.octets());
}

/// A TCP segment of the fuzzer.
#[derive(Debug, Clone)]
pub struct Piece {
    /// The sender.
    pub from: Role,
    /// Sequence number, counted from the side's SYN.
    pub seq: u16,
    /// Acknowledgement number, counted from the other side's SYN.
    pub ack: Option<u16>,
    /// The low byte of the flags. ACK is set if `ack` has a number.
    pub flags: u8,
    /// Bytes of payload that were not captured.
    pub missing: u8,
    /// The payload.
    pub payload: Vec<u8>,
}

/// Any segments of one connection. The messages consist of bytes that were sent, and the size of the
/// output is bounded by the size of the input.
pub fn segments(pieces: &[Piece]) {
    let layouts = LAYOUTS[1..].iter().map(|text| {
        let layout = layout::parse(text).expect("a layout of ours is right");
        let id = layout::LayoutId::of(&layout).expect("there are few");
        (id, vec![8888])
    });
    let with_layouts = Options {
        layouts: layouts.collect(),
        ..Options::default()
    };
    for options in [Options::default(), with_layouts] {
        inspected(pieces, &options);
    }
}

fn inspected(pieces: &[Piece], options: &Options) {
    const ACK: u8 = 0x10;
    let mut inspector = Inspector::new(options);
    let base = SeqNumber(u32::MAX - 1000);
    let mut sent = 0;
    let mut given = 0;
    for (number, piece) in (1..).zip(pieces) {
        let (source, destination) = match piece.from {
            Role::Client => (40_000u16, 8888u16),
            Role::Server => (8888, 40_000),
        };
        let mut octets = vec![0x45, 0];
        let wire = 40 + piece.payload.len() + usize::from(piece.missing);
        octets.extend((wire as u16).to_be_bytes());
        octets.extend([0, 0, 0x40, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1]);
        octets.extend(source.to_be_bytes());
        octets.extend(destination.to_be_bytes());
        octets.extend(base.plus(piece.seq.into()).0.to_be_bytes());
        let ack = base.plus(piece.ack.unwrap_or_default().into());
        octets.extend(ack.0.to_be_bytes());
        let flags = (piece.flags & !ACK) | if piece.ack.is_some() { ACK } else { 0 };
        octets.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        octets.extend(&piece.payload);
        sent += piece.payload.len();
        let header = FrameHeader {
            time: Timestamp(number),
            start: 0,
            captured: octets.len() as u32,
            wire: wire as u32,
            interface: 0,
            link: LinkType::RAW,
        };
        let record = inspector.push(Frame {
            number: number.unsigned_abs(),
            header: &header,
            octets: &octets,
        });
        for message in record.messages {
            given += message.bytes().len();
            let covered: usize = message.sources.iter().map(|s| s.len as usize).sum();
            assert_eq!(covered, message.bytes().len(), "bytes without a source");
            assert!(message.frame <= number.unsigned_abs());
        }
    }
    let rest = inspector.finish();
    given += rest.messages.iter().map(|m| m.bytes().len()).sum::<usize>();
    assert!(given <= sent, "{given} bytes out of {sent}");
}

/// Any bytes as the records and handshakes of both sides of a TLS connection, with gaps, ends and
/// secrets at any time. The two bytes before each portion are its kind and its length.
pub fn tls(octets: &[u8]) {
    let mut all = Decryptor::default();
    all.limits.connection = 4096;
    let (start, mut rest) = octets.split_first().map_or((0, octets), |(a, b)| (*a, b));
    let mut session = Session::new([start & 1 == 0, start & 2 == 0], Side::A);
    let (mut ends, mut told) = ([0u64; 2], Vec::new());
    let mut check = |event: Event<'_>, ends: [u64; 2]| match event {
        Event::Record(record) => {
            let end = record.at + record.record_len() as u64;
            assert!(
                end <= ends[usize::from(record.from == Side::B)],
                "beyond what came"
            );
            let text = record.text_at + record.text.len() as u64;
            assert!(
                record.text.is_empty() || text <= end,
                "content outside of its record"
            );
        }
        Event::Lost { at, from, .. } => {
            assert!(at <= ends[usize::from(from == Side::B)], "beyond what came");
        }
        Event::Problem { problem, .. } => {
            let kind = std::mem::discriminant(&problem);
            assert!(!told.contains(&kind), "told twice: {problem}");
            told.push(kind);
        }
    };
    while let [kind, length, behind @ ..] = rest {
        let (portion, next) = behind.split_at(behind.len().min(usize::from(*length)));
        rest = next;
        let at = usize::from(kind & 1);
        let from = Side::BOTH[at];
        match kind >> 1 & 7 {
            0..=4 => {
                ends[at] += portion.len() as u64;
                session.push(&mut all, from, portion, &mut |event| check(event, ends));
            }
            5 => {
                ends[at] += u64::from(*length) + 1;
                let gap = u64::from(*length) + 1;
                session.gap(&mut all, from, gap, &mut |event| check(event, ends));
            }
            6 => {
                all.keys.read_all(portion);
                session.keys_came(&mut all, &mut |event| check(event, ends));
            }
            _ => {
                // A secret of the connection that was named last.
                if let Some(random) = session.random().copied() {
                    for label in Label::ALL {
                        for len in [32, 48] {
                            if let Some(secret) = Secret::new(&[*length; 48][..len]) {
                                all.keys.add(random, label, &secret);
                            }
                        }
                    }
                }
                session.keys_came(&mut all, &mut |event| check(event, ends));
            }
        }
        assert!(all.waiting() <= all.limits.connection + MOST_OF_A_RECORD);
    }
    for from in Side::BOTH {
        session.ended(&mut all, from, &mut |event| check(event, ends));
    }
    session.finish(&mut all, &mut |event| check(event, ends));
    assert_eq!(all.waiting(), 0, "something waits for ever");
}

/// About the memory that one record may use.
const MOST_OF_A_RECORD: usize = 20_000;

/// Decodes any bytes as a message, as the endpoints and the inspector do.
pub fn message(octets: &[u8]) {
    let strict = protocol::is_strict(octets);
    assert!(!(strict && smpp::is_smpp(octets)), "strictly both");
    if strict {
        assert!(
            judge(octets).iter().all(
                |note| note.group().name() != "malformed" || note.to_string().contains("UTF-8")
            )
        );
    }
    if let Ok(request) = Request::decode(octets) {
        assert_eq!(request.encode().as_ref(), octets);
        assert!(strict);
    }
    if let Ok(response) = Response::decode(octets) {
        assert_eq!(response.encode(), *octets);
        assert!(strict);
    }
    for kind in [MessageKind::Request, MessageKind::Response] {
        let _ = protocol::frame(octets, kind);
    }
    let view = MessageView::new(octets);
    let _ = (
        view.user_name(),
        view.password(),
        view.status(),
        view.description(),
    );
    if let framing::Extent::Right(len) | framing::Extent::Wrong(len) = framing::extent(octets) {
        assert!((protocol::layout::HEADER_LEN..=protocol::layout::MAX_LEN).contains(&len));
        assert!(len <= octets.len());
    }
    let _ = judge(octets);
    for (watched, whole, one_segment) in [
        (true, false, true),
        (true, true, false),
        (false, true, true),
        (false, false, false),
    ] {
        let opening = Opening {
            octets,
            one_segment,
            whole,
        };
        let verdict = identify::identify(opening, watched);
        assert!(!whole || verdict != identify::Verdict::Unsure);
        let claimed = verdict == identify::Verdict::Is(Protocol::RegLogin);
        assert!(!(claimed && smpp::is_smpp(octets)), "SMPP is claimed");
    }
}

/// Reads in pieces of the given sizes, as from a pipe.
struct Dribble {
    octets: Vec<u8>,
    at: usize,
    sizes: Vec<u8>,
    turn: usize,
}

impl Read for Dribble {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let size = self.sizes.get(self.turn % self.sizes.len().max(1));
        self.turn += 1;
        let size = usize::from(size.copied().unwrap_or(1)).max(1);
        let len = size.min(buffer.len()).min(self.octets.len() - self.at);
        buffer[..len].copy_from_slice(&self.octets[self.at..self.at + len]);
        self.at += len;
        Ok(len)
    }
}

type Frames = (Vec<(Timestamp, u32, Vec<u8>)>, Option<String>);

fn frames_of(reader: impl Read + Send + 'static) -> Frames {
    let mut frames = Vec::new();
    let mut source = match FileSource::from_reader(reader, ReadOptions::default()) {
        Ok(source) => source,
        Err(error) => return (frames, Some(error.to_string())),
    };
    let mut batch = Batch::default();
    loop {
        let more = source.fill(&mut batch);
        for frame in batch.frames() {
            frames.push((frame.header.time, frame.header.wire, frame.octets.to_vec()));
        }
        match more {
            Ok(true) => {}
            Ok(false) => return (frames, None),
            Err(error) => return (frames, Some(error.to_string())),
        }
    }
}

/// A capture that is read from a pipe in any pieces has the same frames and the same damage as when it
/// is read at once. The first byte is the number of piece sizes that follow.
pub fn pipe(octets: &[u8]) {
    let Some((count, rest)) = octets.split_first() else {
        return;
    };
    let (sizes, octets) = rest.split_at(usize::from(*count).min(rest.len()));
    let whole = frames_of(std::io::Cursor::new(octets.to_vec()));
    let pieces = frames_of(Dribble {
        octets: octets.to_vec(),
        at: 0,
        sizes: sizes.to_vec(),
        turn: 0,
    });
    let compressed = octets.starts_with(&[0x1f, 0x8b]) || octets.starts_with(&[0x28, 0xb5]);
    if compressed && whole.1.is_some() && pieces.1.is_some() {
        // How much a decompressor returns before damage depends on the sizes of its input.
        let common = whole.0.len().min(pieces.0.len());
        assert_eq!(whole.0[..common], pieces.0[..common]);
    } else {
        assert_eq!(whole, pieces);
    }
}

/// Any text is a display filter or gives an error with a place in the text. A filter that is printed
/// and parsed again is the same.
pub fn filter(text: &str) {
    let options = FilterOptions {
        show_passwords: true,
    };
    match Filter::parse(text, options) {
        Ok(filter) => {
            let again =
                Filter::parse(&filter.to_string(), options).expect("what is printed is read");
            assert!(filter.means_the_same_as(&again), "{filter} and {again}");
        }
        Err(error) => {
            assert!(
                text.get(error.place()).is_some(),
                "the place is in the text"
            );
            assert_harmless(error.to_string().as_bytes());
        }
    }
}

/// Any text as a layout file: it is a layout, or gives errors with places in the text.
pub fn layout_file(octets: &[u8]) {
    let Ok(text) = std::str::from_utf8(octets) else {
        return;
    };
    match layout::parse(text) {
        Ok(read) => {
            assert!(!layout::describe(&read, |_| false).is_empty());
            let plan = Plan::new(read);
            for side in [layout::Side::Client, layout::Side::Server] {
                plan_of_message(&plan, octets, side);
            }
        }
        Err(errors) => {
            assert!(!errors.is_empty(), "refused without a reason");
            for error in &errors {
                assert!(error.at.start <= error.at.end && error.at.end <= text.len());
                assert!(text.is_char_boundary(error.at.start));
            }
            let report = layout::Report {
                file: "x",
                text,
                errors: &errors,
            };
            assert!(report.to_string().starts_with("x:"));
        }
    }
}

/// Any bytes as messages of any layout. The layout file is the text before the first NUL, or one of [`LAYOUTS`], which the
/// first byte selects.
pub fn described(octets: &[u8]) {
    let Some((choice, rest)) = octets.split_first() else {
        return;
    };
    let own = LAYOUTS.get(usize::from(*choice)).copied();
    let (text, bytes) = match (own, rest.iter().position(|octet| *octet == 0)) {
        (Some(text), _) => (text, rest),
        (None, Some(nul)) => match std::str::from_utf8(&rest[..nul]) {
            Ok(text) => (text, &rest[nul + 1..]),
            Err(_) => return,
        },
        (None, None) => return,
    };
    let Ok(read) = layout::parse(text) else {
        assert!(own.is_none(), "one of ours is refused");
        return;
    };
    let plan = Plan::new(read);
    for side in [layout::Side::Client, layout::Side::Server] {
        plan_of_message(&plan, bytes, side);
    }
}

/// Layouts for [`described`].
pub const LAYOUTS: [&str; 3] = [
    layout::EXAMPLE,
    "name = \"T\"\nport = 9100\norder = \"little\"\n[layout]\n\
     header = [\"magic: u16 == 0xCAFE\", \"size: u16 = length - 8\", \"seq: u16 = id\", \"kind: u16 = kind\"]\n\
     login = [\"user: text[u16] = user\", \"token: bytes[u8] secret\", \"f: options\"]\n\
     answer = [\"code: u8 {0 ok, 1 refused} = outcome\", \"reason: text[nul]\"]\n\
     reading = [\"count: u8\", \"items: item[count]\", \"note: text[u8]\", \"check: u32 = crc32\"]\n\
     item = [\"sensor: u16\", \"value: f32\", \"state: state\"]\n\
     [enum]\nstate = { type = \"u8\", 0 = \"ok\", 1 = \"stale\" }\n\
     [flags]\noptions = { type = \"u16\", 0 = \"urgent\", 3 = \"signed\" }\n\
     [kind]\n1 = { name = \"login\", body = \"login\", response = 2 }\n\
     2 = { name = \"answer\", body = \"answer\" }\n3 = { name = \"reading\", body = \"reading\" }\n",
    "name = \"S\"\nport = 9101\n[layout]\nheader = [\"len: u8 = length\"]\nbody = [\"x: text[*]\", \"sum: u8 = sum8\"]\n\
     [kind]\nclient = { name = \"ask\", body = \"body\", response = \"server\" }\nserver = { name = \"tell\", body = \"body\" }\n",
];

/// What is known of a message without decoding agrees with its decoding, and a search finds the message that begins there.
fn plan_of_message(plan: &Plan, bytes: &[u8], side: layout::Side) {
    assert_eq!(plan.frame(bytes, side), plan.layout.frame(bytes, side));
    let len = match plan.frame(bytes, side) {
        layout::Frame::Whole(len) => len.min(bytes.len()),
        _ => bytes.len(),
    };
    let message = &bytes[..len];
    let (reading, decoded) = (plan.read(message, side), plan.layout.decode(message, side));
    assert_eq!(
        (reading.kind, &reading.faults),
        (decoded.kind, &decoded.faults)
    );
    let mut at = 0;
    for node in &decoded.nodes {
        assert!(node.range.start == at && node.range.end <= message.len());
        assert!(node.range.start <= node.content.start && node.content.end <= node.range.end);
        at = node.range.end;
    }
    for (_, range) in [&reading.user, &reading.id, &reading.secret]
        .into_iter()
        .flatten()
    {
        assert!(range.start <= range.end && range.end <= message.len());
    }
    match plan.find(bytes, side, true) {
        layout::Found::At(at) => {
            assert!(plan.may_begin(&bytes[at..], side));
            assert!(matches!(
                plan.begins(&bytes[at..], side, true),
                layout::Opening::Yes(_)
            ));
        }
        layout::Found::NoneBefore(at) => assert!(at <= bytes.len()),
    }
    let fields = layout::Fields {
        layout: &plan.layout,
        message: &decoded,
        bytes: message,
        show_secrets: true,
    };
    let json = serde_json::to_value(fields).expect("fields are JSON");
    assert!(json.is_object());
}
