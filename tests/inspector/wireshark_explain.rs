//! Wireshark does what `--explain` says that it does.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

use crate::need::skip;
use crate::otherwise::{Check, left_out};
use crate::tshark::{Tshark, captures, in_parallel};
use authscope::capture::{ReadOptions, open};
use authscope::protocol::Command as Message;
use authscope::session::{FrameRecord, Inspector, Options, Remainder, Sink, run};
use authscope::synth::messages::{raw_request, raw_response};
use authscope::synth::{
    ByteOrder, Conversation, IpForm, Link, PcapForm, Side, frames, merge, start_time, write_pcap,
};
use authscope::wireshark::explain::smpp::body_is_known;
use authscope::wireshark::explain::{Model, ports, read_pdu};

/// Frames of which something is foretold, with the PDUs that are shown in them.
#[derive(Default)]
struct Foretold {
    model: Model,
    frames: BTreeMap<u64, String>,
}

impl Sink for Foretold {
    type Error = std::convert::Infallible;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, Self::Error> {
        self.model.record(record);
        let Some(segment) = record.segment() else {
            return Ok(ControlFlow::Continue(()));
        };
        let ports = [segment.source.port, segment.destination.port];
        let by_port = ports::tried_first(ports).is_some();
        if by_port || record.payload().is_empty() || !self.model.foretells(record) {
            return Ok(ControlFlow::Continue(()));
        }
        let mut text = String::new();
        for found in self.model.shown(record) {
            let pdu = read_pdu(&found.octets).expect("a command of SMPP");
            write!(text, "{} {}", pdu.name, pdu.sequence).unwrap();
            text.push_str(match pdu.runs_off {
                _ if !body_is_known(pdu.command) => " ?\n",
                Some(_) => " malformed\n",
                None => "\n",
            });
        }
        self.frames.insert(record.frame.number, text);
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, _: &Remainder<'_>) -> Result<(), Self::Error> {
        Ok(())
    }
}

fn foretold(path: &Path) -> BTreeMap<u64, String> {
    let source = open(path, ReadOptions::default()).expect("a capture");
    let mut sink = Foretold::default();
    let _ = run(
        Box::new(source),
        Inspector::new(&Options::default()),
        &mut sink,
        1,
    );
    sink.frames
}

/// The same as in tshark, out of its details.
fn said(details: &str) -> BTreeMap<u64, String> {
    let mut frames: BTreeMap<u64, String> = BTreeMap::new();
    let mut frame = 0;
    for line in details.lines() {
        if let Some(rest) = line.strip_prefix("Frame ") {
            let digits = rest.split(':').next().unwrap_or_default();
            frame = digits.parse().expect("a frame's number");
        } else if let Some(rest) = line.strip_prefix("Short Message Peer to Peer, Command: ") {
            let text = frames.entry(frame).or_default();
            let (name, rest) = rest.split_once(", ").expect("a name");
            let sequence = rest
                .split("Seq: ")
                .nth(1)
                .and_then(|rest| rest.split(',').next());
            writeln!(text, "{name} {}", sequence.unwrap_or_default()).unwrap();
        } else if line.starts_with("[Malformed Packet: SMPP]") {
            let text = frames.entry(frame).or_default();
            text.pop();
            text.push_str(" malformed\n");
        }
    }
    frames
}

/// Differences, where a `?` leaves open whether the PDU is malformed.
fn compare(
    name: &str,
    foretold: &BTreeMap<u64, String>,
    said: &BTreeMap<u64, String>,
) -> Option<String> {
    let mut wrong = String::new();
    for (frame, expected) in foretold {
        let found = said.get(frame).map_or("", String::as_str);
        let same = expected.lines().count() == found.lines().count()
            && expected
                .lines()
                .zip(found.lines())
                .all(|(expected, found)| match expected.strip_suffix(" ?") {
                    Some(open) => found.strip_suffix(" malformed").unwrap_or(found) == open,
                    None => expected == found,
                });
        let listed = left_out(Check::Explained, name).contains(&frame.to_string().as_str());
        if same == listed {
            writeln!(
                wrong,
                "{name} frame {frame}: foretold {expected:?}, tshark {found:?}"
            )
            .unwrap();
        }
    }
    (!wrong.is_empty()).then_some(wrong)
}

