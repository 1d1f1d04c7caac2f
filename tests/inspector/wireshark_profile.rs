//! The profile that is installed with the plugin: its colours in tshark, the output of its commands, and that it can be
//! removed.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::inspector::{authscope, capture};
use crate::need::skip;
use crate::terminal::Terminal;

fn installed(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_authscope"))
        .args(["wireshark", "plugin"])
        .args(arguments)
        .env("HOME", folder)
        .env("WIRESHARK_CONFIG_DIR", folder.join("config"))
        .env_remove("XDG_CONFIG_HOME")
        .output()
        .expect("it runs");
    let said = String::from_utf8(output.stdout).expect("text");
    (output.status.code(), said)
}

#[test]
fn tshark_colours_rows_by_outcome() {
    let version = Command::new("tshark").arg("--version").output();
    if !version.is_ok_and(|output| output.status.success()) {
        return skip("tshark", "tshark is not installed");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (code, said) = installed(folder.path(), &["--install"]);
    assert_eq!(code, Some(0));
    let profile = folder.path().join("config/profiles/Authscope");
    for file in ["colorfilters", "preferences", "recent"] {
        let path = profile.join(file);
        assert!(
            path.exists() && said.contains(&format!("installed {}", path.display())),
            "{said}"
        );
    }
    let colours = |name: &str, filter: &str| {
        // It colours what goes to a terminal only.
        let terminal = Terminal::of_width(200);
        let mut command = Command::new("tshark");
        command
            .args(["-C", "Authscope", "--color", "-r", &capture(name)])
            .args(["-Y", filter])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("HOME", folder.path())
            .env("WIRESHARK_CONFIG_DIR", folder.path().join("config"))
            .env("COLORTERM", "truecolor")
            .stdout(terminal.stdio())
            .stderr(Stdio::piped());
        let child = command.spawn().expect("tshark runs");
        drop(command);
        let output = child.wait_with_output().expect("tshark ends");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!said.contains("olor filter"), "{said}");
        terminal.end()
    };
    // Backgrounds: 24 bits each.
    let success = colours("recorded-ipv6.pcapng", "reglogin.status == 1");
    assert!(success.contains("48;2;214;243;214"), "{success:?}");
    let failure = colours("recorded-wrong-password.pcapng", "reglogin.status == 0");
    assert!(failure.contains("48;2;255;204;204"), "{failure:?}");
    let noted = colours("lab-report.pcap", "reglogin.request");
    assert!(noted.contains("48;2;255;246;186"), "{noted:?}");

    // What Wireshark remembers of its windows is its own by then.
    std::fs::write(profile.join("recent"), "# Recent settings file\n").expect("it is written");
    let (code, said) = installed(folder.path(), &["--uninstall"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(!profile.exists(), "{said}");
    assert_eq!(said.matches("removed ").count(), 4, "{said}");
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("missing");
    let missing = missing.to_str().expect("a name");
    let done = authscope(&["wireshark", "plugin", "--install", "--folder", missing]);
    assert_eq!((done.code, done.stdout.as_str()), (2, ""));
    assert!(
        done.stderr.contains(missing) && done.stderr.contains("--folder"),
        "{}",
        done.stderr
    );
    assert!(!Path::new(missing).exists());
    let there = folder.path().to_str().expect("a name");
    let done = authscope(&[
        "wireshark",
        "plugin",
        "--install",
        "--no-profile",
        "--folder",
        there,
    ]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(!folder.path().join("profiles").exists());
}
