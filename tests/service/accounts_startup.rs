//! What a server does with the passwd file that it finds: a torn last line is mended, any other
//! fault stops the start and changes nothing, and a file has one server.

use crate::programs::{Place, stderr, stdout};

/// SHA-256("abc"), FIPS 180-4.
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const ARGON: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[test]
fn a_torn_last_line_is_cut_off_with_a_warning() {
    let whole = format!("bob:{ARGON}");
    for cut in [1, 3, 4, 10, 40, whole.len() - 1] {
        let place = Place::new();
        place.write(format!("alice:{ABC}\n{}", &whole[..cut]));
        let mut server = place.start(&["--hash", "pbkdf2-sha256"]);
        let log = server.log();
        assert!(
            log.contains("WARN the last line was torn; cut it off"),
            "{log}"
        );
        assert!(log.contains(&format!("line=2 octets={cut}")), "{log}");
        assert_eq!(log.contains("user=\"bob\""), cut > 3, "{log}");
        assert!(!log.contains("AAAA"), "no part of a hash is logged: {log}");
        assert_eq!(server.register("bob", "x"), "yes: registered");
        assert_eq!(server.login("bob", "x"), "yes: login successful");
        server.stop();
        assert_eq!(crate::programs::users(&place.passwd()), ["alice", "bob"]);
    }
}

#[test]
fn a_whole_last_line_without_its_line_break_is_kept() {
    let place = Place::new();
    place.write(format!("alice:{ABC}"));
    let server = place.start(&[]);
    assert!(
        server.log().contains("the last line had no line break"),
        "{}",
        server.log()
    );
    assert_eq!(server.login("alice", "abc"), "yes: login successful");
    assert!(place.text().ends_with('\n'));
}

#[test]
fn a_bad_line_stops_the_start_and_nothing_changes() {
    for (text, line, reason) in [
        (format!("alice:{ABC}\nbob\ncarol:{ABC}\n"), 2, "no ':'"),
        (format!("alice:{ABC}\n\n"), 2, "the line is empty"),
        ("alice:secret\n".into(), 1, "neither a PHC string"),
        (
            format!("alice:{ABC}\nbob:{ABC}\nalice:{ARGON}\n"),
            3,
            "\"alice\" stands on line 1 already",
        ),
        (
            format!("alice:{ABC}\nbob:{ABC}\r\n"),
            2,
            "neither a PHC string",
        ),
        (format!(" alice:{ABC}\n"), 1, "leading space"),
        (
            format!("alice:{ABC}\nbob:$2b$12$abcdefghijklmnopqrstuv\n"),
            2,
            "\"2b\" is not known",
        ),
        // Torn as well: the torn part stays as it is.
        (format!("alice\nbob:{ABC}\ncar"), 1, "no ':'"),
        // A last line without line break is no excuse for a name that is taken.
        (
            format!("alice:{ABC}\nalice:{ABC}"),
            2,
            "stands on line 1 already",
        ),
    ] {
        let place = Place::new();
        place.write(&text);
        let output = place.refused(&[]);
        assert_eq!(output.status.code(), Some(2));
        let said = stderr(&output);
        let path = place.passwd().canonicalize().unwrap();
        let start = format!(
            "authscope-server: cannot use \"{}\": line {line}: ",
            path.display()
        );
        assert!(said.contains(&start) && said.contains(reason), "{said}");
        assert!(!said.contains(&ABC[..8]), "no hash is shown: {said}");
        assert_eq!(place.text(), text, "the file is as it was");
    }
}

#[test]
fn a_second_server_is_refused_with_the_first_ones_pid() {
    let place = Place::new();
    let mut server = place.start(&[]);
    let output = place.refused(&[]);
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(
        said.contains(&format!("process {} holds it", server.pid())),
        "{said}"
    );
    for arguments in [
        &["list"][..],
        &["check"],
        &["remove", "alice"],
        &["set-password", "alice"],
    ] {
        let output = place.users(arguments, "x");
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(&format!("process {} holds it", server.pid())));
        assert_eq!(stdout(&output), "");
    }
    // A server that was killed leaves nothing behind that keeps the next one out.
    server.kill();
    place.start(&[]);
}

#[test]
fn a_file_that_others_can_read_gets_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    place.write("");
    std::fs::set_permissions(place.passwd(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let server = place.start(&[]);
    assert!(
        server.log().contains("others than its owner"),
        "{}",
        server.log()
    );
    let place = Place::new();
    let server = place.start(&[]);
    assert!(
        !server.log().contains("others than its owner"),
        "{}",
        server.log()
    );
}

#[test]
fn what_cannot_be_a_passwd_file_is_refused() {
    let place = Place::new();
    std::fs::create_dir(place.passwd()).unwrap();
    let output = place.refused(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("authscope-server: cannot"),
        "{}",
        stderr(&output)
    );
    let output = crate::programs::client(&["login"], "");
    assert_eq!(output.status.code(), Some(2));
}
