//! Fields that a layout file declares secret stay hidden, also the checksums over them. A KEY with the name of a
//! generated field is shown on its own message, and the generated field on the other message of the pair.

use std::net::SocketAddr;
use std::path::Path;

use authscope::capture::LinkType;
use authscope::synth::{Conversation, IpForm, Link, PcapForm, Side, write_pcap};
use serde_json::{Value, json};

use crate::inspector::authscope;

const LAYOUT: &str = r#"
name = "Vault"
port = 9300
[layout]
header = ["length: u16 = length", "kind: u8 = kind", "head: u8 = sum8"]
open   = ["user: u32 = user", "keys: key[2] secret", "last: key secret", "check: u32 = crc32"]
answer = ["outcome: u8 {0 failure, 1 success} = outcome", "rest: key[*]"]
key    = ["slot: u16", "code: text[u8]"]
[kind]
1 = { name = "open", body = "open", from = "client", response = 2 }
2 = { name = "answer", body = "answer", from = "server" }
"#;

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u16 + 4).to_be_bytes();
    let head = [length[0], length[1], kind];
    let sum = head.iter().fold(0u8, |sum, octet| sum.wrapping_add(*octet));
    [&head[..], &[sum], body].concat()
}

fn key(slot: u16, code: &str) -> Vec<u8> {
    [
        &slot.to_be_bytes()[..],
        &[code.len() as u8],
        code.as_bytes(),
    ]
    .concat()
}

/// With a check behind it that is right or wrong.
fn open(user: u32, right: bool) -> Vec<u8> {
    let keys = [key(777, "xyzzy"), key(778, "plugh"), key(779, "frotz")].concat();
    let body = [&user.to_be_bytes()[..], &keys, &[0; 4]].concat();
    let mut octets = message(1, &body);
    let at = octets.len() - 4;
    let check = crc32fast::hash(&octets[..at]) ^ u32::from(!right);
    octets[at..].copy_from_slice(&check.to_be_bytes());
    octets
}

/// Two exchanges; the second request's check is wrong. Gives the paths of capture and layout.
fn scene(folder: &Path) -> (String, String) {
    let client = SocketAddr::from(([192, 0, 2, 10], 40_000));
    let server = SocketAddr::from(([192, 0, 2, 1], 9300));
    let mut talk = Conversation::new(client, server);
    talk.handshake();
    talk.send(Side::Client, &open(1001, true));
    talk.send(
        Side::Server,
        &message(2, &[&[1][..], &key(5, "fine")].concat()),
    );
    talk.send(Side::Client, &open(1002, false));
    talk.send(Side::Server, &message(2, &[0]));
    talk.close(Side::Client);
    let frames = talk.frames(&Link::ETHERNET, &IpForm::default());
    let octets = write_pcap(
        &PcapForm::usual(LinkType::ETHERNET),
        &frames.expect("frames"),
    );
    let path = |name: &str, octets: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, octets).expect("it is written");
        path.to_str().expect("UTF-8").to_owned()
    };
    (
        path("vault.pcap", &octets),
        path("vault.toml", LAYOUT.as_bytes()),
    )
}

fn rows(layout: &str, capture: &str, more: &[&str]) -> Vec<Value> {
    let done = authscope(&[&["read", "-L", layout, "-T", "jsonl"], more, &[capture]].concat());
    assert!(done.code <= 1, "{}", done.stderr);
    let lines = done.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[test]
fn a_secret_record_and_the_check_over_it_show_nowhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let (capture, layout) = scene(folder.path());
    for more in [
        &["-T", "jsonl"][..],
        &["-V", "-x"],
        &["-T", "text"],
        &[
            "-T",
            "fields",
            "-e",
            "vault.keys.code",
            "-e",
            "vault.keys.slot",
            "-e",
            "vault.last.code",
            "-e",
            "vault.check",
        ],
    ] {
        let arguments = [&["read", "-L", &layout], more, &[&capture]].concat();
        let done = authscope(&arguments);
        assert_eq!(done.code, 0, "{}", done.stderr);
        for secret in ["xyzzy", "plugh", "frotz", "777", "778", "78 79 7a"] {
            assert!(!done.stdout.contains(secret), "{more:?}:\n{}", done.stdout);
        }
        assert!(more[0] == "-T" || done.stdout.contains("Check: ******** (right)"));
        assert!(more[0] == "-T" || done.stdout.contains("Check: ******** (wrong)"));
    }
    let all = rows(&layout, &capture, &[]);
    assert_eq!(all[0]["fields"]["keys"], "********");
    assert_eq!(all[0]["fields"]["last"], "********");
    assert_eq!(all[0]["fields"]["check"], "********");
    // What covers no secret is shown, and so are records of the same kind that are none.
    let head = u64::from(open(1001, true)[3]);
    assert_eq!(all[0]["fields"]["head"], head);
    assert_eq!(
        all[1]["fields"]["rest"],
        json!([{"slot": 5, "code": "fine"}])
    );
    let filtered = rows(&layout, &capture, &["-Y", &format!("vault.head == {head}")]);
    assert_eq!(filtered.len(), 2);
    let done = authscope(&[
        "read",
        "-L",
        &layout,
        "-Y",
        "vault.last.slot == 779",
        &capture,
    ]);
    assert_eq!(done.code, 2);
    assert!(done.stderr.contains("masked"), "{}", done.stderr);
}

#[test]
fn a_redacted_check_is_as_right_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let (capture, layout) = scene(folder.path());
    let saved = folder.path().join("redacted.pcapng");
    let saved = saved.to_str().expect("UTF-8");
    let done = authscope(&[
        "read", "-q", "-L", &layout, "-w", saved, "--redact", &capture,
    ]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let told = |capture: &str| -> Vec<Value> {
        rows(&layout, capture, &[])
            .iter()
            .map(|row| json!([row["type"], row["notes"]]))
            .collect()
    };
    assert_eq!(told(saved), told(&capture));
    let shown = rows(&layout, saved, &["--show-passwords"]);
    assert_eq!(shown[0]["fields"]["last"]["code"], "*****");
    assert_eq!(shown[0]["fields"]["last"]["slot"], json!(0x2a2a));
    assert_ne!(
        shown[0]["fields"]["check"],
        rows(&layout, &capture, &["--show-passwords"])[0]["fields"]["check"]
    );
}

#[test]
fn a_key_wins_on_its_message_and_the_generated_field_stands_on_the_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let (capture, layout) = scene(folder.path());
    let fields = ["vault.type", "vault.user", "vault.outcome", "vault.action"];
    let more: Vec<&str> = fields.iter().flat_map(|field| ["-e", field]).collect();
    let done = authscope(
        &[
            &["read", "-L", &layout, "-T", "fields", "-Y", "vault"],
            &more[..],
            &[&capture],
        ]
        .concat(),
    );
    assert_eq!(
        done.stdout,
        "open\t1001\t1\topen\nanswer\t1001\t1\topen\nopen\t1002\t0\topen\nanswer\t1002\t0\topen\n",
        "{}",
        done.stderr
    );
    for (filter, count) in [
        ("vault.outcome == success", 2),
        ("vault.outcome == 0 && vault.request", 1),
        ("vault.user == 1002", 2),
    ] {
        assert_eq!(
            rows(&layout, &capture, &["-Y", filter]).len(),
            count,
            "{filter}"
        );
    }
}
