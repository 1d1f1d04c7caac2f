//! Runs the inspector on the saved captures.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::terminal::Terminal;

/// What a run came to.
pub struct Done {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// A saved capture's path.
pub fn capture(name: &str) -> String {
    format!("captures/{name}")
}

/// The names of all saved captures, sorted.
pub fn captures() -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("captures");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .expect("the captures are listed")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .filter(|name| name.contains(".pcap"))
        .collect();
    names.sort();
    assert!(!names.is_empty());
    names
}

/// The inspector, to be run where the captures' paths begin.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authscope"));
    command
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("TZ", "UTC")
        .env("PAGER", "cat");
    command
}

/// Runs the inspector to its end.
pub fn authscope(arguments: &[&str]) -> Done {
    let output = command(arguments).output().expect("the inspector runs");
    Done {
        code: output.status.code().expect("it exits"),
        stdout: String::from_utf8(output.stdout).expect("its output is UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("its errors are UTF-8"),
    }
}

/// The end of a pipe out of which these bytes come.
pub fn piped(octets: Vec<u8>) -> Stdio {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    std::thread::spawn(move || {
        // Who has enough closes it.
        let _ = writer.write_all(&octets);
    });
    reader.into()
}

/// The lines that the inspector writes to standard output where that is a terminal of so many columns, without colours.
pub fn shown_in(columns: u16, arguments: &[&str]) -> Vec<String> {
    let terminal = Terminal::of_width(columns);
    let mut command = command(arguments);
    command.env("NO_COLOR", "1").env("LC_ALL", "C.UTF-8");
    command.stdout(terminal.stdio()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the inspector runs");
    // The command has the terminal too.
    drop(command);
    child.wait().expect("it ends");
    terminal.end().lines().map(str::to_owned).collect()
}
