//! The commands of `docs/cookbook.md` print what the page shows below them.
//!
//! With UPDATE_COOKBOOK set, the tests write the commands' output into the page instead. Read it before it is
//! committed.

use std::path::Path;
use std::process::Command;

const START: &str = "```console\n$ ";
const END: &str = "```\n";

/// What a command line prints, run by a shell that finds the programs.
fn printed(line: &str) -> String {
    let inspector = Path::new(env!("CARGO_BIN_EXE_authscope"));
    let folder = inspector.parent().unwrap().to_str().unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("sh")
        .args(["-c", line])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("PATH", format!("{folder}:{path}"))
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.is_empty(), "{line}\n{said}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_command_prints_what_the_cookbook_shows() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cookbook.md");
    let book = std::fs::read_to_string(&path).unwrap();
    let mut parts = book.split(START);
    let mut again = parts.next().unwrap().to_owned();
    let mut questions = 0;
    let mut differ = Vec::new();
    for part in parts {
        let (block, behind) = part.split_once(END).unwrap();
        let (line, shown) = block.split_once('\n').unwrap();
        let program = line.split(' ').next().unwrap_or_default();
        assert!(
            ["authscope", "authscope-client"].contains(&program),
            "{line}"
        );
        let printed = printed(line);
        assert!(!printed.trim().is_empty(), "{line} prints nothing");
        if printed != shown {
            differ.push(format!("$ {line}\n{printed}"));
        }
        for piece in [START, line, "\n", &printed, END, behind] {
            again.push_str(piece);
        }
        questions += 1;
    }
    assert!(questions >= 20, "{questions}");
    assert_eq!(book.matches("\n## ").count(), questions);
    if std::env::var_os("UPDATE_COOKBOOK").is_some() {
        std::fs::write(&path, again).unwrap();
    } else {
        assert!(
            differ.is_empty(),
            "these print something else:\n{}",
            differ.join("\n")
        );
    }
}
