//! The commands of README and docs/ work as the pages show them, in a network namespace where the usual port is free,
//! and print the text that is shown below them. Commands that cannot be run are listed here with the reason.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

use crate::need::skip;

/// Pages whose commands have a test of their own.
const ELSEWHERE: [(&str, &str); 3] = [
    ("docs/cookbook.md", "tests/inspector/cookbook_commands.rs"),
    ("docs/layouts.md", "tests/inspector/layout_docs.rs"),
    ("docs/at-scale.md", "tests/scale/main.rs"),
];

/// Commands that are not run, and why.
const NOT_RUN: [(&str, &str); 16] = [
    (
        "make windows",
        "builds the programs for Windows; make test-windows tries them",
    ),
    (
        "make build",
        "builds the programs; continuous integration does",
    ),
    (
        "make demo",
        "builds, captures and installs; continuous integration runs it",
    ),
    (
        "make deb && sudo apt install",
        "builds a package; tools/package-test.sh installs it",
    ),
    ("make test", "is what runs this"),
    (
        "make textbook",
        "tests/inspector/textbook_dissector.rs runs what it runs",
    ),
    ("authscope live -i eth0", "needs this network interface"),
    ("authscope check FILE…", "is a synopsis"),
    ("[--expect", "is its second line"),
    (
        "createuser authscope",
        "needs PostgreSQL as its administrator; tests/service/postgres_users.rs",
    ),
    (
        "authscope-server --accounts postgres://authscope@db1,db2/authscope accounts init",
        "needs these hosts; tests/service/postgres_start.rs",
    ),
    (
        "authscope-server --accounts postgres://authscope@db1,db2/authscope --listen :8888",
        "needs these hosts; tests/service/postgres_shared.rs",
    ),
    (
        "authscope-server --accounts postgres://authscope@db1/authscope users import",
        "needs this host; tests/service/postgres_users.rs",
    ),
    (
        "authscope-server --accounts postgres://authscope@db1/authscope users export",
        "needs this host; tests/service/postgres_users.rs",
    ),
    (
        "authscope-server --config /etc/authscope/server.toml",
        "needs this file; tests/service/server_config.rs",
    ),
    (
        "authscope-client login alice --server server.example:8888",
        "needs a name server that knows it; tests/service/server_config.rs",
    ),
];

/// What runs a page's commands, in a network of its own.
const DRIVER: &str = r#"
set -u
ip link set lo up
server=
stop() {
    [ -z "$server" ] || { kill "$server"; wait "$server"; }
    server=
}
serve() {
    stop
    : > server.log
    bash -c "exec $1" > server.log 2>&1 &
    server=$!
    for _ in $(seq 600); do
        ! grep -q 'listening on' server.log || return 0
        kill -0 "$server" 2> /dev/null || break
        sleep 0.1
    done
    cat server.log >&2
    server=
    return 1
}
number=0
while IFS=$'\t' read -r kind needs command; do
    case $needs in
        running) [ -n "$server" ] || serve authscope-server ;;
        fresh) serve authscope-server ;;
        stopped) stop ;;
    esac
    {
        case $kind in
            server) serve "$command" ;;
            asks)
                { for _ in $(seq 8); do sleep 1; printf 'secret\n'; done; } |
                    script -qec "$command" /dev/null
                ;;
            screen) { sleep 2; printf q; sleep 1; } | script -qec "$command" /dev/null ;;
            live) timeout --preserve-status -s INT 2 bash -c "$command" < /dev/null ;;
            *) bash -c "$command" < /dev/null ;;
        esac
    } > "out.$number" 2> "err.$number"
    echo $? > "code.$number"
    number=$((number + 1))
done < commands
stop
"#;

/// A command of a page, and what is shown below it.
#[derive(Debug)]
struct Shown {
    command: String,
    output: Option<String>,
}

/// Programs that a block of commands begins with.
fn is_command(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let first = words.find(|word| !word.contains('=') || word.starts_with('-'));
    let programs = [
        "authscope",
        "authscope-server",
        "authscope-client",
        "createuser",
        "curl",
        "export",
        "make",
        "openssl",
        "sudo",
        "tcpdump",
        "tshark",
        "wireshark",
    ];
    first.is_some_and(|first| programs.contains(&first))
}

fn of_block(text: &str) -> Vec<Shown> {
    let text = text.replace("\\\n", " ");
    let mut all: Vec<Shown> = Vec::new();
    if text.starts_with("$ ") {
        for line in text.lines() {
            if let Some(command) = line.strip_prefix("$ ") {
                let command = command.to_owned();
                let output = Some(String::new());
                all.push(Shown { command, output });
            } else if let Some(output) = all.last_mut().and_then(|last| last.output.as_mut()) {
                output.push_str(line);
                output.push('\n');
            }
        }
    } else if text.lines().next().is_some_and(is_command) {
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let command = line.trim().to_owned();
            all.push(Shown {
                command,
                output: None,
            });
        }
    }
    all
}

