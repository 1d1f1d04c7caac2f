//! Live capture on Windows: an exchange on loopback is shown while it happens, saved, and opened by tshark. Without
//! Npcap everything else works, and a capture's error says where to get it.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use crate::need::skip;
use crate::programs::{PATIENCE, Place, Server};
use crate::wine::{Wine, text, windows_path, wine};

/// A capture that runs, and what it says on standard error.
struct Live {
    child: Child,
    said: mpsc::Receiver<String>,
}

impl Live {
    /// Starts one, and waits until it captures; `None`, loudly, without the right to.
    fn start(wine: &Wine, arguments: &[&str]) -> Option<Self> {
        let mut command = wine.program("authscope");
        // A group of its own, as a terminal makes one: Ctrl-C goes to all of it.
        command.arg("live").args(arguments).process_group(0);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let stderr = BufReader::new(child.stderr.take().expect("its standard error"));
        let (teller, said) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let _ = teller.send(line);
            }
        });
        loop {
            match said.recv_timeout(PATIENCE) {
                Ok(line) if line.contains("capturing on") => return Some(Self { child, said }),
                Ok(line) if line.contains("permitted") || line.contains("permission") => {
                    let _ = child.wait();
                    skip("capture", line);
                    return None;
                }
                Ok(_) => {}
                Err(error) => {
                    let _ = child.kill();
                    panic!("it does not capture: {error}");
                }
            }
        }
    }

    /// Waits for its end: exit code, rows, and what else it said.
    fn end(mut self) -> (Option<i32>, String, String) {
        let mut rows = String::new();
        let mut stdout = self.child.stdout.take().expect("its output");
        stdout.read_to_string(&mut rows).expect("rows");
        let code = self.child.wait().expect("it ends").code();
        (code, rows, self.said.iter().collect::<Vec<_>>().join("\n"))
    }
}

/// Wine's loopback adapter, as it is to be named with -i: its number, its name, its description.
fn loopback(wine: &Wine) -> [String; 3] {
    let (code, said, error) = wine.answer("authscope", &["interfaces"]);
    assert_eq!(code, Some(0), "{error}");
    let mut lines = said.lines().enumerate();
    let line = lines.find(|(_, line)| line.trim_end().ends_with(" lo"));
    let (number, line) = line.unwrap_or_else(|| panic!("no loopback: {said}"));
    let mut words = line.split_whitespace();
    let mut next = || words.next().expect("a word").to_owned();
    let found = [next(), next(), "lo".to_owned()];
    // Below a line of headings.
    assert_eq!(found[0], number.to_string(), "{said}");
    assert!(found[1].starts_with(r"\Device\NPF_{"), "{line}");
    found
}

