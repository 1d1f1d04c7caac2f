//! The client refuses what is too long before anything is sent, and distinguishes a broken answer from a refusal.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::programs::{client, stderr, stdout};
use authscope::protocol::Action;

#[test]
fn what_does_not_fit_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let server = listener.local_addr().unwrap().to_string();
    let long_name = "n".repeat(21);
    let long_password = "é".repeat(16);
    for (name, password, said) in [
        (
            &*long_name,
            "secret",
            "the user name has 21 bytes in UTF-8; at most 20 bytes fit",
        ),
        (
            "éééééééééé1",
            "secret",
            "the user name has 21 bytes in UTF-8; at most 20 bytes fit",
        ),
        ("a:b", "secret", "the user name has a colon at its offset 1"),
        (
            "ali\u{200b}ce",
            "secret",
            "the user name has a format character at its offset 3",
        ),
        (
            "alice\u{a0}",
            "secret",
            "the user name has a trailing space at its offset 5",
        ),
        (
            "\u{fb2c}\u{fb2c}\u{fb2c}\u{fb2c}\u{fb2c}\u{fb2c}",
            "secret",
            "the user name has 36 bytes in NFC; at most 20 fit",
        ),
        (
            "",
            "secret",
            "the user name is empty; it takes 1 to 20 bytes",
        ),
        (
            "alice",
            &*long_password,
            "the password has 32 bytes in UTF-8; at most 30 bytes fit",
        ),
        ("alice", "", "the password is empty; it takes 1 to 30 bytes"),
    ] {
        let output = client(
            &["register", name, "--server", &server, "--password-stdin"],
            password,
        );
        assert_eq!(output.status.code(), Some(2));
        let text = stderr(&output);
        assert!(
            text.starts_with("authscope-client: ") && text.contains(said),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1);
        assert_eq!(stdout(&output), "");
    }
    assert!(listener.accept().is_err(), "nothing connected");
}

#[test]
fn wrong_usage_is_code_2() {
    for arguments in [
        &[][..],
        &["register"],
        &["enlist", "alice"],
        &["login", "a", "--timeout", "0"],
    ] {
        assert_eq!(
            client(arguments, "").status.code(),
            Some(2),
            "{arguments:?}"
        );
    }
}

#[test]
fn an_unreachable_server_is_code_2() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap().to_string();
    drop(listener);
    for server in [&*server, "no-port", "127.0.0.1:99999"] {
        let output = client(
            &["login", "alice", "--server", server, "--password-stdin"],
            "x",
        );
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(server), "{}", stderr(&output));
    }
}

/// Runs the client against a server that reads the request and answers with `answer`.
fn against(answer: Option<Vec<u8>>) -> (Option<i32>, String, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap().to_string();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 58];
        stream.read_exact(&mut request).unwrap();
        if let Some(answer) = answer {
            stream.write_all(&answer).unwrap();
        } else {
            // Say nothing until the client has given up.
            let _ = stream.read(&mut request);
        }
    });
    let output = client(
        &[
            "login",
            "alice",
            "--server",
            &server,
            "--password-stdin",
            "--timeout",
            "0.5",
        ],
        "secret",
    );
    thread.join().unwrap();
    (output.status.code(), stdout(&output), stderr(&output))
}

#[test]
fn a_broken_answer_is_code_2_and_explained() {
    let response = |action, success, words: &str| {
        authscope::protocol::Response {
            action,
            success,
            description: authscope::protocol::Description::cut(words),
        }
        .encode()
        .to_vec()
    };
    let good = response(Action::Login, true, "ok");
    let mut bad_status = good.clone();
    bad_status[8] = 9;
    for (answer, part) in [
        (None, "did not answer within 0.5 s"),
        (Some(Vec::new()), "after 0 of 73 bytes"),
        (Some(good[..72].to_vec()), "after 72 of 73 bytes"),
        (
            Some(b"HTTP/1.1 400 Bad Request\r\n".to_vec()),
            "not a valid response",
        ),
        (
            Some(bad_status),
            "status 9 is unknown; 1 means success and 0 failure",
        ),
        (
            Some(response(Action::Register, true, "ok")),
            "registration response",
        ),
    ] {
        let (code, out, err) = against(answer);
        assert_eq!(code, Some(2), "{err}");
        assert!(err.contains(part), "{err}");
        assert_eq!(out, "");
    }
    let (code, out, _) = against(Some(good));
    assert_eq!((code, &*out), (Some(0), "ok\n"));
}

#[test]
fn control_characters_of_a_description_do_not_reach_the_terminal() {
    let response = authscope::protocol::Response {
        action: authscope::protocol::Action::Login,
        success: false,
        description: authscope::protocol::Description::cut("\u{1b}[31mred\u{202e}\r\n"),
    };
    let (code, out, _) = against(Some(response.encode().to_vec()));
    assert_eq!(code, Some(1));
    assert_eq!(out, "\\u{1b}[31mred\\u{202e}\\r\\n\n");
}
