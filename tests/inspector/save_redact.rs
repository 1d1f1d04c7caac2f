//! A capture saved with `--redact` has no byte of a password and everything else.

use std::io::Cursor;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use authscope::capture::{Batch, CaptureWriter, FileSource, FrameSource, ReadOptions};
use authscope::output::Context;
use authscope::protocol::layout::{PASSWORD, REQUEST_LEN};
use authscope::protocol::{Action, Command};
use authscope::save::{Save, SaveOptions, Survey};
use authscope::session::{self, Inspector, Options};
use authscope::synth::messages::{raw_request, response};
use authscope::synth::{
    Checksum, Conversation, Fragment, Frame, IpForm, Link, PcapForm, Segment, Side, packets,
    write_pcap,
};
use fastrand::Rng;

/// What is done to passwords while a conversation is made up: nothing, or every byte is this.
type Hidden = Option<u8>;

/// A conversation's frames; with another `hidden` the same but for password bytes and checksums.
struct Made {
    frames: Vec<Frame>,
    /// Whether every byte was captured, so that all of it is understood.
    complete: bool,
}

fn requests(random: &mut Rng, hidden: Hidden) -> Vec<u8> {
    let mut stream = Vec::new();
    for _ in 0..random.usize(1..4) {
        let len = random.usize(1..=PASSWORD.width);
        let filling = if random.u8(..4) == 0 { b'0' } else { 0 };
        let mut password: Vec<u8> = (0..len).map(|_| random.u8(1..)).collect();
        // A full name is shown where both fields are text.
        if random.bool() || filling != 0 {
            let letters = |octet: u8| b"abcdefghijklmnop"[usize::from(octet % 16)];
            password = password.into_iter().map(letters).collect();
        }
        let command = [Command::RegistrationRequest, Command::LoginRequest][random.usize(..2)];
        let mut request = raw_request(command, b"alice", &password, filling);
        if filling != 0 {
            // Old clients fill both fields.
            request[8 + 5..PASSWORD.offset].fill(filling);
        }
        hide(&mut request[PASSWORD.range()], hidden);
        stream.extend(request);
    }
    stream
}

fn hide(octets: &mut [u8], hidden: Hidden) {
    if let Some(with) = hidden {
        octets
            .iter_mut()
            .filter(|o| **o != 0)
            .for_each(|o| *o = with);
    }
}

/// The client's segments: cut anywhere, sent again with other cuts, out of order, with other
/// bytes in passwords, and some of them lost.
fn segments(
    random: &mut Rng,
    stream: &[u8],
    talk: &mut Conversation,
    hidden: Hidden,
) -> (Vec<Segment>, bool) {
    let template = talk.segment(Side::Client, b"");
    let part = |from: usize, to: usize| {
        let mut segment = template.clone();
        segment.sequence = template.sequence.wrapping_add(from as u32);
        segment.payload = stream[from..to].to_vec();
        segment
    };
    talk.hold(Side::Client, part(0, stream.len()));
    let mut cuts: Vec<usize> = (0..random.usize(..6))
        .map(|_| random.usize(1..stream.len()))
        .collect();
    cuts.extend([0, stream.len()]);
    cuts.sort_unstable();
    let mut all: Vec<Segment> = cuts
        .windows(2)
        .filter(|w| w[0] < w[1])
        .map(|w| part(w[0], w[1]))
        .collect();
    let complete = random.u8(..4) > 0;
    if !complete {
        all.remove(random.usize(..all.len()));
    }
    if random.bool() {
        random.shuffle(&mut all);
    }
    for _ in 0..random.usize(..3) {
        let from = random.usize(..stream.len());
        let mut again = part(from, random.usize(from + 1..=stream.len()));
        let conflicts = random.u8(..3) == 0;
        for (at, octet) in again.payload.iter_mut().enumerate() {
            let other = random.u8(1..);
            let in_password = PASSWORD.range().contains(&((from + at) % REQUEST_LEN));
            if conflicts && complete && in_password && *octet != 0 && hidden.is_none() {
                *octet = other;
            }
        }
        all.push(again);
    }
    (all, complete)
}

