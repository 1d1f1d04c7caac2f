//! For a frame with a part of a message, every output form gives the number of the message's bytes so far, and the
//! frame of its next bytes, where that can be known.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use authscope::capture::LinkType;
use authscope::synth::Side::{Client, Server};
use authscope::synth::messages::raw;
use authscope::synth::{Conversation, IpForm, Link, PcapForm, write_pcap};
use serde_json::Value;

use crate::inspector::{authscope, capture, command};
use crate::tshark::Tshark;

/// Each part in `tcp-header-first.pcap`: its frame, its bytes by then, those of its message, and
/// the frame in which it goes on.
const PARTS: [(u64, u64, u64, u64); 3] = [(4, 8, 58, 5), (7, 4, 73, 8), (8, 8, 73, 9)];

fn sentence((_, have, need, next): (u64, u64, u64, u64)) -> String {
    format!("{have} of {need} bytes, continues in frame {next}")
}

#[test]
fn rows_say_where_a_message_goes_on() {
    let path = capture("tcp-header-first.pcap");
    for form in ["text", "table"] {
        let rows = authscope(&["read", "-T", form, &path]).stdout;
        for part in PARTS {
            let number = format!("{} ", part.0);
            let row = rows
                .lines()
                .find(|row| row.trim_start().starts_with(&number));
            let row = row.expect("the frame's row");
            let note = format!("[Reassembly: {}]", sentence(part));
            assert!(row.ends_with(&note), "{form}: {row}");
        }
        assert_eq!(rows.matches("continues in").count(), PARTS.len(), "{rows}");
    }
    let details = authscope(&["read", "--frames", "-V", &path]).stdout;
    for part in PARTS {
        let note = format!("Stream 0: [chat, reassembly: {}]", sentence(part));
        assert_eq!(details.matches(&note).count(), 1, "{details}");
    }
    // The messages themselves are whole, and nothing is said of them.
    let messages = authscope(&["read", "--messages", "-T", "text", &path]).stdout;
    assert!(!messages.contains("bytes"), "{messages}");
}

#[test]
fn json_says_it_in_fields() {
    let path = capture("tcp-header-first.pcap");
    let json = authscope(&["read", "--frames", "-T", "json", &path]).stdout;
    let frames: Vec<Value> = serde_json::from_str(&json).unwrap();
    let notes = frames.iter().flat_map(|frame| {
        let notes = frame["notes"].as_array().into_iter().flatten();
        notes.map(|note| (frame["frame"].as_u64().unwrap(), note))
    });
    let number = |note: &Value, key: &str| note[key].as_u64().unwrap();
    let found: Vec<_> = notes
        .map(|(frame, note)| {
            let part = (
                frame,
                number(note, "bytes"),
                number(note, "of"),
                number(note, "continues_in"),
            );
            assert_eq!(note["text"], sentence(part));
            assert_eq!(
                (&note["severity"], &note["group"]),
                (&"chat".into(), &"reassembly".into())
            );
            part
        })
        .collect();
    assert_eq!(found, PARTS);
}

