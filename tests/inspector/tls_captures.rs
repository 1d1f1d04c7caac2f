//! Captures of TLS: OpenSSL's sessions compared with the bytes that tshark decrypts; damaged and incomplete sessions,
//! each with its reason once a stream; and other traffic around TLS.

use std::collections::BTreeMap;
use std::path::Path;

use authscope::capture::LinkType;
use authscope::protocol::Action;
use authscope::synth::{PcapForm, write_pcap};

use crate::openssl::{self, End, Flights};
use crate::programs::{Place, request};
use crate::tls::{SAID, Sessions, inspect, messages, said, text};
use crate::tshark::{TWO_PASSES, Tshark};
use crate::wire::{capture, conversation, conversation_on, frames};

/// A response as it stands on the wire.
const ANSWER: [u8; 73] = {
    let mut answer = [0; 73];
    (answer[3], answer[7], answer[8]) = (73, 4, 1);
    (answer[9], answer[10]) = (b'o', b'k');
    answer
};

fn asks() -> Vec<u8> {
    request(Action::Login, "alice", "secret").as_ref().repeat(2)
}

/// A session of OpenSSL's in which two requests are asked twice and answered, as a capture of its own
/// with its key log.
fn talk(
    place: &Place,
    server: &[&str],
    client: &[&str],
) -> (std::path::PathBuf, std::path::PathBuf) {
    let ends = openssl::Place::new();
    let mut serving = ends.serve(server, 1);
    let mut asking = ends.connect(&serving, &[&["-quiet", "-no_ign_eof"], client].concat());
    let answers = ANSWER.repeat(2);
    for round in 1..=2 {
        asking.say(&asks());
        serving.hears(round * asks().len());
        serving.say(&answers);
        asking.hears(&answers.repeat(round));
    }
    let talk = conversation(0, &asking.end());
    let (path, keys) = (place.path("talk.pcap"), place.path("talk.keys"));
    std::fs::write(&path, capture(&[&talk])).unwrap();
    std::fs::write(&keys, ends.keys()).unwrap();
    (path, keys)
}

/// What client and server sent inside TLS, as tshark follows it.
fn followed(tshark: &Tshark, path: &Path, keys: &Path) -> [String; 2] {
    let option = format!("tls.keylog_file:{}", text(keys));
    let arguments = [
        &TWO_PASSES[..],
        &["-o", &option, "-q", "-z", "follow,tls,raw,0"],
    ]
    .concat();
    let mut sent = [String::new(), String::new()];
    let mut client_first = true;
    for line in tshark.plain(path, &arguments).lines() {
        if let Some(first) = line.strip_prefix("Node 0: ") {
            client_first = !first.ends_with(":8888");
        }
        let hex = line.trim_start_matches('\t');
        if !hex.is_empty() && hex.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            sent[usize::from(line.starts_with('\t') == client_first)] += hex;
        }
    }
    sent
}

#[test]
fn sessions_of_openssl_are_followed_as_tshark_follows_them() {
    let Some(tshark) = Tshark::find() else { return };
    if !openssl::is_there() {
        return;
    }
    let place = Place::new();
    let small = ["-split_send_frag", "20", "-max_send_frag", "512"];
    let padded = ["-tls1_3", "-record_padding", "200", "-groups", "P-384"];
    let retried = ["-tls1_3", "-groups", "X25519:P-384"];
    let suites: [(&[&str], &[&str]); 9] = [
        (
            &["-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"],
            &["-tls1_3"],
        ),
        (
            &["-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"],
            &["-tls1_3"],
        ),
        (&padded, &retried),
        (
            &["-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384"],
            &["-tls1_2"],
        ),
        (
            &["-tls1_2", "-cipher", "DHE-RSA-CHACHA20-POLY1305"],
            &["-tls1_2"],
        ),
        (&["-tls1_2", "-cipher", "AES128-SHA256"], &["-tls1_2"]),
        (
            &["-tls1_2", "-cipher", "ECDHE-RSA-AES256-SHA", "-no_etm"],
            &["-tls1_2"],
        ),
        (
            &[&["-tls1_3"], &small[..]].concat(),
            &[&["-tls1_3"], &small[..]].concat(),
        ),
        (
            &[&["-tls1_2"], &small[..]].concat(),
            &[&["-tls1_2"], &small[..]].concat(),
        ),
    ];
    for (server, client) in suites {
        let (path, keys) = talk(&place, server, client);
        let theirs = followed(&tshark, &path, &keys);
        let ours = ["client", "server"].map(|side| {
            let with = ["follow", text(&path), "--tls-keylog", text(&keys)];
            let how = [
                "-T",
                "raw",
                "--stream",
                "0",
                "--show-passwords",
                "--from",
                side,
            ];
            let mut command = crate::inspector::command(&[&with[..], &how].concat());
            let output = command.env_remove("SSLKEYLOGFILE").output().unwrap();
            let digits = |all: String, octet: &u8| all + &format!("{octet:02x}");
            output.stdout.iter().fold(String::new(), digits)
        });
        assert_eq!(ours[0].len(), 2 * 2 * asks().len(), "{server:?}");
        assert_eq!(ours, theirs, "{server:?}");
        let found = messages(&[text(&path), "--tls-keylog", text(&keys)]);
        assert_eq!(found.len(), 8, "{server:?}");
    }
}

