//! `authscope read -V` and `-x`: everything about a message, down to its bytes.

use crate::inspector::{authscope, capture, captures};

fn shown(arguments: &[&str], name: &str) -> String {
    let done = authscope(&[&["read"], arguments, &[&capture(name)]].concat());
    assert_eq!((done.code, done.stderr.as_str()), (0, ""));
    done.stdout
}

#[test]
fn the_tree_goes_from_the_frame_to_each_field_and_its_octets() {
    insta::assert_snapshot!(shown(&["-Vx", "-c", "6"], "lab-report.pcap"));
}

#[test]
fn a_message_from_several_frames_lists_them() {
    insta::assert_snapshot!(shown(&["-Vx", "-c", "5"], "tcp-cut-anywhere.pcap"));
}

#[test]
fn a_datagram_from_fragments_is_shown_whole() {
    insta::assert_snapshot!(shown(&["-Vx", "-c", "6"], "ipv4-fragments.pcap"));
}

#[test]
fn what_is_cut_off_is_shown_as_far_as_it_goes() {
    insta::assert_snapshot!(shown(&["-Vx"], "tcp-reset-in-message.pcap"));
}

#[test]
fn octets_in_frames_of_their_own() {
    insta::assert_snapshot!(shown(&["-x"], "tcp-pipelined.pcap"));
}

/// The passwords of every capture; each stands in clear on the wire.
fn passwords() -> Vec<String> {
    let mut found = Vec::new();
    for name in captures() {
        let done = authscope(&["read", "-T", "jsonl", "--show-passwords", &capture(&name)]);
        for line in done.stdout.lines() {
            let message: serde_json::Value = serde_json::from_str(line).unwrap();
            if let Some(password) = message["password"].as_str() {
                // A part of it is no secret where other text may hold it too.
                if password.len() >= 8 && password.is_ascii() {
                    found.push(password.to_owned());
                }
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

#[test]
fn no_password_is_in_any_output_unless_it_is_asked_for() {
    let passwords = passwords();
    assert!(passwords.len() > 5, "{passwords:?}");
    let hex = |password: &String| {
        let digits = password.bytes().map(|octet| format!("{octet:02x}"));
        digits.collect::<String>()
    };
    for name in captures() {
        for arguments in [
            &["-T", "table", "--all"][..],
            &["-T", "jsonl", "--frames", "--payload"],
            &["-Vx", "--frames"],
            &["-T", "pdml"],
        ] {
            let done = authscope(&[&["read"], arguments, &[&capture(&name)]].concat());
            // Bytes of a dump stand in lines of sixteen, with their text in a column.
            let text: String = done
                .stdout
                .lines()
                .map(|line| line.get(56..).unwrap_or_default())
                .collect();
            let octets: String = done
                .stdout
                .lines()
                .filter_map(|line| line.get(6..54))
                .flat_map(str::chars)
                .filter(char::is_ascii_hexdigit)
                .collect();
            for password in &passwords {
                let clear = [password.clone(), hex(password)];
                for shown in [&done.stdout, &text, &octets] {
                    for form in &clear {
                        assert!(
                            memchr::memmem::find(shown.as_bytes(), form.as_bytes()).is_none(),
                            "{name} {arguments:?} {form}"
                        );
                    }
                }
            }
        }
    }
}
