//! The table and the messages of every saved capture are those that were reviewed against captures/README.md.

use crate::inspector::{authscope, capture, captures};

#[test]
fn every_capture_reads_as_it_was_reviewed() {
    let mut differ = Vec::new();
    for name in captures() {
        let path = capture(&name);
        let table = authscope(&["read", &path]);
        let messages = authscope(&["read", "-T", "jsonl", &path]);
        assert_eq!(messages.code, table.code, "{name}");
        // Where no row is a message's, that is said of the messages alone.
        let said = if messages.stderr == table.stderr {
            ""
        } else {
            &messages.stderr
        };
        let text = format!(
            "exit code {}\n{}{}\n{said}{}",
            table.code, table.stderr, table.stdout, messages.stdout
        );
        // Every difference is shown, not only the first.
        let same = std::panic::catch_unwind(|| insta::assert_snapshot!(name.as_str(), text));
        differ.extend(same.is_err().then_some(name));
    }
    assert!(differ.is_empty(), "these read differently: {differ:?}");
}
