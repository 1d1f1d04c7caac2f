//! Messages of a layout file are shown while they are captured, by `authscope live` and by Wireshark's capture source.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use memchr::memmem;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::inspector::command;
use crate::live::{Live, Running};
use crate::need::skip;
use crate::programs::PATIENCE;

const REQUEST: &[u8] = b"\x10\x00\x01\x05alice\x06hunter";
const RESPONSE: &[u8] = b"\x08\x00\x02\x01\x03yes";

/// A server that answers each connection's request, and the layout of both messages.
fn server(folder: &Path) -> (SocketAddr, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut request = [0; REQUEST.len()];
            stream.read_exact(&mut request).expect("a request");
            stream.write_all(RESPONSE).expect("it is sent");
        }
    });
    let layout = format!(
        "name = \"Doorbell\"\nport = {}\norder = \"little\"\n[layout]\nheader = [\"size: u16 = length\", \"op: u8 = kind\"]\n\
         ring = [\"who: text[u8] = user\", \"word: text[u8] secret\"]\n\
         open = [\"code: u8 {{0 refused, 1 ok}} = outcome\", \"words: text[u8]\"]\n[kind]\n\
         1 = {{ name = \"ring\", body = \"ring\", response = 2 }}\n2 = {{ name = \"open\", body = \"open\" }}\n",
        at.port()
    );
    let path = folder.join("doorbell.toml");
    std::fs::write(&path, layout).expect("it is written");
    (at, path.to_str().expect("UTF-8").to_owned())
}

fn ring(at: SocketAddr) {
    let mut stream = TcpStream::connect(at).expect("the server listens");
    stream.write_all(REQUEST).expect("it is sent");
    let mut response = [0; RESPONSE.len()];
    stream.read_exact(&mut response).expect("a response");
    assert_eq!(response, RESPONSE);
}

/// The layout's own port is watched without a word about it.
#[test]
fn live_shows_messages_as_they_come() {
    let folder = tempfile::tempdir().expect("a folder");
    let (at, layout) = server(folder.path());
    let Some(mut live) = Live::start(&["-L", &layout, "-T", "jsonl"]) else {
        return;
    };
    ring(at);
    let [request, response] =
        [live.row(), live.row()].map(|row| serde_json::from_str::<Value>(&row).expect("JSON"));
    assert_eq!(request["protocol"], "Doorbell", "{request}");
    assert_eq!(request["type"], "ring");
    assert_eq!(request["fields"]["who"], "alice");
    assert_eq!(request["fields"]["word"], "********");
    assert_eq!(response["type"], "open");
    assert_eq!(response["fields"]["words"], "yes");
    assert_eq!(response["response_to"], request["frame"]);
    assert_eq!(live.end("-INT").0, Some(0));
}

#[test]
fn a_capture_source_of_wireshark_says_what_came() {
    let folder = tempfile::tempdir().expect("a folder");
    let (at, layout) = server(folder.path());
    let pipe = folder.path().join("pipe");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, mode).expect("a pipe");
    let mut source = Running(
        command(&["extcap", "--extcap-interface", "authscope", "--capture"])
            .args(["--fifo", pipe.to_str().expect("UTF-8")])
            .args(["--layout", &layout])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs"),
    );
    let child = &mut source.0;
    let captured = crate::openssl::collect(File::open(&pipe).expect("the pipe"));
    let begun = Instant::now();
    let saved = loop {
        if child.try_wait().expect("a status").is_some() {
            let mut said = String::new();
            let mut stderr = child.stderr.take().expect("a pipe");
            stderr.read_to_string(&mut said).expect("UTF-8");
            assert!(said.contains("permission denied"), "{said}");
            skip("capture", said);
            return;
        }
        // The capture may not have begun yet.
        ring(at);
        thread::sleep(Duration::from_millis(200));
        let saved = captured.lock().expect("nobody fails").clone();
        if memmem::find(&saved, b"Doorbell: Ring, user alice").is_some()
            && memmem::find(&saved, b"Doorbell: Open, success: yes").is_some()
        {
            break saved;
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "no comment came: {}",
            String::from_utf8_lossy(&saved)
        );
    };
    // The secret is in the packets and in no comment.
    let times = |words: &[u8]| memmem::find_iter(&saved, words).count();
    assert_eq!(times(b"hunter"), times(REQUEST));
    kill_process(Pid::from_child(child), Signal::TERM).expect("it runs");
    assert_eq!(child.wait().expect("a status").code(), Some(0));
}