fn commands(page: &str) -> Vec<Shown> {
    let mut found = Vec::new();
    let mut block: Option<String> = None;
    for event in Parser::new(page) {
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                let is_shell = match kind {
                    CodeBlockKind::Indented => true,
                    CodeBlockKind::Fenced(language) => ["", "sh", "console"].contains(&&*language),
                };
                block = is_shell.then(String::new);
            }
            Event::Text(text) => {
                if let Some(block) = &mut block {
                    block.push_str(&text);
                }
            }
            Event::Code(text) if text.starts_with("authscope ") && text.contains("captures/") => {
                found.push(Shown {
                    command: text.to_string(),
                    output: None,
                });
            }
            Event::End(TagEnd::CodeBlock) => {
                found.extend(of_block(&block.take().unwrap_or_default()));
            }
            _ => {}
        }
    }
    found
}

/// How a command is run, and what of a server it needs.
fn kind(command: &str) -> (&'static str, &'static str) {
    let has = |parts: &[&str]| parts.iter().any(|part| command.contains(part));
    let subcommands = [
        " users ",
        " accounts ",
        " cert ",
        " status",
        " throttle ",
        " backup ",
        " reload",
        "--print-config",
    ];
    if command.starts_with("authscope-server") && !has(&subcommands) {
        return ("server", "any");
    }
    let needs = if command.starts_with("authscope-client check") {
        "fresh"
    } else if has(&["users export", "users check"]) {
        "stopped"
    } else if has(&[
        "authscope-client",
        "unlock",
        "-server status",
        "throttle ",
        " backup ",
        " reload",
        "curl ",
    ]) {
        "running"
    } else {
        "any"
    };
    let kind = if has(&[
        "client register",
        "client login",
        "users add",
        "users set-password",
    ]) {
        "asks"
    } else if command.starts_with("authscope tui") {
        "screen"
    } else if has(&[" live", "tcpdump "]) {
        "live"
    } else {
        "plain"
    };
    (kind, needs)
}

/// What stands ready where a page's commands are run.
fn prepare(page: &str, folder: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let of_page = match page {
        "docs/tls.md" => "recorded-tls.pcapng",
        _ => "recorded-wrong-password.pcapng",
    };
    std::os::unix::fs::symlink(root.join("captures"), folder.join("captures")).expect("a link");
    for (name, from) in [
        ("saved.pcapng", "recorded-several-users.pcapng"),
        ("capture.pcapng", of_page),
        ("capture.pcap", "password-guessing.pcap"),
        ("mine.pcapng", "layout-pascal-strings.pcap"),
    ] {
        let from = root.join("captures").join(from);
        std::fs::copy(from, folder.join(name)).expect("a capture is copied");
    }
    for name in ["keys.txt", "passwd"] {
        std::fs::write(folder.join(name), "").expect("it is written");
    }
    std::fs::write(folder.join("driver"), DRIVER).expect("it is written");
}

/// Commands that stand on other pages, and that this one builds on.
fn before(page: &str) -> &'static [&'static str] {
    match page {
        "docs/tls.md" => &[
            "authscope-server cert new localhost 127.0.0.1",
            "authscope-server --tls-cert cert.pem --tls-key key.pem",
            "authscope-client register alice --tls --ca-file cert.pem",
        ],
        _ => &[],
    }
}

/// A command that makes a network of its own, where that is allowed.
fn network() -> Option<Command> {
    [&["-n"][..], &["-r", "-n"]]
        .into_iter()
        .find_map(|options| {
            let mut command = Command::new("unshare");
            command.args(options);
            let tried = Command::new("unshare")
                .args(options)
                .args(["ip", "link", "set", "lo", "up"])
                .output();
            tried
                .is_ok_and(|tried| tried.status.success())
                .then_some(command)
        })
}

fn is_there(program: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .output();
    found.is_ok_and(|found| found.status.success())
}

fn trimmed(text: &str) -> Vec<&str> {
    text.trim_end().lines().map(str::trim_end).collect()
}

