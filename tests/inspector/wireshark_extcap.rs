//! Authscope as a capture source, called as Wireshark calls one.
#![cfg(all(unix, feature = "live"))]

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::live::Running;
use crate::need::skip;
use crate::programs::{PATIENCE, Place, install};
use crate::tshark::Tshark;
use rustix::process::{Pid, Signal, kill_process};

fn authscope(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authscope"));
    command.arg("extcap").args(arguments);
    command
}

fn answer(arguments: &[&str]) -> (Option<i32>, String, String) {
    let out = authscope(arguments).output().expect("authscope runs");
    let text = |octets: Vec<u8>| String::from_utf8(octets).expect("UTF-8");
    (out.status.code(), text(out.stdout), text(out.stderr))
}

#[test]
fn questions_are_answered_as_wireshark_reads_answers() {
    let (code, said, _) = answer(&["--extcap-interfaces", "--extcap-version=4.0"]);
    assert_eq!(code, Some(0));
    assert!(
        said.contains("interface {value=authscope}{display=Authscope: RegLogin on loopback}"),
        "{said}"
    );
    let (code, said, _) = answer(&["--extcap-interface", "authscope", "--extcap-dlts"]);
    assert_eq!((code, said.lines().count()), (Some(0), 1), "{said}");
    assert!(said.starts_with("dlt {number="), "{said}");
    let (code, said, _) = answer(&["--extcap-interface", "authscope", "--extcap-config"]);
    assert_eq!(code, Some(0));
    assert!(said.contains("{call=--port}") && said.contains("{default=8888}"));
    let (code, said, error) = answer(&["--extcap-interface", "other", "--extcap-dlts"]);
    assert_eq!((code, said.as_str()), (Some(2), ""));
    assert!(error.contains("no capture source \"other\""), "{error}");
    assert_eq!(answer(&[]).0, Some(2));
}

#[test]
fn an_installed_launcher_stands_in_the_list_of_interfaces() {
    let Some(tshark) = Tshark::find() else { return };
    let out = Command::new(env!("CARGO_BIN_EXE_authscope"))
        .args(["wireshark", "extcap", "--install"])
        .env("HOME", tshark.home())
        .env_remove("XDG_CONFIG_HOME")
        .output()
        .expect("authscope runs");
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    let path = said
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("installed "));
    let mode = std::fs::metadata(path.expect(&said))
        .expect("the launcher")
        .permissions();
    assert_eq!(mode.mode() & 0o111, 0o111);
    let list = tshark.command().arg("-D").output().expect("tshark runs");
    let list = String::from_utf8_lossy(&list.stdout);
    assert!(
        list.contains("authscope (Authscope: RegLogin on loopback)"),
        "{list}"
    );
}

/// Wireshark waits for the pipe to be opened, and then shows what is said.
#[test]
fn a_missing_right_to_capture_is_told_at_once() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let is_root = rustix::process::geteuid().is_root();
    let path = |name: &str| folder.path().join(name);
    // Where only this user can look the other one cannot run it, and a copy has no capabilities.
    let programs = [
        ("authscope", env!("CARGO_BIN_EXE_authscope")),
        ("authscope-capture", env!("CARGO_BIN_EXE_authscope-capture")),
    ];
    for (name, program) in programs {
        install(Path::new(program), &path(name));
    }
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.path(), mode).expect("it can be looked into");
    let fifo = path("pipe");
    let mode = rustix::fs::Mode::from_raw_mode(0o666);
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, mode).expect("a pipe");
    std::fs::set_permissions(&fifo, std::fs::Permissions::from_mode(0o666))
        .expect("a pipe for all");
    let mut command = if is_root {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        command.args(["--inh-caps=-all", "--bounding-set=-all"]);
        command.arg(path("authscope"));
        command
    } else {
        Command::new(path("authscope"))
    };
    command.args([
        "extcap",
        "--extcap-interface",
        "authscope",
        "--capture",
        "--fifo",
    ]);
    let child = command.arg(&fifo).stderr(Stdio::piped()).spawn();
    let mut child = match child {
        Ok(child) => Running(child),
        Err(error) => return skip("setpriv", error),
    };
    let (teller, hearer) = mpsc::channel();
    let pipe = fifo.clone();
    std::thread::spawn(move || {
        // Opening it ends when somebody else opens it too.
        let mut octets = Vec::new();
        let read = std::fs::File::open(pipe).and_then(|mut pipe| pipe.read_to_end(&mut octets));
        teller.send(read.map(|_| octets))
    });
    let Ok(read) = hearer.recv_timeout(PATIENCE) else {
        panic!("nobody opened the pipe, or it was not closed again");
    };
    read.expect("the pipe is read");
    let status = child.0.wait().expect("it ends");
    let mut error = String::new();
    let mut pipe = child.0.stderr.take().expect("a pipe");
    pipe.read_to_string(&mut error).expect("UTF-8");
    if error.contains("setpriv") {
        return skip("setpriv", error);
    }
    assert_eq!(status.code(), Some(2), "{error}");
    assert!(error.contains("permission denied"), "{error}");
}

