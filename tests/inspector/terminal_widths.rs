//! Rows fit terminals of 60 columns and more, and no word is broken.

use crate::inspector::{capture, shown_in};

const CAPTURES: [&str; 6] = [
    "lab-report.pcap",
    "recorded-ipv6.pcapng",
    "link-ethernet-ipv6.pcap",
    "rst-wrong-checksum.pcap",
    "tunnel-in-fragments.pcap",
    "wrong-description-octets-after-nul.pcap",
];

const COMMANDS: [&[&str]; 9] = [
    &["read"],
    &["read", "-t", "absolute"],
    &["read", "--messages"],
    &["read", "--exchanges"],
    &["read", "-V"],
    &["read", "--explain"],
    &["follow"],
    &["stats"],
    &["fields", "reglogin"],
];

#[test]
fn no_line_is_wider_than_the_terminal() {
    for name in CAPTURES {
        let file = capture(name);
        for columns in [60, 80, 100, 200] {
            for command in COMMANDS {
                let mut arguments = command.to_vec();
                if command[0] != "fields" {
                    arguments.push(&file);
                }
                let lines = shown_in(columns, &arguments);
                assert!(!lines.is_empty(), "{arguments:?} shows nothing");
                let widest = lines.iter().map(|line| line.chars().count()).max();
                assert!(
                    widest <= Some(columns.into()),
                    "{arguments:?} has {widest:?} of {columns} columns:\n{}",
                    lines.join("\n")
                );
            }
        }
    }
}

#[test]
fn every_word_is_whole_at_every_width() {
    let file = capture("lab-report.pcap");
    let words = |columns: u16, command: &str| {
        let lines = shown_in(columns, &["read", command, &file]);
        let text = lines.join(" ");
        let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        words.sort();
        words.dedup();
        words
    };
    for command in ["--messages", "--exchanges"] {
        let all = words(200, command);
        for columns in [60, 80, 100] {
            for word in words(columns, command) {
                // Where there is little room a client stands without its port.
                let is_whole = all.contains(&word)
                    || all.iter().any(|one| one.starts_with(&format!("{word}:")));
                assert!(is_whole, "{word:?} at {columns} columns");
            }
        }
    }
}

#[test]
fn a_row_has_two_lines_below_80_columns() {
    let file = capture("lab-report.pcap");
    let shown = shown_in(60, &["read", "--exchanges", &file]);
    assert!(
        shown[2].contains("registration") && !shown[2].contains("success"),
        "{shown:?}"
    );
    assert!(shown[3].starts_with("        success: "), "{shown:?}");
    let shown = shown_in(100, &["read", "--exchanges", &file]);
    assert!(
        shown[1].contains("registration") && shown[1].contains("success"),
        "{shown:?}"
    );
}

#[test]
fn long_addresses_lose_their_middle_where_there_is_little_room() {
    let file = capture("link-ethernet-ipv6.pcap");
    let narrow = shown_in(80, &["read", &file]).join("\n");
    let wide = shown_in(200, &["read", &file]).join("\n");
    assert!(!wide.contains('…'), "{wide}");
    let source = |text: &str| {
        text.lines()
            .nth(1)
            .and_then(|line| line.split_whitespace().nth(2))
            .map(str::to_owned)
    };
    let (short, whole) = (source(&narrow).unwrap(), source(&wide).unwrap());
    let (head, tail) = short.split_once('…').unwrap_or((&short, ""));
    assert!(
        whole.starts_with(head) && whole.ends_with(tail),
        "{short} of {whole}"
    );
    assert!(short.chars().count() <= 15, "{short}");
}