/// Flights of one record each, in the order in which the records ended.
fn records(flights: &Flights) -> Flights {
    let mut held = [(End::Client, Vec::new()), (End::Server, Vec::new())];
    let mut records = Flights::new();
    for (from, bytes) in flights {
        let held = &mut held[usize::from(*from == End::Server)].1;
        held.extend_from_slice(bytes);
        while let Some(length) = held.get(3..5) {
            let whole = 5 + usize::from(u16::from_be_bytes([length[0], length[1]]));
            if held.len() < whole {
                break;
            }
            records.push((*from, held.drain(..whole).collect()));
        }
    }
    assert!(held.iter().all(|(_, rest)| rest.is_empty()));
    records
}

/// Which of a login's records is the request.
fn request_in(records: &Flights) -> usize {
    let is_request = |(from, bytes): &(End, Vec<u8>)| *from == End::Client && bytes.len() == 80;
    records
        .iter()
        .rposition(is_request)
        .expect("a record of 58 bytes")
}

/// The sessions with the second one changed, and the key log.
struct Changed {
    sessions: Sessions,
    keys: String,
    /// The second session, a record a flight.
    whole: Flights,
}

impl Changed {
    fn new() -> Self {
        let sessions = Sessions::new();
        let keys = std::fs::read_to_string(sessions.all_keys()).unwrap();
        let whole = records(&sessions.flights[1]);
        Self {
            sessions,
            keys,
            whole,
        }
    }

    /// The second session's secrets.
    fn own(&self) -> String {
        String::from_utf8(self.sessions.keys(1)).unwrap()
    }

    /// Rows, and what the second stream's notes on TLS are. The other streams have to be read whole.
    #[track_caller]
    fn read(&self, flights: &Flights, keys: &str) -> Vec<String> {
        let [first, _, third] = &self.sessions.flights[..] else {
            panic!("three sessions")
        };
        let talks =
            [(0, first), (1, flights), (2, third)].map(|(n, flights)| conversation(n, flights));
        let path = self
            .sessions
            .write("changed.pcap", &capture(&talks.each_ref()));
        let log = self.sessions.write("changed.keys", keys.as_bytes());
        Self::notes(&path, &log)
    }

    #[track_caller]
    fn notes(path: &Path, log: &Path) -> Vec<String> {
        let with = [text(path), "--tls-keylog", text(log)];
        let found = said(&messages(&with));
        for others in [&SAID[..2], &SAID[4..]] {
            assert!(
                others
                    .iter()
                    .all(|one| found.iter().any(|found| found == one)),
                "{found:?}"
            );
        }
        let done = inspect(&[&["read", "-T", "json", "--frames"][..], &with].concat());
        assert_eq!(done.code, 0, "{}", done.stderr);
        let frames: Vec<serde_json::Value> = serde_json::from_str(&done.stdout).unwrap();
        let mut notes = Vec::new();
        for noted in frames
            .iter()
            .flat_map(|frame| frame["notes"].as_array().into_iter().flatten())
        {
            if noted["group"] == "decryption" {
                assert_eq!(noted["stream"], 1, "{noted}");
                notes.push(noted["text"].as_str().unwrap().to_owned());
            }
        }
        notes
    }
}

