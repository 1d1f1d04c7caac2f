//! TLS sessions of the server and the client are read like plain ones, and as tshark reads them with the same secrets.

use std::path::Path;

use authscope::capture::LinkType;

use crate::inspector::command;
use crate::tls::{SAID, Sessions, inspect, messages, said, text};
use crate::tshark::Tshark;
use crate::wire::frames;

/// Frame, stream and text of each message that tshark finds with the plugin and these secrets.
fn of_tshark(tshark: &Tshark, capture: &Path, keys: Option<&Path>) -> Vec<String> {
    let mut command = tshark.command();
    command.args(["-2", "-r", text(capture)]);
    if let Some(keys) = keys {
        command.args(["-o", &format!("tls.keylog_file:{}", text(keys))]);
    }
    command.args([
        "-T",
        "fields",
        "-Y",
        "data",
        "-e",
        "frame.number",
        "-e",
        "data.data",
    ]);
    let output = command.output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(ToOwned::to_owned).collect()
}

#[test]
fn what_was_said_is_read_in_every_form() {
    let sessions = Sessions::new();
    let (capture, keys) = (sessions.capture(), sessions.all_keys());
    let with = [text(&capture), "--tls-keylog", text(&keys)];
    assert_eq!(said(&messages(&with)), SAID);
    let run = |arguments: &[&str]| {
        let done = inspect(&[arguments, &with].concat());
        assert_eq!((done.code, done.stderr.as_str()), (0, ""), "{arguments:?}");
        done.stdout
    };
    let rows = run(&["read"]);
    for row in [
        "  Client Hello\n",
        "Server Hello, Change Cipher Spec, Encrypted Extensions, Certificate, Certificate Verify, Finished\n",
        "Login response, user alice, failure: wrong password\n",
        "  Alert (Close Notify)\n",
    ] {
        assert!(rows.contains(row), "{row}\n{rows}");
    }
    let details = run(&["read", "-V"]);
    for line in [
        "TLS 1.3, Application Data (decrypted)",
        "Connection: TLS 1.3, session not resumed",
        "  Cipher suite: TLS_AES_256_GCM_SHA384 (0x1302)",
        "Decrypted; bytes are counted in the message",
        "28-57       Password: ********",
    ] {
        assert!(details.contains(line), "{line}\n{details}");
    }
    let octets = run(&["read", "-x", "--messages"]);
    assert!(
        octets.contains("Message (58 bytes, decrypted):\n0000 [00 00 00 3a"),
        "{octets}"
    );
    let stats = run(&["stats"]);
    assert!(stats.contains("Login request              2"), "{stats}");
    let talk = run(&["follow", "--stream", "2"]);
    assert!(talk.contains("wrong password"), "{talk}");
    for output in [rows, details, octets, stats, talk] {
        assert!(!output.contains("secret"), "{output}");
    }
    // The environment names a key log where no option does, and that is said.
    let mut command = command(&["read", "-T", "jsonl", "--show-passwords", text(&capture)]);
    let output = command.env("SSLKEYLOGFILE", &keys).output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    assert_eq!(lines.lines().count(), SAID.len());
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains("which SSLKEYLOGFILE names"), "{words}");
    // One that is not there is an error, by its name.
    let done = inspect(&["read", text(&capture), "--tls-keylog", "/nonexistent/keys"]);
    assert_eq!(done.code, 2);
    assert!(
        done.stderr.contains("cannot read \"/nonexistent/keys\""),
        "{}",
        done.stderr
    );
}

#[test]
fn without_secrets_it_reads_as_before() {
    let sessions = Sessions::new();
    let capture = sessions.capture();
    let done = inspect(&["read", text(&capture), "--messages"]);
    assert_eq!(done.stdout, "");
    assert!(done.stderr.contains("no RegLogin here"), "{}", done.stderr);
    let rows = inspect(&["read", text(&capture)]).stdout;
    assert!(rows.contains("Client Hello"), "{rows}");
    assert!(!rows.contains("decrypted"), "{rows}");
}