#[test]
fn every_stored_capture_is_foretold() {
    let Some(tshark) = Tshark::find() else { return };
    let captures = captures();
    let wrong = in_parallel(&captures, |(name, path)| {
        let details = tshark.plain(path, &["-V", "-Y", "smpp"]);
        compare(name, &foretold(path), &said(&details))
    });
    assert!(wrong.is_empty(), "{}", wrong.concat());
}

/// Connections with messages of every length of text, filled in each way, in segments of each
/// kind.
fn sweep() -> Vec<u8> {
    let mut conversations = Vec::new();
    let mut add = |act: &dyn Fn(&mut Conversation)| {
        let index = conversations.len() as u16;
        let client = SocketAddr::from(([192, 0, 2, 10], 41_000 + index));
        let server = SocketAddr::from(([192, 0, 2, 1], 8888));
        let mut conversation = Conversation::new(client, server).at(start_time());
        conversation
            .wait(i64::from(index) * 1_000_000_000)
            .handshake();
        act(&mut conversation);
        conversation.close(Side::Client);
        conversations.push(conversation);
    };
    let text = |len: usize| {
        "wrong password for Jürgen, try again or ask the administrator "
            .bytes()
            .cycle()
            .take(len)
            .collect::<Vec<u8>>()
    };
    for filling in [0, b'0', b' '] {
        for len in 0..=64 {
            add(&|conversation| {
                let command = if len % 2 == 0 {
                    Message::LoginResponse
                } else {
                    Message::RegistrationResponse
                };
                let status = (len % 3 == 0).into();
                conversation.deliver(
                    Side::Server,
                    &raw_response(command, status, &text(len), filling),
                );
                conversation.deliver(
                    Side::Server,
                    &raw_response(Message::LoginResponse, 1, &text(len), filling),
                );
            });
        }
        for name in 0..=20 {
            for password in [0, 1, 8, 29, 30] {
                add(&|conversation| {
                    let (name, password) = (text(name), text(password));
                    for command in [Message::RegistrationRequest, Message::LoginRequest] {
                        conversation.deliver(
                            Side::Client,
                            &raw_request(command, &name, &password, filling),
                        );
                    }
                });
            }
        }
    }
    let request = raw_request(Message::LoginRequest, b"alice", b"secret", 0);
    let filled = raw_request(Message::RegistrationRequest, b"alice", b"secret", b'0');
    for cut in 1..58 {
        add(&|conversation| {
            conversation.send_cut(Side::Client, &request, &[cut]);
            conversation.deliver(Side::Client, &request);
        });
    }
    for cut in [1, 5, 15, 16, 40, 57, 58, 59, 63, 73, 74, 100, 115] {
        for pair in [[&request, &filled], [&filled, &request], [&filled, &filled]] {
            let both = [&pair[0][..], pair[1]].concat();
            add(&|conversation| {
                conversation.send_cut(Side::Client, &both, &[cut]);
            });
        }
    }
    let all: Vec<&Conversation> = conversations.iter().collect();
    let order = ByteOrder::Little;
    let link = Link::Null { order, ipv6: 24 };
    let frames = frames(&merge(&all), &link, &IpForm::default()).expect("frames");
    write_pcap(&PcapForm::usual(link.link_type()), &frames)
}