#[test]
fn wireshark_reads_annotated_frames_from_the_pipe() {
    let Some(tshark) = Tshark::find() else { return };
    let place = Place::new();
    let server = place.start(&[]);
    let fifo = place.path("pipe");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, mode).expect("a pipe");
    let fifo = fifo.to_str().expect("UTF-8");
    let port = server.address.port().to_string();
    let capture = authscope(&[
        "--extcap-interface",
        "authscope",
        "--capture",
        "--fifo",
        fifo,
    ])
    .args(["--port", &port])
    .stderr(Stdio::piped())
    .spawn()
    .expect("authscope runs");
    let mut capture = Running(capture);
    let reader = tshark
        .command()
        .args([
            "-l",
            "-r",
            fifo,
            "-T",
            "fields",
            "-e",
            "frame.comment",
            "-Y",
            "frame.comment",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("tshark runs");
    let mut reader = Running(reader);
    let lines = BufReader::new(reader.0.stdout.take().expect("a pipe")).lines();
    let (sender, comments) = mpsc::channel();
    std::thread::spawn(move || {
        lines
            .map_while(Result::ok)
            .try_for_each(|line| sender.send(line))
    });

    // Until the first comment comes, the capture may not have begun yet.
    let mut users = 0;
    let first = loop {
        if let Some(status) = capture.0.try_wait().expect("a status") {
            let mut error = String::new();
            let mut pipe = capture.0.stderr.take().expect("a pipe");
            pipe.read_to_string(&mut error).expect("UTF-8");
            assert!(error.contains("permission denied"), "{status} {error}");
            skip("capture", error);
            return;
        }
        server.register(&format!("user{users}"), "secret");
        users += 1;
        match comments.recv_timeout(Duration::from_millis(200)) {
            Ok(line) => break line,
            Err(_) => assert!(users < 300, "no comment came"),
        }
    };
    assert!(first.starts_with("RegLogin: Registration re"), "{first}");
    server.login("user0", "wrong");
    let mut seen = Vec::new();
    while !seen
        .iter()
        .any(|line: &String| line.starts_with("RegLogin: Login response"))
    {
        let line = comments.recv_timeout(PATIENCE);
        seen.push(line.unwrap_or_else(|error| panic!("{error} after {seen:#?}")));
    }
    let last = seen.last().expect("a comment");
    assert!(
        last.starts_with("RegLogin: Login response, failure: wrong password"),
        "{last}"
    );
    assert!(last.contains("(answers frame "), "{last}");
    assert!(
        seen.contains(&"RegLogin: Login request, user user0".to_owned()),
        "{seen:?}"
    );
    assert!(!seen.concat().contains("secret"));

    let pid = Pid::from_child(&capture.0);
    kill_process(pid, Signal::TERM).expect("the capture runs");
    assert_eq!(capture.0.wait().expect("a status").code(), Some(0));
    assert!(reader.0.wait().expect("a status").success());
}