fn make(seed: u64, hidden: Hidden) -> Made {
    let mut random = Rng::with_seed(seed);
    let port = if random.bool() { 8888 } else { 5555 };
    let ends: [SocketAddr; 2] = if random.bool() {
        [
            ([127, 0, 0, 1], 40_000).into(),
            ([127, 0, 0, 2], port).into(),
        ]
    } else {
        [
            format!("[2001:db8::1]:{port}"),
            format!("[2001:db8::2]:{port}"),
        ]
        .map(|end| end.parse().expect("an address"))
    };
    let mut talk = Conversation::new(ends[0], ends[1]).initial(random.u32(..), random.u32(..));
    let syns = random.u8(..4) > 0;
    if syns {
        talk.handshake();
    } else {
        talk.already_open();
    }
    let stream = requests(&mut random, hidden);
    let (sent, complete) = segments(&mut random, &stream, &mut talk, hidden);
    for mut segment in sent {
        if random.u8(..6) == 0 {
            segment.checksum = Checksum::Wrong;
        }
        talk.put(segment);
    }
    for _ in 0..stream.len() / REQUEST_LEN {
        talk.send(
            Side::Server,
            &response(Action::Login, false, "no such user"),
        );
    }
    if random.bool() {
        talk.close(Side::Client);
    }
    let link = Link::ETHERNET;
    let mut frames = Vec::new();
    let fragments = random.u8(..3) == 0;
    for (index, timed) in talk.segments().iter().enumerate() {
        let mut form = IpForm {
            identification: index as u32 + 1,
            ..IpForm::default()
        };
        let len = timed.segment.octets().expect("a segment").len();
        if fragments && len > 24 {
            let mut cuts: Vec<usize> = (0..random.usize(1..4))
                .map(|_| random.usize(1..len.div_ceil(8)) * 8)
                .collect();
            cuts.extend([0, len]);
            cuts.sort_unstable();
            let parts = cuts.windows(2).filter(|w| w[0] < w[1]);
            form.fragments = parts.map(|w| Fragment::from(w[0]..w[1])).collect();
            random.shuffle(&mut form.fragments);
        }
        for packet in packets(&timed.segment, &form).expect("packets") {
            frames.push(Frame::whole(timed.time, link.wrap(&packet)));
        }
    }
    Made {
        frames,
        complete: complete && syns,
    }
}

/// A writer into memory.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("one thread").extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn source(file: &[u8]) -> Box<dyn FrameSource + Send> {
    let reader = Cursor::new(file.to_vec());
    Box::new(FileSource::from_reader(reader, ReadOptions { keep: true }).expect("a capture"))
}

/// The frames after redaction, with knowledge of the whole capture or without.
fn redacted(frames: &[Frame], surveys: bool) -> Vec<Vec<u8>> {
    let file = write_pcap(&PcapForm::usual(Link::ETHERNET.link_type()), frames);
    let options = SaveOptions {
        redact: true,
        ..SaveOptions::default()
    };
    let mut survey = Survey::new(options, Context::default());
    let inspector = || Inspector::new(&Options::default());
    while surveys && survey.wants_more() {
        session::run(source(&file), inspector(), &mut survey, 1).expect("it is surveyed");
    }
    let memory = Memory::default();
    let writer = CaptureWriter::to(memory.clone());
    let mut save = Save::new(writer, Context::default(), survey);
    session::run(source(&file), inspector(), &mut save, 1).expect("it is saved");
    let saved = memory.0.lock().expect("one thread").clone();
    let (mut batch, mut all, mut source) = (Batch::default(), Vec::new(), source(&saved));
    loop {
        let more = source.fill(&mut batch).expect("it is read");
        all.extend(batch.frames().map(|frame| frame.octets.to_vec()));
        if !more {
            return all;
        }
    }
}

#[test]
fn whatever_way_a_password_takes_it_is_not_left() {
    for seed in 0..1000 {
        let original = make(seed, None);
        let stars = make(seed, Some(b'*')).frames;
        // Where all three have what was put in place of a password, one stood.
        let others = [b'#', b'!'].map(|with| make(seed, Some(with)).frames);
        for surveys in [true, false] {
            let found = redacted(&original.frames, surveys);
            assert_eq!(found.len(), stars.len(), "seed {seed}");
            for (index, frame) in found.iter().enumerate() {
                let star = &stars[index].octets;
                let whose = format!("seed {seed}, frame {}, surveys {surveys}", index + 1);
                assert_eq!(frame.len(), star.len(), "{whose}");
                for (at, octet) in frame.iter().enumerate() {
                    let other = |which: usize| others[which][index].octets[at];
                    if (star[at], other(0), other(1)) == (b'*', b'#', b'!') {
                        // 0 is a checksum that cannot be told, which happens to be there.
                        assert!(matches!(octet, b'*' | 0), "{whose}, byte {at}: {octet}");
                    }
                }
                // Where all is understood nothing else is changed, and checksums are what they
                // would have been.
                if surveys && original.complete {
                    assert!(frame == star, "{whose}:\n{frame:02x?}\n{star:02x?}");
                }
            }
        }
    }
}