#[test]
fn a_sweep_of_texts_fillings_and_segments_is_foretold() {
    let Some(tshark) = Tshark::find() else { return };
    let path = tshark.home().join("sweep.pcap");
    std::fs::write(&path, sweep()).expect("the capture is written");
    let foretold = foretold(&path);
    assert!(foretold.len() > 1000, "{} frames", foretold.len());
    let malformed = foretold
        .values()
        .filter(|text| text.contains("malformed"))
        .count();
    assert!(malformed > 200, "{malformed} malformed");
    let details = tshark.plain(&path, &["-V", "-Y", "smpp"]);
    let wrong = compare("sweep", &foretold, &said(&details));
    assert!(wrong.is_none(), "{}", wrong.unwrap_or_default());
}

/// Runs `authscope read --explain` on a stored capture.
fn explained(name: &str, more: &[&str]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("captures")
        .join(name);
    let out = Command::new(env!("CARGO_BIN_EXE_authscope"))
        .args(["read", "--explain"])
        .arg(path)
        .args(more)
        .output()
        .expect("authscope runs");
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8(out.stdout).expect("UTF-8")
}

#[test]
fn the_lab_reports_lines_are_explained() {
    let text = explained("lab-report.pcap", &[]);
    for line in [
        "Without the plugin Wireshark says: SMPP, Bind_receiver [Malformed Packet], sequence number 808464432",
        "Without the plugin Wireshark says: SMPP, Bind_transmitter, sequence number 1769174130",
        "Without the plugin Wireshark says: SMPP, Query_sm [Malformed Packet], sequence number 808464432",
        "Without the plugin Wireshark says: SMPP, Submit_sm [Malformed Packet], sequence number 1768824947",
        "bytes 4-7: 00 00 00 01 as command_id is 1: a known one is wanted",
        "from byte 16: system_id runs off the end of the message: Malformed Packet",
        "That it is not SMPP shows in byte 8: 75 is not 0",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn the_page_on_wireshark_shows_what_is_printed() {
    let text = explained("lab-report.pcap", &[]);
    let first = text.split("\n\n").next().expect("a message");
    let page = include_str!("../../docs/wireshark.md");
    assert!(page.contains(first), "{first}");
}

#[test]
fn passwords_are_masked_unless_they_are_asked_for() {
    // The name is full, so that SMPP's strings run on into the password.
    let masked = explained("full-fields-utf8.pcap", &[]);
    assert!(
        !masked.contains("horse") && masked.contains("********"),
        "{masked}"
    );
    let clear = explained("full-fields-utf8.pcap", &["--show-passwords"]);
    assert!(clear != masked && !clear.contains("********"), "{clear}");
}

#[test]
fn what_a_port_changes_is_said() {
    let text = explained("reglogin-on-port-443.pcap", &[]);
    assert!(
        text.contains("it tries tls, the protocol of port 443, first"),
        "{text}"
    );
    let text = explained("tcp-one-octet-segments.pcap", &[]);
    assert!(
        text.contains("wants 16 bytes in the first segment, which has 1"),
        "{text}"
    );
}

#[test]
fn the_ports_are_those_of_this_wireshark() {
    let Some(tshark) = Tshark::find() else { return };
    let version = tshark
        .command()
        .arg("--version")
        .output()
        .expect("tshark runs");
    if !String::from_utf8_lossy(&version.stdout).contains("(Wireshark) 4.0.") {
        skip("tshark-4.0", "the table holds the ports of Wireshark 4.0");
        return;
    }
    let out = tshark
        .command()
        .args(["-G", "decodes"])
        .output()
        .expect("tshark runs");
    let mut listed: BTreeMap<u16, String> = BTreeMap::new();
    for line in String::from_utf8_lossy(&out.stdout).lines() {
        let mut parts = line.split('\t');
        if parts.next() == Some("tcp.port")
            && let (Some(port), Some(name)) = (parts.next(), parts.next())
        {
            listed.insert(port.parse().expect("a port"), name.to_owned());
        }
    }
    listed.remove(&0);
    assert!(listed.len() > 300, "{}", listed.len());
    for port in 1..=u16::MAX {
        let expected = listed.get(&port).map(String::as_str);
        assert_eq!(ports::dissector_of(port), expected, "port {port}");
    }
}
