//! Completions for each program and shell, requested as a shell requests them, and the man pages.

use std::path::Path;
use std::process::Command;

use crate::inspector::authscope;
use crate::need::skip;

/// The programs.
fn programs() -> [(&'static str, &'static Path); 3] {
    [
        ("authscope", env!("CARGO_BIN_EXE_authscope")),
        ("authscope-server", env!("CARGO_BIN_EXE_authscope-server")),
        ("authscope-client", env!("CARGO_BIN_EXE_authscope-client")),
    ]
    .map(|(name, path)| (name, Path::new(path)))
}

/// What is offered where the last of the words is being typed.
fn offered(program: &Path, words: &[&str]) -> Vec<String> {
    let name = program
        .file_name()
        .and_then(|name| name.to_str())
        .expect("a name");
    let index = words.len().to_string();
    let output = Command::new(program)
        .args(["--", name])
        .args(words)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", index)
        .env("_CLAP_COMPLETE_COMP_TYPE", "9")
        .env("_CLAP_COMPLETE_SPACE", "true")
        .env("_CLAP_IFS", "\n")
        .output()
        .expect("the program runs");
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().map(|line| line.trim().to_owned()).collect()
}

#[test]
fn each_program_writes_completions_for_each_shell() {
    for (name, program) in programs() {
        for (shell, part) in [
            ("bash", "complete "),
            ("zsh", "#compdef"),
            ("fish", "complete "),
        ] {
            let output = Command::new(program)
                .args(["completions", shell])
                .output()
                .expect("the program runs");
            let text = String::from_utf8(output.stdout).expect("text");
            assert!(
                output.status.success() && text.contains(part) && text.contains(name),
                "{name} {shell}: {text}"
            );
        }
    }
}

#[test]
fn interfaces_fields_and_files_are_offered() {
    let [(_, inspector), (_, server), (_, client)] = programs();
    let has = |program: &Path, words: &[&str], wanted: &str| {
        let offered = offered(program, words);
        assert!(
            offered.iter().any(|one| one == wanted),
            "{words:?} offers {offered:?}"
        );
    };
    if cfg!(target_os = "linux") {
        has(inspector, &["live", "-i", "l"], "lo");
        has(inspector, &["tui", "-i", "l"], "lo");
    }
    has(
        inspector,
        &["read", "-e", "reglogin.user"],
        "reglogin.username",
    );
    has(
        inspector,
        &["read", "-Y", "tcp && reglogin.stat"],
        "tcp && reglogin.status",
    );
    has(
        inspector,
        &["read", "captures/lab-rep"],
        "captures/lab-report.pcap",
    );
    has(inspector, &["read", "-T", "js"], "jsonl");
    has(inspector, &["sta"], "stats");
    has(server, &["--tls-cert", "Cargo.t"], "Cargo.toml");
    has(client, &["che"], "check");
}

#[test]
fn a_real_bash_completes() {
    let bash = Command::new("bash").arg("--version").output();
    if !bash.is_ok_and(|output| output.status.success()) {
        return skip("bash", "bash is not installed");
    }
    let folder = Path::new(env!("CARGO_BIN_EXE_authscope"))
        .parent()
        .expect("a folder");
    let script = "source <(authscope completions bash)\n\
                  COMP_WORDS=(authscope read -e reglogin.usern); COMP_CWORD=3; COMP_TYPE=9\n\
                  $(complete -p authscope | sed 's/.*-F \\([^ ]*\\).*/\\1/') authscope reglogin.usern -e\n\
                  printf '%s\\n' \"${COMPREPLY[@]}\"\n";
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("bash")
        .args(["-c", script])
        .env("PATH", format!("{}:{path}", folder.display()))
        .output()
        .expect("bash runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.lines().any(|line| line.trim() == "reglogin.username"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn man_pages_have_the_examples_of_help() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, program) in programs() {
        let done = Command::new(program)
            .arg("man")
            .arg(folder.path())
            .status()
            .expect("the program runs");
        assert!(done.success(), "{name}");
        let page =
            std::fs::read_to_string(folder.path().join(format!("{name}.1"))).expect("a page");
        let (_, examples) = page
            .split_once(".SH EXAMPLES")
            .unwrap_or_else(|| panic!("{name}: {page}"));
        assert!(examples.contains("authscope"), "{name}");
        assert!(
            page.contains(".SH \"EXIT CODES\"") || page.contains(".SH EXIT CODES"),
            "{name}"
        );
    }
    let page = std::fs::read_to_string(folder.path().join("authscope-read.1")).expect("a page");
    assert!(page.contains(".SH EXAMPLES"), "{page}");
    let help = authscope(&["read", "--help"]).stdout;
    assert!(help.contains("Examples:"));
}
