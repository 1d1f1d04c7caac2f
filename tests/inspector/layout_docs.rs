//! The tutorial of docs/layouts.md works: its file is accepted, and its commands print what the page shows.

use std::path::Path;
use std::process::Command;

use crate::inspector::authscope;
use crate::tshark::Tshark;

/// The blocks of a page in one language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let open = format!("```{language}\n");
    let behind = page.split(open.as_str()).skip(1);
    behind
        .map(|rest| rest.split("```").next().unwrap_or_default().to_owned())
        .collect()
}

/// The commands of a block with what they print.
fn commands(block: &str) -> Vec<(&str, &str)> {
    let parts = block.strip_prefix("$ ").expect("a command");
    parts
        .split("\n$ ")
        .map(|part| part.split_once('\n').unwrap_or((part, "")))
        .collect()
}

/// Without the spaces that end lines, which no editor keeps.
fn trimmed(text: &str) -> Vec<&str> {
    text.lines().map(str::trim_end).collect()
}

/// From a file to messages, from traffic to a file, and from a file to a plugin in Wireshark: each command as a user types it.
#[test]
fn the_tutorial_prints_what_it_says() {
    let page = std::fs::read_to_string("docs/layouts.md").expect("the page is there");
    let tshark = Tshark::find();
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| {
        let path = folder.path().join(name);
        path.to_str().expect("UTF-8").to_owned()
    };
    let (file, plugin) = (at("mine.toml"), at("mine.lua"));
    std::fs::write(&file, &blocks(&page, "toml")[0]).expect("it is written");
    let check = authscope(&["layout", "check", &file]);
    assert_eq!(check.code, 0, "{}", check.stderr);
    let program = Path::new(env!("CARGO_BIN_EXE_authscope"));
    let mut count = 0;
    for block in blocks(&page, "console") {
        for (command, expected) in commands(&block) {
            if command.starts_with("tshark ") && tshark.is_none() {
                continue;
            }
            let command = command
                .replace("mine.toml", &file)
                .replace("mine.lua", &plugin);
            let done = Command::new("sh")
                .args(["-c", &format!("PATH=\"$1:$PATH\"; {command}"), "sh"])
                .arg(program.parent().expect("a folder"))
                .env("HOME", folder.path())
                .env_remove("XDG_CONFIG_HOME")
                .env("TZ", "UTC")
                .output()
                .expect("a shell runs");
            let printed = String::from_utf8(done.stdout).expect("UTF-8");
            assert_eq!(trimmed(&printed), trimmed(expected), "{command}");
            count += 1;
        }
    }
    assert!(count >= 6, "{count}");
}