#[test]
fn secrets_of_one_connection_of_three() {
    let sessions = Sessions::new();
    let (capture, keys) = (sessions.capture(), sessions.write("one", &sessions.keys(1)));
    let with = [text(&capture), "--tls-keylog", text(&keys)];
    assert_eq!(said(&messages(&with)), SAID[2..4]);
    let rows = inspect(&[&["read"][..], &with].concat()).stdout;
    let note = "not decrypted: no key log has secrets for client random";
    assert_eq!(rows.matches(note).count(), 2, "{rows}");
}

#[test]
fn secrets_in_the_capture_wherever_they_stand() {
    let sessions = Sessions::new();
    let keys = [sessions.keys(0), sessions.keys(1), sessions.keys(2)].concat();
    for [front, amid, behind] in [
        [&keys[..], b"", b""],
        [b"", &keys[..], b""],
        [b"", b"", &keys[..]],
        [&sessions.keys(2)[..], &sessions.keys(0), &sessions.keys(1)],
    ] {
        let capture = sessions.pcapng(front, amid, behind);
        let found = messages(&[text(&capture)]);
        let mut said = said(&found);
        let mut expected = SAID.map(ToOwned::to_owned);
        // What was decrypted late comes late.
        said.sort();
        expected.sort();
        assert_eq!(said, expected);
        let file = std::fs::read(&capture).unwrap();
        // The same from a pipe, where nothing is known ahead.
        let mut child = command(&["read", "-T", "jsonl", "-"])
            .env_remove("SSLKEYLOGFILE")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), &file).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 6);
    }
}

#[test]
fn segments_reordered_lost_and_sent_again() {
    let sessions = Sessions::new();
    let keys = sessions.all_keys();
    let talks = sessions.talks();
    let frames = frames(&[&talks[1]]);
    let data: Vec<_> = (0..frames.len())
        .filter(|at| frames[*at].octets.len() > 80)
        .collect();
    let save = |frames: &[authscope::synth::Frame]| {
        let form = authscope::synth::PcapForm::usual(LinkType::ETHERNET);
        let file = authscope::synth::write_pcap(&form, frames);
        sessions.write("changed.pcap", &file)
    };
    // Any two neighbours swapped, and any frame twice.
    for at in 0..frames.len() - 1 {
        let mut changed = frames.clone();
        let time = changed[at].time;
        changed.swap(at, at + 1);
        changed[at + 1].time = changed[at].time;
        changed[at].time = time;
        changed.insert(at, changed[at].clone());
        let path = save(&changed);
        let found = messages(&[text(&path), "--tls-keylog", text(&keys)]);
        assert_eq!(said(&found), SAID[2..4], "{at}");
    }
    // Any frame with data lost: what others carried is read.
    for at in &data {
        let mut changed = frames.clone();
        changed.remove(*at);
        let path = save(&changed);
        let found = messages(&[text(&path), "--tls-keylog", text(&keys)]);
        assert!(!found.is_empty(), "frame {at}");
    }
}

