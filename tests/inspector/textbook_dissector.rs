//! The number of stored captures that a textbook Lua dissector gets wrong is the one in README and the one that `make
//! textbook` counts.

use std::path::Path;
use std::process::Command;

use crate::inspector::{authscope, capture, captures};
use crate::tshark::Tshark;

const SCRIPT: &str = "tools/textbook.lua";

/// Lines without how control characters are written.
fn plain(text: &str) -> String {
    let escape = regex::Regex::new(r"\\u\{[0-9a-f]+\}|\\[nrt]|[[:cntrl:]]").expect("a pattern");
    let lines = text.trim_end().lines();
    let plain: Vec<_> = lines.map(|line| escape.replace_all(line, "?")).collect();
    plain.join("\n")
}

/// Whether the dissector shows other messages of a capture than are there.
fn is_wrong(tshark: &Tshark, path: &str) -> bool {
    let fields = |protocol: &str| {
        let names = ["command", "username", "status"].map(|name| format!("{protocol}.{name}"));
        let mut arguments: Vec<String> =
            ["-T", "fields", "-E", "separator=|", "-e", "frame.number"]
                .map(str::to_owned)
                .into();
        arguments.extend(
            names
                .iter()
                .flat_map(|name| ["-e".to_owned(), name.clone()]),
        );
        arguments.extend(["-Y".to_owned(), names[0].clone()]);
        arguments
    };
    let (theirs, ours) = (fields("textbook"), fields("reglogin"));
    let theirs: Vec<&str> = theirs.iter().map(String::as_str).collect();
    let theirs = tshark.with_script(Path::new(path), &theirs, Path::new(SCRIPT));
    let ours: Vec<&str> = ours.iter().map(String::as_str).collect();
    let ours = authscope(&[&["read", path, "--show-passwords"], &ours[..]].concat());
    plain(&theirs) != plain(&ours.stdout)
}

#[test]
fn readme_says_how_many_captures_it_gets_wrong() {
    let Some(tshark) = Tshark::find() else {
        return;
    };
    let all = captures();
    let (even, odd): (Vec<_>, Vec<_>) = (0..).zip(&all).partition(|(index, _)| index % 2 == 0);
    let count = |some: &[(usize, &String)]| {
        let wrong = some
            .iter()
            .filter(|(_, name)| is_wrong(&tshark, &capture(name)));
        wrong.count()
    };
    let wrong = std::thread::scope(|scope| {
        let other = scope.spawn(|| count(&even));
        count(&odd) + other.join().expect("no panic")
    });
    let readme = std::fs::read_to_string("README.md").expect("it is there");
    let words = readme.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = format!("in {wrong} of the {} captures in `captures/`", all.len());
    assert!(words.contains(&said), "README does not say: {said}");
}

#[test]
fn the_command_counts_likewise() {
    let Some(tshark) = Tshark::find() else {
        return;
    };
    let some = [
        "lab-report.pcap",
        "tcp-pipelined.pcap",
        "wrong-text-control-characters.pcap",
        "recorded-tls.pcapng",
    ]
    .map(capture);
    let done = Command::new("tools/textbook.sh")
        .args(&some)
        .env("AUTHSCOPE", env!("CARGO_BIN_EXE_authscope"))
        .output()
        .expect("it runs");
    let said = String::from_utf8(done.stdout).expect("text");
    let mut wrong = 0;
    for path in &some {
        let is_wrong = is_wrong(&tshark, path);
        wrong += usize::from(is_wrong);
        let word = if is_wrong { "wrong" } else { "right" };
        assert!(said.contains(&format!("{word}  {path}\n")), "{said}");
    }
    assert!((1..some.len()).contains(&wrong), "{said}");
    let sum = format!("{wrong} of {} captures wrong\n", some.len());
    assert!(said.ends_with(&sum), "{said}");
}
