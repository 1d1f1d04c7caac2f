//! No two names can be registered that differ only in what is invisible. Names that were stored earlier keep working.

use std::io::Write;

use crate::programs::{Place, described, receive, request, stderr, stdout, users};
use authscope::protocol::Action;

/// SHA-256("abc").
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

#[test]
fn names_are_registered_in_nfc_and_found_in_either_form() {
    let place = Place::new();
    let server = place.start(&[]);
    assert_eq!(server.register("e\u{301}ric", "x"), "yes: registered");
    assert_eq!(users(&place.passwd()), ["éric"]);
    assert_eq!(server.register("éric", "x"), "no: user name taken");
    assert_eq!(server.register("e\u{301}ric", "x"), "no: user name taken");
    assert_eq!(server.login("éric", "x"), "yes: login successful");
    assert_eq!(server.login("e\u{301}ric", "x"), "yes: login successful");
    // U+FB2C has 3 bytes, and 6 in NFC.
    assert_eq!(
        server.register(&"\u{fb2c}".repeat(6), "x"),
        "no: the user name has 36 bytes in NFC; at most 20 fit"
    );
}

#[test]
fn what_looks_like_another_name_is_refused() {
    let place = Place::new();
    let server = place.start(&[]);
    assert_eq!(server.register("alice", "x"), "yes: registered");
    for (name, found) in [
        ("ali\u{200b}ce", "a format character at its offset 3"),
        ("\u{202e}ecila", "a format character at its offset 0"),
        ("ali\u{ad}ce", "a format character at its offset 3"),
        ("alice\u{fe0f}", "an invisible character at its offset 5"),
        ("alice\u{378}", "an unassigned character at its offset 5"),
        ("alice\u{a0}", "a trailing space at its offset 5"),
    ] {
        let said = format!("no: the user name has {found}");
        assert_eq!(server.register(name, "x"), said);
        assert_eq!(server.login(name, "x"), "no: no such user");
    }
    for name in ["al ice", "alice☺", "名前", "½ €"] {
        assert_eq!(server.register(name, "x"), "yes: registered");
    }
}

#[test]
fn the_client_refuses_with_the_servers_words_what_the_server_would() {
    let place = Place::new();
    let odd = "ali\u{200b}ce";
    place.write(format!("{odd}:{ABC}\n"));
    let server = place.start(&[]);
    for name in [
        "b\u{ad}b",
        "\u{202e}bob",
        "bob\u{378}",
        "bob\u{3000}",
        &"\u{fb2c}".repeat(6),
    ] {
        let said = server.register(name, "x");
        let words = said.strip_prefix("no: ").unwrap();
        let output = server.client(&["register", name], "x");
        assert_eq!(output.status.code(), Some(2));
        let expected =
            format!("authscope-client: cannot use this user name: {words}; nothing was done\n");
        assert_eq!(stderr(&output), expected);
    }
    // Who has such a name already logs in with it.
    let output = server.client(&["login", odd], "abc");
    assert_eq!(stdout(&output), "login successful\n", "{}", stderr(&output));
    let output = server.client(&["register", "e\u{301}ric"], "x");
    assert_eq!(stdout(&output), "registered\n", "{}", stderr(&output));
    assert_eq!(server.register("\u{e9}ric", "x"), "no: user name taken");
}

#[test]
fn a_password_is_its_octets() {
    let place = Place::new();
    let server = place.start(&[]);
    assert_eq!(server.register("alice", "\u{e9}"), "yes: registered");
    assert_eq!(server.login("alice", "e\u{301}"), "no: wrong password");
    assert_eq!(server.login("alice", "\u{e9}"), "yes: login successful");
    // They need not be text.
    let ask = |action, name: &str, octets: &[u8]| {
        let mut message = request(action, name, "x").as_ref().to_vec();
        message[28..28 + octets.len()].copy_from_slice(octets);
        let mut stream = server.connect();
        stream.write_all(&message).unwrap();
        described(&receive(&mut stream))
    };
    let odd = b"\xff\xfe \xc3";
    assert_eq!(ask(Action::Register, "bob", odd), "yes: registered");
    assert_eq!(ask(Action::Login, "bob", odd), "yes: login successful");
    let other = b"\xff\xfe \xc2";
    assert_eq!(ask(Action::Login, "bob", other), "no: wrong password");
}

#[test]
fn the_log_shows_what_is_invisible_escaped() {
    for (format, shown) in [
        ("text", "user=\"\\u{202e}ecila\u{e9}\""),
        ("json", "\"user\":\"\\u202eecila\u{e9}\""),
    ] {
        let place = Place::new();
        let server = place.start(&["--log-format", format]);
        assert_eq!(server.login("\u{202e}ecila\u{e9}", "x"), "no: no such user");
        server.wait_for("no such user");
        let log = server.log();
        assert!(log.contains(shown) && !log.contains('\u{202e}'), "{log}");
    }
}

#[test]
fn names_stored_earlier_log_in_and_are_shown_escaped() {
    let place = Place::new();
    let decomposed = "e\u{301}ve";
    place.write(format!(
        "\u{202e}ecila:{ABC}\nali\u{200b}ce:{ABC}\n{decomposed}:{ABC}\n"
    ));
    let mut server = place.start(&[]);
    for name in ["\u{202e}ecila", "ali\u{200b}ce", decomposed] {
        assert_eq!(server.login(name, "abc"), "yes: login successful");
        assert_ne!(server.register(name, "x"), "yes: registered");
    }
    server.stop();
    let output = place.users(&["list"], "");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let list = stdout(&output);
    assert!(list.contains("\\u{202e}ecila\t"), "{list}");
    assert!(list.contains("ali\\u{200b}ce\t"), "{list}");
    assert!(!list.contains('\u{202e}') && !list.contains('\u{200b}'));
    let output = place.users(&["remove", "\u{202e}nobody"], "");
    assert!(!stderr(&output).contains('\u{202e}'), "{}", stderr(&output));
    let output = place.users(&["remove", "\u{202e}ecila"], "");
    assert_eq!(stdout(&output), "\\u{202e}ecila: removed\n");
}
