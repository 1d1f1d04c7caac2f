//! Wireshark with the plugin shows the same as Authscope, and where there is no RegLogin, the same as without the
//! plugin.

use std::path::Path;

use crate::otherwise::{Check, left_out};
use crate::tshark::{TWO_PASSES, Tshark, captures, in_parallel};
use serde_json::Value;

/// What `authscope read -T json` says of a capture, as far as the plugin says it too.
pub fn messages(path: &Path, more: &[&str]) -> Vec<Value> {
    let out = std::process::Command::new(env!("CARGO_BIN_EXE_authscope"))
        .args(["read", "-T", "json"])
        .args(more)
        .arg(path)
        .output()
        .expect("authscope runs");
    let mut messages: Vec<Value> = serde_json::from_slice(&out.stdout).expect("JSON");
    for message in &mut messages {
        let fields = message.as_object_mut().expect("an object");
        // Addresses and times are Wireshark's own to show; bytes in hex are in its bytes pane. What a response
        // answers is a link in the plugin.
        for key in [
            "time",
            "src",
            "dst",
            "protocol",
            "response_time",
            "username_hex",
            "password_hex",
            "description_hex",
            "user",
            "action",
        ] {
            fields.remove(key);
        }
        if fields.get("type").is_some_and(|name| name == "unknown") {
            fields.remove("type");
        }
    }
    messages
}

/// What the plugin says of a capture, as far as Authscope says it too.
pub fn of_plugin(tshark: &Tshark, path: &Path, more: &[&str]) -> Vec<Value> {
    let mut found = tshark.messages(path, more);
    // What tshark says beside the messages: notes on the stream.
    found.retain(|message| message.get("from").is_some());
    for message in &mut found {
        let fields = message.as_object_mut().expect("an object");
        for key in ["time", "fragment", "outcome", "request", "response"] {
            fields.remove(key);
        }
    }
    found
}

/// Messages in one order, with notes in one order.
pub fn sorted(mut messages: Vec<Value>) -> Vec<Value> {
    for message in &mut messages {
        if let Some(notes) = message["notes"].as_array_mut() {
            notes.sort_by_key(ToString::to_string);
        }
    }
    messages.sort_by_key(|message| (message["frame"].as_u64(), message.to_string()));
    messages
}

#[test]
fn the_plugin_and_authscope_agree_on_every_stored_capture() {
    let Some(tshark) = Tshark::find() else { return };
    // What may be part of a password is hidden by both or shown by both.
    let shown = ["-o", "reglogin.hide_passwords:FALSE"];
    let modes: [(&[&str], Vec<&str>); 2] = [
        (&[], TWO_PASSES.to_vec()),
        (&["--show-passwords"], [&TWO_PASSES[..], &shown].concat()),
    ];
    // Where nothing but the password is hidden, one look is enough.
    let without_password = |path: &Path, more: &[&str]| {
        let mut all = messages(path, more);
        for message in &mut all {
            message
                .as_object_mut()
                .expect("an object")
                .remove("password");
        }
        all
    };
    let runs: Vec<_> = captures()
        .into_iter()
        .flat_map(|capture| {
            let path = &capture.1;
            let alike =
                without_password(path, &[]) == without_password(path, &["--show-passwords"]);
            let modes = if alike { &modes[..1] } else { &modes[..] };
            modes.iter().map(move |mode| (capture.clone(), mode))
        })
        .collect();
    let differences = in_parallel(&runs, |((name, path), (asked, wireshark))| {
        let expected = messages(path, asked);
        let mut found = of_plugin(&tshark, path, wireshark);
        let mut expected = expected;
        let skipped = left_out(Check::Messages, name);
        let differs = sorted(expected.clone()) != sorted(found.clone());
        if skipped.contains(&"*") {
            return (!differs).then(|| format!("{name} does not differ"));
        }
        for message in expected.iter_mut().chain(&mut found) {
            for field in skipped {
                message[*field] = Value::Null;
            }
        }
        let (expected_messages, found) = (sorted(expected), sorted(found));
        if !skipped.is_empty() && !differs {
            return Some(format!("{name} does not differ"));
        }
        if expected_messages != found {
            return Some(format!(
                "== {name} {asked:?}\nauthscope: {expected_messages:#?}\nplugin: {found:#?}"
            ));
        }
        None
    });
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn capture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("captures")
        .join(name)
}

/// Protocol and info of each frame that has data.
const LIST: [&str; 10] = [
    "-Y",
    "tcp.len > 0",
    "-T",
    "fields",
    "-e",
    "frame.number",
    "-e",
    "_ws.col.Protocol",
    "-e",
    "_ws.col.Info",
];

