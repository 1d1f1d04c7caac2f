//! If nothing of a capture is shown, one line on standard error says what it contains.

use authscope::capture::LinkType;
use authscope::synth::{Frame, PcapForm, start_time, write_pcap};

use crate::inspector::{Done, authscope, capture};

/// The one line that is said of a saved capture.
fn said(arguments: &[&str], name: &str, code: i32) -> String {
    let name = capture(name);
    let done = authscope(&[arguments, &[&name]].concat());
    said_by(&done, code)
}

fn said_by(done: &Done, code: i32) -> String {
    assert_eq!(done.code, code, "{}", done.stderr);
    assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
    done.stderr.trim_end().to_owned()
}

#[test]
fn another_protocol_is_named() {
    let line = said(&["read"], "udp.pcap", 0);
    assert_eq!(
        line,
        "authscope: no RegLogin here: 1 frame, no TCP (UDP 1); --frames shows all"
    );
    for arguments in [
        &["read"][..],
        &["read", "--messages"],
        &["read", "--explain"],
        &["read", "-T", "json"],
    ] {
        let line = said(arguments, "smpp-every-pdu-on-port-2775.pcap", 0);
        assert_eq!(
            line,
            "authscope: no RegLogin here: 1 stream, SMPP; --frames shows all"
        );
    }
    let line = said(&["read", "--explain"], "http-on-port-8888.pcap", 0);
    assert!(line.contains("no RegLogin here: 1 stream, HTTP"), "{line}");
    let line = said(&["read"], "ssh-on-port-2222.pcap", 0);
    assert!(line.contains("no RegLogin here: 1 stream"), "{line}");
    let line = said(&["read"], "pcap-empty.pcap", 0);
    assert_eq!(line, "authscope: there is no frame in the capture");
}

#[test]
fn link_types_that_are_not_read_are_named_with_their_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usb.pcap");
    let frames: Vec<Frame> = (0..412)
        .map(|_| Frame::whole(start_time(), vec![0; 64]))
        .collect();
    std::fs::write(&path, write_pcap(&PcapForm::usual(LinkType(189)), &frames)).unwrap();
    let done = authscope(&["read", path.to_str().unwrap()]);
    assert_eq!(
        said_by(&done, 0),
        "authscope: 412 frames have link type 189, USB: not read"
    );
}

#[test]
fn a_filter_or_a_field_without_a_match_is_told() {
    let line = said(
        &["read", "-Y", "reglogin.username == \"nobody\""],
        "link-ethernet.pcap",
        1,
    );
    assert_eq!(
        line,
        "authscope: nothing matches the filter: 11 frames looked at"
    );
    let line = said(
        &["read", "-V", "-Y", "frame.number == 1"],
        "link-ethernet.pcap",
        1,
    );
    assert_eq!(
        line,
        "authscope: nothing matches the filter: 11 frames looked at; frames without a message only with --frames"
    );
    let line = said_by(&authscope(&["fields", "usernam_e"]), 1);
    assert!(
        line.contains("no field has \"usernam_e\" in its name"),
        "{line}"
    );
}

#[test]
fn a_snapshot_length_that_left_nothing_is_told() {
    // The same exchange with 0, 6 and 12 bytes of each message: the header alone does not tell it from SMPP.
    let whole = std::fs::read(capture("link-ethernet.pcap")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (octets, left) in [(54, "nothing"), (60, "nothing"), (66, "too little")] {
        let path = folder.path().join(format!("{octets}.pcap"));
        std::fs::write(&path, snapped(&whole, octets)).unwrap();
        let path = path.to_str().unwrap();
        for arguments in [&["read"][..], &["read", "-T", "jsonl"]] {
            let done = authscope(&[arguments, &[path]].concat());
            let line = said_by(&done, 0);
            assert!(
                line.contains(&format!("the snapshot length left {left} to read")),
                "{line}"
            );
            assert!(
                line.contains(&format!("{octets} bytes were captured")),
                "{line}"
            );
        }
    }
}

/// A little-endian pcap file as a snapshot length would have left it.
fn snapped(whole: &[u8], octets: usize) -> Vec<u8> {
    const HEADER: usize = 24;
    const RECORD: usize = 16;
    let mut file = whole[..HEADER].to_vec();
    let mut rest = &whole[HEADER..];
    while rest.len() > RECORD {
        let captured = u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        let kept = captured.min(octets);
        file.extend(&rest[..8]);
        file.extend((kept as u32).to_le_bytes());
        file.extend(&rest[12..RECORD + kept]);
        rest = &rest[RECORD + captured..];
    }
    file
}

#[test]
fn where_something_is_shown_nothing_is_said() {
    for name in [
        "link-ethernet.pcap",
        "tls-on-port-8888.pcap",
        "lab-report.pcap",
    ] {
        let done = authscope(&["read", &capture(name)]);
        assert_eq!((done.code, done.stderr.as_str()), (0, ""), "{name}");
    }
    let done = authscope(&["read", "--frames", &capture("udp.pcap")]);
    assert_eq!((done.code, done.stderr.as_str()), (0, ""));
    assert!(done.stdout.contains("192.0.2.10"), "{}", done.stdout);
}