#[test]
fn tshark_decrypts_the_same_bytes() {
    let Some(tshark) = Tshark::find() else { return };
    let sessions = Sessions::new();
    let (capture, keys) = (sessions.capture(), sessions.all_keys());
    let mut expected: Vec<String> = Vec::new();
    for message in messages(&[text(&capture), "--tls-keylog", text(&keys)]) {
        let mut octets = vec![0, 0, 0, message["length"].as_u64().unwrap() as u8, 0, 0, 0];
        octets.push(message["command"].as_u64().unwrap() as u8);
        let words = |name: &str| {
            message[name]
                .as_str()
                .unwrap_or_default()
                .as_bytes()
                .to_vec()
        };
        if octets[3] == 58 {
            octets.extend(words("username"));
            octets.resize(28, 0);
            octets.extend(words("password"));
        } else {
            octets.push(message["status"].as_u64().unwrap() as u8);
            octets.extend(words("description"));
        }
        octets.resize(octets[3].into(), 0);
        let hex: String = octets
            .iter()
            .fold(String::new(), |all, octet| all + &format!("{octet:02x}"));
        expected.push(format!("{}\t{hex}", message["frame"]));
    }
    assert_eq!(of_tshark(&tshark, &capture, Some(&keys)), expected);
    // What is saved with its secrets, Wireshark reads without others; only those are in it.
    let saved = sessions.path("saved.pcapng");
    let only = [
        "--only",
        "tcp.stream == 1",
        "--embed-keys",
        "-q",
        "-w",
        text(&saved),
    ];
    let with = ["read", text(&capture), "--tls-keylog", text(&keys)];
    let done = inspect(&[&with[..], &only].concat());
    assert_eq!((done.code, done.stderr.as_str()), (0, ""));
    let found: Vec<_> = of_tshark(&tshark, &saved, None)
        .iter()
        .map(|line| line.split_once('\t').unwrap().1.to_owned())
        .collect();
    let second: Vec<_> = expected[2..4]
        .iter()
        .map(|line| line.split_once('\t').unwrap().1.to_owned())
        .collect();
    assert_eq!(found, second);
    let file = std::fs::read(&saved).unwrap();
    let lines = |keys: &[u8]| {
        let text = String::from_utf8(keys.to_vec()).unwrap();
        let protects = |line: &&str| line.contains("TRAFFIC_SECRET");
        text.lines()
            .filter(protects)
            .map(ToOwned::to_owned)
            .collect::<Vec<_>>()
    };
    let holds = |line: &String| memchr::memmem::find(&file, line.as_bytes()).is_some();
    assert!(lines(&sessions.keys(1)).iter().all(holds));
    assert!(!lines(&sessions.keys(0)).iter().any(holds));
    // Ours reads it again.
    assert_eq!(said(&messages(&[text(&saved)])), SAID[2..4]);
}

#[test]
fn fields_are_those_of_tshark() {
    let Some(tshark) = Tshark::find() else { return };
    let sessions = Sessions::new();
    let (capture, keys) = (sessions.capture(), sessions.all_keys());
    let fields = [
        "frame.number",
        "tls.record.content_type",
        "tls.record.opaque_type",
        "tls.record.version",
        "tls.record.length",
        "tls.handshake.type",
        "tls.handshake.version",
        "tls.handshake.ciphersuite",
        "tls.handshake.extensions.supported_version",
        "tls.handshake.extensions_server_name",
        "tls.alert_message.level",
        "tls.alert_message.desc",
    ];
    let asked: Vec<_> = fields.iter().flat_map(|field| ["-e", field]).collect();
    for with_keys in [true, false] {
        let mut command = tshark.command();
        command.args(["-2", "-r", text(&capture), "-T", "fields", "-Y", "tls"]);
        if with_keys {
            command.args(["-o", &format!("tls.keylog_file:{}", text(&keys))]);
        }
        let output = command.args(&asked).output().unwrap();
        let theirs = String::from_utf8(output.stdout).unwrap();
        let mut arguments = vec![
            "read",
            text(&capture),
            "-T",
            "fields",
            "-Y",
            "tls.record.length",
        ];
        if with_keys {
            arguments.extend(["--tls-keylog", text(&keys)]);
        }
        arguments.extend(&asked);
        let ours = inspect(&arguments).stdout;
        assert_eq!(ours, theirs, "with keys: {with_keys}");
    }
}

#[test]
fn a_redacted_capture_stays_encrypted_and_has_no_secrets() {
    let sessions = Sessions::new();
    let keys = [sessions.keys(0), sessions.keys(1), sessions.keys(2)].concat();
    let capture = sessions.pcapng(&keys, b"", b"");
    let saved = sessions.path("redacted.pcapng");
    let done = inspect(&["read", text(&capture), "-q", "--redact", "-w", text(&saved)]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(
        done.stderr
            .contains("TLS secrets in the capture were left out"),
        "{}",
        done.stderr
    );
    let file = std::fs::read(&saved).unwrap();
    assert!(memchr::memmem::find(&file, b"TRAFFIC_SECRET").is_none());
    // With the secrets at hand it is what it was.
    let log = sessions.write("keys", &keys);
    let found = messages(&[text(&saved), "--tls-keylog", text(&log)]);
    assert_eq!(said(&found), SAID);
    let done = inspect(&[
        "read",
        text(&capture),
        "--redact",
        "--embed-keys",
        "-w",
        text(&saved),
    ]);
    assert_eq!(done.code, 2);
}