/// Every reason for which something cannot be decrypted, but for those that need other ends
/// (`tls_openssl`) or more than a login (`src/tls/tests`).
#[test]
fn what_cannot_be_decrypted_says_why_once_a_stream() {
    let changed = Changed::new();
    let whole = &changed.whole;
    let request = request_in(whole);
    let all = &changed.keys;
    let without = |label: &str| -> String {
        let own = changed.own();
        let lines = all.split_inclusive('\n');
        lines
            .filter(|line| !(own.contains(*line) && line.starts_with(label)))
            .collect()
    };
    let is = |notes: Vec<String>, expected: &str| {
        assert_eq!(notes.len(), 1, "{expected}: {notes:?}");
        assert!(notes[0].contains(expected), "{expected}: {notes:?}");
    };
    is(
        changed.read(whole, &without("")),
        "no key log has secrets for client random",
    );
    is(
        changed.read(whole, &without("SERVER_TRAFFIC")),
        "the key logs have no SERVER_TRAFFIC_SECRET_0",
    );
    is(
        changed.read(whole, &without("CLIENT_HANDSHAKE")),
        "the key logs have no CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    );
    // Another session's secrets under this one's name.
    let own = changed.own();
    let wrong = all.lines().map(|line| {
        let (before, secret) = line.rsplit_once(' ').unwrap();
        let reversed = own.contains(line).then(|| secret.chars().rev().collect());
        format!(
            "{before} {}\n",
            reversed.unwrap_or_else(|| secret.to_owned())
        )
    });
    let wrong = wrong.collect::<Vec<_>>().concat();
    is(
        changed.read(whole, &wrong),
        "the secrets in the key logs do not open this record: it was damaged",
    );
    let mut damaged = whole.clone();
    damaged[request].1[40] ^= 0x10;
    is(
        changed.read(&damaged, all),
        "the secrets in the key logs do not open this record: it was damaged, or they are wrong (frame ",
    );
    // Where others under the same secret were opened it is certain.
    let is_answer = |(from, bytes): &(End, Vec<u8>)| *from == End::Server && bytes.len() == 95;
    let answer = whole.iter().rposition(is_answer).unwrap();
    let mut damaged = whole.clone();
    damaged[answer].1[40] ^= 0x10;
    is(
        changed.read(&damaged, all),
        "its authentication tag is wrong; it was damaged or replaced (frame ",
    );
    // Something else where a record should begin.
    let mut other = whole.clone();
    other.insert(request, (End::Client, b"GET / HTTP/1.0\r\n\r\n".to_vec()));
    is(
        changed.read(&other, all),
        "no TLS record begins where one should",
    );
}

/// Of a connection of which one direction was captured, TLS 1.3's secrets open what there is.
#[test]
fn one_direction_alone() {
    let changed = Changed::new();
    let talks: Vec<_> = (0..)
        .zip(&changed.sessions.flights)
        .map(|(n, flights)| conversation(n, flights))
        .collect();
    let all = frames(&talks.iter().collect::<Vec<_>>());
    let log = changed.sessions.write("all.keys", changed.keys.as_bytes());
    // The second session's ports, by sender.
    let (server, client) = ([0x22, 0xb8, 0x4e, 0x21], [0x4e, 0x21, 0x22, 0xb8]);
    for (missing, there) in [(server, SAID[2]), (client, SAID[3])] {
        let mut frames = all.clone();
        frames.retain(|frame| frame.octets[34..38] != missing);
        let file = write_pcap(&PcapForm::usual(LinkType::ETHERNET), &frames);
        let path = changed.sessions.write("one-sided.pcap", &file);
        assert_eq!(Changed::notes(&path, &log), [""; 0]);
        let found = said(&messages(&[text(&path), "--tls-keylog", text(&log)]));
        assert!(found.iter().any(|found| found == there), "{found:?}");
    }
}

#[test]
fn lengths_that_lie_and_handshakes_that_are_cut() {
    let changed = Changed::new();
    let whole = &changed.whole;
    let request = request_in(whole);
    for length in [
        0,
        1,
        16,
        17,
        74,
        76,
        90,
        1 << 14,
        (1 << 14) + 256,
        (1 << 14) + 2048,
        (1 << 14) + 2049,
        0xffff_u16,
    ] {
        let mut lying = whole.clone();
        lying[request].1[3..5].copy_from_slice(&length.to_be_bytes());
        let notes = changed.read(&lying, &changed.keys);
        assert!(notes.len() <= 1, "{length}: {notes:?}");
    }
    // The hello messages cut off, and their lengths changed, at every few bytes.
    for (flight, (_, bytes)) in whole.iter().enumerate().take(2) {
        for at in (0..bytes.len().min(150)).step_by(7) {
            let mut cut = whole.clone();
            cut.truncate(flight + 1);
            cut[flight].1.truncate(at.max(1));
            let notes = changed.read(&cut, &changed.keys);
            assert!(notes.len() <= 1, "{flight} {at}: {notes:?}");
            let mut lying = whole.clone();
            lying[flight].1[at] ^= 0x55;
            let notes = changed.read(&lying, &changed.keys);
            assert!(notes.len() <= 1, "{flight} {at}: {notes:?}");
        }
    }
}

#[test]
fn a_capture_that_begins_amid_a_connection() {
    let sessions = Sessions::new();
    let keys = sessions.all_keys();
    let records = records(&sessions.flights[1]);
    let talk = conversation(1, &records);
    let all = frames(&[&talk]);
    let first_data = all
        .iter()
        .position(|frame| frame.octets.len() > 200)
        .unwrap();
    let request = all
        .iter()
        .rposition(|frame| frame.octets.len() == 54 + 80)
        .unwrap();
    for from in first_data + 1..=request {
        let file = write_pcap(&PcapForm::usual(LinkType::ETHERNET), &all[from..]);
        let path = sessions.write("amid.pcap", &file);
        let found = messages(&[text(&path), "--tls-keylog", text(&keys)]);
        assert_eq!(said(&found), SAID[2..4], "from frame {from}");
    }
    // With other connections' secrets alone.
    let file = write_pcap(&PcapForm::usual(LinkType::ETHERNET), &all[request..]);
    let path = sessions.write("amid.pcap", &file);
    let others = sessions.write("others", &[sessions.keys(0), sessions.keys(2)].concat());
    let rows = inspect(&["read", text(&path), "--tls-keylog", text(&others)]).stdout;
    let note = "the handshake was not captured, and no secret of the key logs fits";
    assert_eq!(rows.matches(note).count(), 1, "{rows}");
}

#[test]
fn what_stands_before_tls_and_other_ports() {
    let sessions = Sessions::new();
    let keys = sessions.all_keys();
    let login = &sessions.flights[1];
    let proxy = b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 8888\r\n".to_vec();
    let with = |before: &[(End, &[u8])]| -> Flights {
        let before = before.iter().map(|(end, bytes)| (*end, bytes.to_vec()));
        before.chain(login.clone()).collect()
    };
    let mut joined = login.clone();
    joined[0].1 = [&proxy[..], &joined[0].1].concat();
    for (what, flights) in [
        ("TLS alone", login.clone()),
        ("a PROXY header", with(&[(End::Client, &proxy)])),
        ("a PROXY header in the same segment", joined),
        (
            "plain text first",
            with(&[
                (End::Server, b"220 ready\r\n"),
                (End::Client, b"STARTTLS\r\n"),
                (End::Server, b"220 go ahead\r\n"),
            ]),
        ),
    ] {
        // A stream that is something else is not looked at further on ports that nobody watches.
        let others = [443, 9999]
            .into_iter()
            .filter(|_| what != "plain text first");
        for port in others.chain([8888]) {
            let talk = conversation_on(port, 1, &flights);
            let path = sessions.write("before.pcap", &capture(&[&talk]));
            let found = messages(&[text(&path), "--tls-keylog", text(&keys)]);
            assert_eq!(said(&found), SAID[2..4], "{what}, port {port}");
        }
    }
}

#[test]
fn decrypted_messages_are_filtered_counted_followed_and_annotated() {
    let sessions = Sessions::new();
    let (capture, keys) = (sessions.capture(), sessions.all_keys());
    let with = [text(&capture), "--tls-keylog", text(&keys)];
    let run = |arguments: &[&str]| {
        let done = inspect(&[arguments, &with].concat());
        assert_eq!(done.code, 0, "{arguments:?}: {}", done.stderr);
        done.stdout
    };
    for (filter, frames) in [
        ("reglogin.username == \"alice\"", 3),
        ("reglogin.status == 0", 1),
        ("reglogin && tls.record.opaque_type == 23", 6),
        ("reglogin.request && reglogin.response_in", 3),
        (
            "tls.handshake.type == 1 && tls.handshake.extensions_server_name",
            0,
        ),
        (
            "tls.handshake.ciphersuite == 0x1302 && tls.handshake.type == 2",
            3,
        ),
    ] {
        let done = inspect(
            &[
                &["read", "-T", "fields", "-e", "frame.number", "-Y", filter][..],
                &with,
            ]
            .concat(),
        );
        assert_eq!(
            done.stdout.lines().count(),
            frames,
            "{filter}: {} {}",
            done.stdout,
            done.stderr
        );
    }
    let stats: serde_json::Value = serde_json::from_str(&run(&["stats", "-T", "json"])).unwrap();
    let words = stats.to_string();
    assert!(words.contains("alice"), "{words}");
    let talk = run(&["follow", "--user", "alice"]);
    assert!(talk.contains("alice") && !talk.contains("secret"), "{talk}");
    let ladder = run(&["follow", "--stream", "1", "--ladder"]);
    assert!(ladder.contains("login successful"), "{ladder}");
    // Comments say in an encrypted file what its messages are; its bytes stay encrypted.
    let saved = sessions.path("annotated.pcapng");
    run(&["read", "-q", "--annotate", "-w", text(&saved)]);
    let file = std::fs::read(&saved).unwrap();
    let has = |words: &[u8]| memchr::memmem::find(&file, words).is_some();
    assert!(has(b"Login response, failure: wrong password"));
    assert!(!has(b"secret") && !has(b"TRAFFIC_SECRET"));
    let mut by_stream = BTreeMap::<u64, usize>::new();
    for message in messages(&with) {
        *by_stream
            .entry(message["stream"].as_u64().unwrap())
            .or_default() += 1;
    }
    assert_eq!(by_stream.into_values().collect::<Vec<_>>(), [2, 2, 2]);
}
