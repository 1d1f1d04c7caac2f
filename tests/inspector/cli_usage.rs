//! Help, completions and usage errors.

use crate::inspector::{authscope, capture};

#[test]
fn every_command_has_help_with_examples() {
    for command in [
        "read",
        "live",
        "stats",
        "report",
        "interfaces",
        "completions",
    ] {
        let done = authscope(&[command, "--help"]);
        assert_eq!(done.code, 0);
        assert!(done.stdout.contains("Example"), "{}", done.stdout);
        assert!(
            done.stdout.contains(&format!("authscope {command}")),
            "{}",
            done.stdout
        );
    }
}

#[test]
fn wrong_usage_is_told_on_standard_error_with_exit_2() {
    let lab = capture("lab-report.pcap");
    for arguments in [
        &[][..],
        &["read"],
        &["read", "--max-buffer", "1x", &lab],
        &["read", "-T", "xml", &lab],
        &["read", "--messages", "--frames", &lab],
        &["read", "-p", "65536", &lab],
        &["live", "-s", "0"],
        &["live", "-B", "0"],
        &["live", "-B", "2048"],
        &["live", "-B", "1.5"],
        &["live", "--buffer-size", "4M"],
    ] {
        let done = authscope(arguments);
        assert_eq!((done.code, done.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(!done.stderr.is_empty());
    }
}

#[test]
fn colours_are_there_only_when_asked_for_or_on_a_terminal() {
    let lab = capture("lab-report.pcap");
    for (arguments, colored) in [
        (&["read", &lab][..], false),
        (&["read", "--color", "never", &lab], false),
        (&["read", "--color", "always", &lab], true),
        (&["read", "--color", "always", "-V", &lab], true),
    ] {
        let done = authscope(arguments);
        assert_eq!(done.stdout.contains('\u{1b}'), colored, "{arguments:?}");
    }
}

#[test]
fn each_time_format_is_shown() {
    for (format, expected) in [
        ("relative", "0.000300"),
        ("delta", "0.000100"),
        ("utc", "2024-01-15 10:00:00.000300Z"),
        ("absolute", "2024-01-15 10:00:00.000300"),
        ("epoch", "1705312800.000300"),
    ] {
        let lab = capture("lab-report.pcap");
        let done = authscope(&["read", "--messages", "-c", "4", "--time", format, &lab]);
        let row = done.stdout.lines().nth(1).unwrap();
        assert!(row.contains(&format!(" {expected} ")), "{row}");
    }
}