/// What `authscope` says of a capture that comes through a pipe, so that nothing is known ahead.
fn piped(arguments: &[&str], octets: &[u8]) -> String {
    use std::io::Write;
    let mut child = command(arguments)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(octets).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
fn what_is_not_known_yet_is_not_said() {
    let octets = std::fs::read(capture("tcp-header-first.pcap")).unwrap();
    let rows = piped(&["read", "-T", "text"], &octets);
    for (_, have, need, _) in PARTS {
        let note = format!("[Reassembly: {have} of {need} bytes so far]");
        assert_eq!(rows.matches(&note).count(), 1, "{rows}");
    }
    let json = piped(&["read", "--frames", "-T", "jsonl"], &octets);
    assert!(json.contains("\"bytes\":8,\"of\":58}"), "{json}");
    assert!(!json.contains("continues_in"), "{json}");
}

#[test]
fn comments_say_where_a_message_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("saved.pcapng");
    let saved = saved.to_str().unwrap();
    let path = capture("tcp-header-first.pcap");
    let done = authscope(&["read", "-q", &path, "-w", saved, "--annotate"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let octets = String::from_utf8_lossy(&std::fs::read(saved).unwrap()).into_owned();
    for part in PARTS {
        let comment = format!("RegLogin, stream 0: [Reassembly: {}]", sentence(part));
        assert_eq!(octets.matches(&comment).count(), 1, "{comment}");
    }
}

#[test]
fn a_request_that_waits_for_its_filling_is_asked_for_it() {
    const ASKED: &str =
        "[Assumption: 20 of 58 bytes so far: are both fields filled with NUL to 20 and 30?]";
    let path = capture("mistake-still-waiting.pcap");
    let octets = std::fs::read(&path).unwrap();
    for rows in [
        authscope(&["read", "-T", "text", &path]).stdout,
        piped(&["read", "-T", "text"], &octets),
    ] {
        let row = rows
            .lines()
            .find(|row| row.contains("Len=20"))
            .expect(&rows);
        assert!(row.ends_with(ASKED), "{row}");
    }
    // With the messages alone it has a line of its own, while it waits.
    let messages = piped(&["read", "--messages", "-T", "text"], &octets);
    assert!(
        messages.contains(&format!("Stream 0: {ASKED}")),
        "{messages}"
    );
    // A name cut anywhere by TCP is no mistake once the rest has come.
    let cut = authscope(&["read", "-T", "text", &capture("tcp-cut-anywhere.pcap")]).stdout;
    assert!(!cut.contains("filled with NUL"), "{cut}");
    let ones = authscope(&[
        "read",
        "-T",
        "text",
        &capture("tcp-one-octet-segments.pcap"),
    ])
    .stdout;
    assert!(!ones.contains("filled with NUL"), "{ones}");
    assert!(
        ones.contains("[Reassembly: 57 of 58 bytes, continues in frame 61]"),
        "{ones}"
    );
}

#[test]
fn the_plugin_says_it_too() {
    let Some(tshark) = Tshark::find() else { return };
    let path = capture("tcp-header-first.pcap");
    let rows = tshark.with_plugin(Path::new(&path), &["-2"]);
    let details = tshark.with_plugin(Path::new(&path), &["-2", "-V"]);
    for part in PARTS {
        let note = format!("[Reassembly: {}]", sentence(part));
        assert!(
            rows.lines().any(|row| row.ends_with(&note)),
            "{note}\n{rows}"
        );
        let expert = format!("(Chat/Reassemble): {}", sentence(part));
        assert!(details.contains(&expert), "{expert}\n{details}");
    }
    // In one pass the frames that come later are not known.
    let once = tshark.with_plugin(Path::new(&path), &[]);
    assert!(
        once.contains("[Reassembly: 4 of 73 bytes so far]"),
        "{once}"
    );
}

#[test]
fn statistics_do_not_count_parts() {
    let path = capture("tcp-header-first.pcap");
    let json = authscope(&["stats", "-T", "json", &path]).stdout;
    let counts: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(counts["notes"]["chat"], 0);
    assert_eq!(counts["findings"].as_array().unwrap().len(), 0, "{json}");
}

/// A stream on the watched port whose first eight bytes are a right header, of another protocol.
fn other_protocol() -> Vec<u8> {
    let [client, server] = [("192.0.2.10", 40_000), ("192.0.2.1", 8888)]
        .map(|(address, port)| SocketAddr::new(address.parse().unwrap(), port));
    // An SMPP bind_receiver of 58 bytes: status 0, sequence number 1.
    let pdu = raw(
        58,
        1,
        &[&[0, 0, 0, 0, 0, 0, 0, 1][..], &[b'x'; 42]].concat(),
    );
    let mut talk = Conversation::new(client, server);
    talk.handshake()
        .send_cut(Client, &pdu, &[8])
        .ack(Server)
        .close(Client);
    let frames = talk.frames(&Link::ETHERNET, &IpForm::default()).unwrap();
    write_pcap(&PcapForm::usual(LinkType::ETHERNET), &frames)
}

#[test]
fn a_beginning_that_was_none_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.pcap");
    std::fs::write(&path, other_protocol()).unwrap();
    let path = path.to_str().unwrap();
    let rows = authscope(&["read", "-T", "text", path]).stdout;
    assert!(
        rows.contains("Len=8\n") && !rows.contains("bytes"),
        "{rows}"
    );
    let live = piped(&["read", "-T", "text"], &other_protocol());
    assert!(
        live.contains("Len=8 [Reassembly: 8 of 58 bytes so far]"),
        "{live}"
    );
    let saved = folder.path().join("saved.pcapng");
    let saved = saved.to_str().unwrap();
    authscope(&["read", "-q", path, "-w", saved, "--annotate"]);
    let octets = std::fs::read(saved).unwrap();
    assert!(!String::from_utf8_lossy(&octets).contains("bytes so far"));
}
