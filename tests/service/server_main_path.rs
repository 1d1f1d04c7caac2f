//! A user registers and logs in with the real client and server, and refusals give the reason.

use std::os::unix::fs::PermissionsExt;

use crate::programs::{Place, stderr, stdout};

#[test]
fn a_user_registers_once_and_logs_in() {
    let place = Place::new();
    let server = place.start(&[]);
    for (arguments, password, code, said) in [
        (["login", "alice"], "secret", 1, "no such user\n"),
        (["register", "alice"], "secret", 0, "registered\n"),
        (["register", "alice"], "other", 1, "user name taken\n"),
        (["login", "alice"], "secret", 0, "login successful\n"),
        (["login", "alice"], "Secret", 1, "wrong password\n"),
        (["login", "Alice"], "secret", 1, "no such user\n"),
    ] {
        let output = server.client(&arguments, password);
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        assert_eq!(stdout(&output), said);
        assert_eq!(stderr(&output), "");
    }
}

#[test]
fn the_passwd_file_is_private_and_outlives_the_server() {
    let place = Place::new();
    let mut server = place.start(&[]);
    assert_eq!(server.register("名前", "påss"), "yes: registered");
    assert_eq!(server.stop().code(), Some(0));
    let mode = std::fs::metadata(place.passwd())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = place.text();
    assert!(
        text.starts_with("名前:$argon2id$v=19$m=19456,t=2,p=1$"),
        "{text}"
    );
    assert_eq!(crate::programs::users(&place.passwd()), ["名前"]);
    let server = place.start(&[]);
    assert_eq!(server.login("名前", "påss"), "yes: login successful");
}

#[test]
fn hashes_of_other_schemes_are_verified() {
    // SHA-256("abc"), FIPS 180-4; PBKDF2 from Python's hashlib.
    let place = Place::new();
    place.write(
        "lab:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n\
         fips:$pbkdf2-sha256$i=1000,l=32$c2FsdFNBTFQ$h7iaQY7R3M6N8S6ICKBM4Nz7HuhOb4bnbMOEl6FZlX0\n",
    );
    let server = place.start(&[]);
    assert_eq!(server.login("lab", "abd"), "no: wrong password");
    assert_eq!(server.login("lab", "abc"), "yes: login successful");
    assert_eq!(server.login("fips", "password"), "no: wrong password");
    assert_eq!(server.login("fips", "Password"), "yes: login successful");
}

#[test]
fn it_listens_on_ipv6_as_well() {
    let place = Place::new();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_authscope-server"));
    command
        .args(["--listen", "[::1]:0", "--passwd"])
        .arg(place.passwd());
    let server = crate::programs::Server::start(command);
    assert!(server.address.is_ipv6());
    let output = server.client(&["register", "alice"], "secret");
    assert_eq!(stdout(&output), "registered\n", "{}", stderr(&output));
}

#[test]
fn the_log_tells_outcomes_and_no_passwords() {
    for format in ["text", "json"] {
        let place = Place::new();
        let mut server = place.start(&["--log-format", format, "--log-level", "debug"]);
        server.register("alice", "open-sesame");
        server.login("alice", "open-sesame");
        server.login("alice", "close-sesame");
        server.stop();
        server.wait_for("stopped");
        let log = server.log();
        for part in [
            "registered",
            "login successful",
            "wrong password",
            "alice",
            "127.0.0.1:",
        ] {
            assert!(log.contains(part), "{part}: {log}");
        }
        assert!(!log.contains("sesame"), "{log}");
        assert!(!log.contains("$argon2id"), "{log}");
        if format == "json" {
            for line in log.lines() {
                serde_json::from_str::<serde_json::Value>(line).expect(line);
            }
        }
    }
}