fn exchange(wine: &Wine, server: &Server, name: &str) {
    for action in ["register", "login"] {
        let output = wine.client(server, &[action, name], "secret\n");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
}

#[test]
fn an_exchange_on_loopback_is_captured_saved_and_opened_by_tshark() {
    let Some(wine) = wine() else { return };
    let place = Place::new();
    let server = wine.server(&place, &[]);
    let port = server.address.port().to_string();
    // By number, by name, by description, and each until Ctrl-C.
    for (number, interface) in loopback(wine).iter().enumerate() {
        let saved = place.path(&format!("记录{number}.pcapng"));
        let file = windows_path(&saved);
        let arguments = ["-i", interface, "-p", &port, "-T", "jsonl", "--messages"];
        let arguments = [&arguments[..], &["-w", &file]].concat();
        let Some(live) = Live::start(wine, &arguments) else {
            return;
        };
        let name = format!("小明{number}");
        exchange(wine, &server, &name);
        // What was sent has arrived when the answer has; the kernel gathers a moment longer.
        std::thread::sleep(std::time::Duration::from_millis(300));
        let group = rustix::process::Pid::from_child(&live.child);
        rustix::process::kill_process_group(group, rustix::process::Signal::INT).expect("Ctrl-C");
        let (code, rows, said) = live.end();
        assert_eq!(code, Some(0), "{said}");
        let messages: Vec<serde_json::Value> = rows
            .lines()
            .map(|row| serde_json::from_str(row).expect("JSON"))
            .collect();
        assert_eq!(messages.len(), 4, "{rows}");
        assert_eq!(rows.matches(&name).count(), 4, "{rows}");
        let tshark = Command::new("tshark")
            .arg("-r")
            .arg(&saved)
            .args(["-Y", "tcp.len > 0", "-T", "fields", "-e", "tcp.len"])
            .output();
        match tshark {
            Ok(output) => assert_eq!(text(&output.stdout), "58\n73\n58\n73\n", "{output:?}"),
            Err(error) => skip("tshark", error),
        }
    }
}

#[test]
fn a_capture_source_writes_into_the_named_pipe_that_wireshark_makes() {
    let Some(wine) = wine() else { return };
    let place = Place::new();
    let reader = place.path("pipe.exe");
    crate::wine::compile("pipe.c", &reader).expect("the reader is compiled");
    let server = wine.server(&place, &[]);
    let port = server.address.port().to_string();
    let pipe = format!(r"\\.\pipe\authscope-test-{}", std::process::id());
    let mut wireshark = wine
        .command(&reader)
        .arg(&pipe)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the reader starts");
    let mut ready = [0; 6];
    let mut stderr = wireshark.stderr.take().expect("its standard error");
    stderr.read_exact(&mut ready).expect("it says so");
    let mut source = wine.program("authscope");
    source
        .args(["extcap", "--extcap-interface", "authscope", "--capture"])
        .args([
            "--port",
            &port,
            "--fifo",
            &pipe,
            "--interface",
            &loopback(wine)[0],
        ])
        .process_group(0)
        .stderr(Stdio::piped());
    let source = source.spawn().expect("it starts");
    // It says nothing: Wireshark sees the file's beginning.
    let mut stdout = wireshark.stdout.take().expect("its output");
    let mut octets = vec![0; 4];
    stdout.read_exact(&mut octets).expect("the file begins");
    exchange(wine, &server, "ada");
    std::thread::sleep(std::time::Duration::from_millis(500));
    let group = rustix::process::Pid::from_child(&source);
    let _ = rustix::process::kill_process_group(group, rustix::process::Signal::INT);
    let said = source.wait_with_output().expect("it ends");
    stdout.read_to_end(&mut octets).expect("the file ends");
    assert!(wireshark.wait().expect("the reader ends").success());
    assert_eq!(octets[..4], [0x0a, 0x0d, 0x0d, 0x0a], "{said:?}");
    let saved = place.path("piped.pcapng");
    std::fs::write(&saved, octets).expect("it is kept");
    let saved = saved.to_str().expect("a path in UTF-8");
    let here = Command::new(env!("CARGO_BIN_EXE_authscope"))
        .args(["read", "--messages", saved])
        .output()
        .expect("authscope runs");
    assert_eq!(
        text(&here.stdout).matches("user ada").count(),
        4,
        "{here:?}"
    );
}

#[test]
fn without_npcap_everything_else_works_and_live_says_where_to_get_it() {
    let Some(wine) = wine() else { return };
    let lacks = |arguments: &[&str]| {
        let mut command = wine.to_its_end("authscope");
        // Wine takes its own library for missing.
        command.env("WINEDLLOVERRIDES", "wpcap=").args(arguments);
        let output = crate::programs::run(&mut command, "");
        (output.status.code(), text(&output.stderr))
    };
    for arguments in [&["live"][..], &["interfaces"]] {
        let (code, said) = lacks(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {said}");
        assert!(said.contains("https://npcap.com"), "{arguments:?}: {said}");
    }
    let (code, said) = lacks(&["read", "-q", "captures/lab-report.pcap"]);
    assert_eq!(code, Some(0), "{said}");
}