#[test]
fn the_plugin_cures_what_the_lab_report_saw() {
    let Some(tshark) = Tshark::find() else { return };
    let lab = capture("lab-report.pcap");
    assert_eq!(
        tshark.plain(&lab, &LIST),
        "4\tSMPP\tBind_receiver[Malformed Packet]\n\
         6\tSMPP\tBind_transmitter\n\
         15\tSMPP\tQuery_sm[Malformed Packet]\n\
         17\tSMPP\tSubmit_sm[Malformed Packet]\n"
    );
    assert_eq!(
        tshark.with_plugin(&lab, &LIST),
        "4\tRegLogin\tRegistration request, user user0000000000000000 [Assumption: the user name looks filled up with '0', 0x30: fill with NUL, or its value is all 20 bytes] [Assumption: the password looks filled up with '0', 0x30: fill with NUL, or its value is all 30 bytes]\n\
         6\tRegLogin\tRegistration response, success: Registration successful\n\
         15\tRegLogin\tLogin request, user user0000000000000000 [Assumption: the user name looks filled up with '0', 0x30: fill with NUL, or its value is all 20 bytes] [Assumption: the password looks filled up with '0', 0x30: fill with NUL, or its value is all 30 bytes]\n\
         17\tRegLogin\tLogin response, success: Login successful\n"
    );
}

#[test]
fn on_smpp_the_plugin_changes_nothing() {
    let Some(tshark) = Tshark::find() else { return };
    let smpp: Vec<_> = captures()
        .into_iter()
        .filter(|(name, _)| name.contains("smpp"))
        .collect();
    assert!(smpp.len() >= 3, "captures of SMPP: {}", smpp.len());
    let passes: [&[&str]; 4] = [
        &["-V"],
        &["-V", "-2"],
        &["-V", "-o", "tcp.try_heuristic_first:TRUE"],
        &["-V", "-2", "-o", "tcp.reassemble_out_of_order:TRUE"],
    ];
    for (name, path) in smpp {
        for arguments in passes {
            let without = tshark.plain(&path, arguments);
            assert!(without.contains("Short Message Peer to Peer"), "{name}");
            assert!(
                without == tshark.with_plugin(&path, arguments),
                "{name} {arguments:?}"
            );
        }
        // In JSON and PDML only, the plugin shows: Wireshark marks each frame that a Lua dissector
        // looked at with a hidden item of no meaning, `_ws.lua.fake`.
        let fields = [
            "-T",
            "fields",
            "-e",
            "frame.protocols",
            "-e",
            "smpp.command_id",
            "-e",
            "_ws.col.Info",
        ];
        assert_eq!(
            tshark.plain(&path, &fields),
            tshark.with_plugin(&path, &fields),
            "{name}"
        );
    }
}

#[test]
fn reglogin_is_found_on_any_port_whatever_is_tried_first() {
    let Some(tshark) = Tshark::find() else { return };
    for port in ["443", "2775", "5555"] {
        let path = capture(&format!("reglogin-on-port-{port}.pcap"));
        for first in ["TRUE", "FALSE"] {
            let option = format!("tcp.try_heuristic_first:{first}");
            for passes in [&["-o", &option][..], &["-2", "-o", &option]] {
                assert_eq!(
                    tshark.with_plugin(&path, &[passes, &LIST[..]].concat()),
                    "4\tRegLogin\tRegistration request, user alice\n\
                     6\tRegLogin\tRegistration response, success: user alice is registered\n",
                    "port {port}, {passes:?}"
                );
            }
        }
    }
}

#[test]
fn preferences_name_ports_and_hide_passwords() {
    let Some(tshark) = Tshark::find() else { return };
    // A stream that begins with a wrong message is recognised on an expected port only.
    let path = capture("layout-little-endian.pcap");
    let without_port = ["-o", "reglogin.ports:9000-9001,7000"];
    assert_eq!(tshark.messages(&path, &without_port).len(), 0);
    let with_port = ["-o", "reglogin.ports:9000-9001,8888"];
    assert_eq!(tshark.messages(&path, &with_port).len(), 4);

    let path = capture("lab-report.pcap");
    let passwords = |more: &[&str]| {
        let fields = [
            "-Y",
            "reglogin.password",
            "-T",
            "fields",
            "-e",
            "reglogin.password",
        ];
        tshark.with_plugin(&path, &[more, &fields].concat())
    };
    assert_eq!(passwords(&[]), "********\n********\n");
    let shown = passwords(&["-o", "reglogin.hide_passwords:FALSE"]);
    assert!(shown.starts_with("password0000"));
}

#[test]
fn an_installed_plugin_is_found_by_tshark() {
    let Some(tshark) = Tshark::find() else { return };
    let authscope = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_authscope"));
        command
            .env("HOME", tshark.home())
            .env_remove("XDG_CONFIG_HOME");
        let out = command.args(arguments).output().expect("authscope runs");
        (
            out.status.code(),
            String::from_utf8_lossy(&out.stdout).into_owned(),
        )
    };
    let list = || tshark.ask(&capture("lab-report.pcap"), &LIST, None);
    let (code, said) = authscope(&["wireshark", "plugin", "--install"]);
    assert_eq!(code, Some(0));
    assert!(said.starts_with("installed /"), "{said}");
    assert!(list().contains("RegLogin"), "{}", list());
    let (code, said) = authscope(&["wireshark", "plugin", "--uninstall"]);
    assert_eq!(code, Some(0));
    assert!(said.starts_with("removed /"), "{said}");
    assert!(list().contains("SMPP"), "{}", list());
}
