//! How a server treats the passwd file that it finds: a torn last line is repaired, any other fault stops the start and
//! changes nothing, and only one server can use a file.

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
fn what_an_interrupted_write_left_is_kept_beside_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let before = format!("alice:{ABC}\n");
    for (torn, kept) in [
        ("bob:$argon2id$v=19", "passwd.torn"),
        ("carol", "passwd.torn.1"),
    ] {
        place.write(before.clone() + torn);
        let mut server = place.start(&[]);
        let log = server.log();
        assert!(log.contains(&format!("/{kept}\"")), "{log}");
        server.stop();
        let kept = place.path(kept);
        assert_eq!(std::fs::read_to_string(&kept).unwrap(), torn);
        let mode = std::fs::metadata(kept).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn blocks_that_did_not_reach_the_disk_do_not_stop_the_start() {
    let place = Place::new();
    let mut server = place.start(&[]);
    assert_eq!(server.register("alice", "x"), "yes: registered");
    server.stop();
    let mut text = place.text().into_bytes();
    let synced = text.len();
    for n in 0..160 {
        text.extend_from_slice(format!("new{n}:{ARGON}\n").as_bytes());
    }
    let blocks = text.len() / 4096;
    assert!(blocks >= 3);
    // Each set of missing blocks among the first four.
    for missing in 1..16_usize {
        let mut left = text.clone();
        for (number, block) in left.chunks_mut(4096).enumerate().take(4) {
            if missing & (1 << number) != 0 {
                let kept = synced.saturating_sub(number * 4096).min(block.len());
                block[kept..].fill(0);
            }
        }
        place.write(&left);
        let mut server = place.start(&[]);
        assert!(server.log().contains("torn; cut"), "{}", server.log());
        assert_eq!(server.register("alice", "y"), "no: user name taken");
        server.stop();
        for user in crate::programs::users(&place.passwd()) {
            assert!(user == "alice" || user.starts_with("new"), "{user}");
        }
        assert!(!place.text().contains('\0'));
    }
}

#[test]
fn a_file_edited_by_hand_is_judged_line_by_line() {
    let place = Place::new();
    let mut server = place.start(&[]);
    for name in ["alice", "bob", "carol"] {
        assert_eq!(server.register(name, "x"), "yes: registered");
    }
    server.stop();
    let text = place.text();
    let bobs = text.lines().find(|line| line.starts_with("bob:")).unwrap();
    // A line less, a line changed, a line more, at the end and before it.
    for edited in [
        text.replace(&format!("{bobs}\n"), ""),
        text.replace(bobs, &format!("bob:{ABC}")),
        format!("dave:{ABC}\n{text}"),
        format!("{text}dave:{ABC}\n"),
    ] {
        place.write(&edited);
        let mut server = place.start(&[]);
        assert_eq!(
            server.log().contains("WARN lines were changed"),
            !edited.starts_with(&text),
            "{}",
            server.log()
        );
        for name in ["alice", "carol"] {
            assert_eq!(server.login(name, "x"), "yes: login successful", "{edited}");
        }
        let (bob, password) = if edited.contains(bobs) {
            (true, "x")
        } else {
            (edited.contains("bob:"), "abc")
        };
        let expected = if bob {
            "yes: login successful"
        } else {
            "no: no such user"
        };
        assert_eq!(server.login("bob", password), expected, "{edited}");
        let expected = if edited.contains("dave:") {
            "yes: login successful"
        } else {
            "no: no such user"
        };
        assert_eq!(server.login("dave", "abc"), expected, "{edited}");
        server.stop();
    }
    assert_eq!(place.files(), ["passwd", "passwd.logins"]);
    // A line that is wrong stops the start also there.
    let wrong = text.replace(bobs, "bob");
    place.write(&wrong);
    let said = stderr(&place.refused(&[]));
    assert!(said.contains("no ':'"), "{said}");
    assert_eq!(place.text(), wrong);
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
            format!("alice:{ABC}\nbob:$1$abcdefgh$abcdefghijklmnopqrstuv\n"),
            2,
            "\"1\" is not known",
        ),
        (
            format!("alice:{ABC}\nbob:$2b$12$abcdefghijklmnopqrstuv\n"),
            2,
            "a bcrypt hash has 60 characters",
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
    let mut server = place.start(&["--control", "off"]);
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