/// Runs the commands of a page; what went wrong.
fn run(page: &str, shown: &[Shown]) -> Vec<String> {
    let Some(mut command) = network() else {
        skip("unshare", "no network of its own can be made");
        return Vec::new();
    };
    let folder = tempfile::tempdir().expect("a folder");
    prepare(page, folder.path());
    let mut lines = String::new();
    let first = before(page);
    // In the network all is allowed that sudo would allow.
    let typed = |command: &str| command.trim_start_matches("sudo ").to_owned();
    let all = first.iter().map(|one| (*one).to_owned());
    let all: Vec<String> = all
        .chain(shown.iter().map(|one| typed(&one.command)))
        .collect();
    for one in &all {
        let (kind, needs) = kind(one);
        writeln!(lines, "{kind}\t{needs}\t{one}").expect("memory takes it");
    }
    std::fs::write(folder.path().join("commands"), lines).expect("it is written");
    let programs = Path::new(env!("CARGO_BIN_EXE_authscope"));
    let programs = programs.parent().expect("a folder").display();
    let path = std::env::var("PATH").unwrap_or_default();
    let done = command
        .args(["bash", "driver"])
        .current_dir(folder.path())
        .env("PATH", format!("{programs}:{path}"))
        .env("HOME", folder.path())
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("WIRESHARK_PLUGIN_DIR")
        .env_remove("SSLKEYLOGFILE")
        .env("LC_ALL", "C.UTF-8")
        .env("TERM", "xterm")
        .env("TZ", "UTC")
        .output()
        .expect("the commands are run");
    let text = |name: &str, number: usize| {
        std::fs::read_to_string(folder.path().join(format!("{name}.{number}"))).unwrap_or_default()
    };
    let mut wrong = Vec::new();
    for (number, one) in all.iter().enumerate() {
        let code = text("code", number);
        let (out, err) = (text("out", number), text("err", number));
        let is_right = match kind(one).0 {
            "live" => ["0", "130"].contains(&code.trim()),
            // That nothing is there is an answer, and so is which of the stored captures are damaged on purpose.
            _ => {
                code.trim() == "0"
                    || code.trim() == "1" && err.contains("nothing match")
                    || code.trim() == "2" && one.contains(" captures/") && err.contains("damaged-")
            }
        };
        if !is_right {
            let driver = String::from_utf8_lossy(&done.stderr);
            wrong.push(format!("{page}: {one}\ncode {code}{out}{err}{driver}"));
        }
        let expected = number
            .checked_sub(first.len())
            .and_then(|at| shown[at].output.as_deref());
        let home = folder.path().display().to_string();
        let out = out.replace(&home, "/home/you");
        if let Some(expected) = expected
            && trimmed(expected) != trimmed(&out)
        {
            wrong.push(format!("{page}: {one} prints\n{out}"));
        }
    }
    wrong
}

/// The pages, by their paths.
fn pages() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = std::fs::read_dir(root.join("docs")).expect("the folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut pages: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
        .collect();
    pages.push(root.join("README.md"));
    pages.sort();
    let relative = |path: &PathBuf| path.strip_prefix(root).expect("it is there").to_owned();
    let names = pages.iter().map(relative);
    names
        .map(|path| path.to_string_lossy().into_owned())
        .collect()
}

#[test]
fn every_command_works_as_it_is_printed() {
    let mut unused: BTreeSet<&str> = NOT_RUN.iter().map(|(command, _)| *command).collect();
    let mut count = 0;
    let mut work = Vec::new();
    let missing: Vec<&str> = ["curl", "openssl", "script", "tcpdump", "tshark"]
        .into_iter()
        .filter(|program| !is_there(program))
        .collect();
    for program in &missing {
        skip(program, "commands of the documentation with it are not run");
    }
    for page in pages() {
        if ELSEWHERE.iter().any(|(other, _)| *other == page) {
            continue;
        }
        let text = std::fs::read_to_string(&page).expect("a page is text");
        let mut shown = commands(&text);
        shown.retain(|one| {
            let not_run = NOT_RUN
                .iter()
                .find(|(command, _)| one.command.starts_with(command));
            if let Some((command, _)) = not_run {
                unused.remove(command);
            }
            let words: Vec<&str> = one.command.split_whitespace().collect();
            not_run.is_none() && !missing.iter().any(|program| words.contains(program))
        });
        count += shown.len();
        if !shown.is_empty() {
            work.push((page, shown));
        }
    }
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = work
            .iter()
            .map(|(page, shown)| scope.spawn(move || run(page, shown)))
            .collect();
        let ended = threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"));
        ended.flatten().collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(count >= 60, "{count}");
    assert!(unused.is_empty(), "no page has {unused:?}");
}

#[test]
fn tests_that_run_other_pages_are_there() {
    for (page, test) in ELSEWHERE {
        for path in [page, test] {
            assert!(
                Path::new(env!("CARGO_MANIFEST_DIR")).join(path).exists(),
                "{path}"
            );
        }
    }
}

#[test]
fn the_way_to_find_the_programs_stands_before_the_first_command() {
    for page in ["README.md", "docs/README.md"] {
        let text = std::fs::read_to_string(page).expect("a page is text");
        let way = text.find("export PATH=").expect(page);
        // What stands before it shows what programs print, or is for make.
        let before = commands(&text[..way]);
        let typed = before.iter().filter(|one| one.output.is_none());
        for one in typed {
            assert!(one.command.starts_with("make "), "{page}: {}", one.command);
        }
    }
}
