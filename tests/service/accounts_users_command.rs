//! `authscope-server users`: list, remove, set-password and check, while no server runs.

use crate::programs::{Place, stderr, stdout};

const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

#[test]
fn list_shows_names_and_schemes_and_no_hash() {
    let place = Place::new();
    let mut server = place.start(&[]);
    server.register("名前", "x");
    server.stop();
    place.write(place.text() + &format!("lab:{ABC}\n:::\n"));
    let output = place.users(&["list"], "");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(
        stdout(&output),
        "名前\targon2id m=19456,t=2,p=1\nlab\tplain SHA-256\n"
    );
}

#[test]
fn remove_and_set_password() {
    let place = Place::new();
    place.write(format!("alice:{ABC}\nbob:{ABC}\n"));
    let output = place.users(&["remove", "alice"], "");
    assert_eq!(
        (output.status.code(), &*stdout(&output)),
        (Some(0), "alice: removed\n")
    );
    let output = place.users(&["remove", "alice"], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("alice: no such user"));
    let output = place.users(&["set-password", "bob", "--password-stdin"], "other");
    assert_eq!(
        (output.status.code(), &*stdout(&output)),
        (Some(0), "bob: password set\n")
    );
    let output = place.users(&["set-password", "carol", "--password-stdin"], "other");
    assert_eq!(output.status.code(), Some(1));
    let output = place.users(
        &["set-password", "bob", "--password-stdin"],
        &"x".repeat(31),
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("at most 30 bytes"),
        "{}",
        stderr(&output)
    );
    let server = place.start(&["--control", "off"]);
    assert_eq!(server.login("alice", "abc"), "no: no such user");
    assert_eq!(server.login("bob", "abc"), "no: wrong password");
    assert_eq!(server.login("bob", "other"), "yes: login successful");
    let entries: Vec<_> = std::fs::read_dir(place.path("")).unwrap().collect();
    assert_eq!(entries.len(), 1, "no temporary file stays: {entries:?}");
}

#[test]
fn the_last_user_of_a_file_that_an_editor_wrote_stays() {
    let place = Place::new();
    for command in [
        &["remove", "a"][..],
        &["set-password", "a", "--password-stdin"],
    ] {
        place.write(format!("a:{ABC}\nb:{ABC}\nlast:{ABC}"));
        let output = place.users(command, "x");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let listed = stdout(&place.users(&["list"], ""));
        assert!(
            listed.ends_with("b\tplain SHA-256\nlast\tplain SHA-256\n"),
            "{listed}"
        );
        let mut server = place.start(&[]);
        assert_eq!(server.login("last", "abc"), "yes: login successful");
        server.stop();
    }
    // What the server wrote, and an editor took the last line break from.
    let text = place.text();
    place.write(text.trim_end());
    let output = place.users(&["remove", "b"], "");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let server = place.start(&["--control", "off"]);
    assert_eq!(server.login("last", "abc"), "yes: login successful");
    assert_eq!(place.files(), ["passwd", "passwd.logins"]);
}

#[test]
fn torn_lines_that_a_change_cuts_off_are_kept() {
    let place = Place::new();
    place.write(format!("a:{ABC}\nb:{ABC}\nc:$argon2id$v="));
    let output = place.users(&["remove", "a"], "");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(place.files(), ["passwd", "passwd.torn"]);
    let torn = std::fs::read_to_string(place.path("passwd.torn")).unwrap();
    assert_eq!(torn, "c:$argon2id$v=");
}

#[test]
fn check_tells_every_fault_and_changes_nothing() {
    let place = Place::new();
    let text = format!("alice:{ABC}\nbob\nalice:{ABC}\ncarol:x\ndave:{ABC}\neve:");
    place.write(&text);
    let output = place.users(&["check"], "");
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    for part in [
        "line 2: there is no ':'",
        "line 3: the user name \"alice\" stands on line 1",
        "line 4: the hash",
    ] {
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(
        stdout(&output),
        "users: 2\nlines out of use: 0\nreplaced hashes: 0\nlines changed by hand: no\nend of the file: line 6 is torn (4 bytes)\nfaults: 3\n"
    );
    assert_eq!(place.text(), text);
    place.write(format!("alice:{ABC}\n"));
    let output = place.users(&["check"], "");
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("faults: 0"));
}

#[test]
fn a_missing_file_is_not_made() {
    let place = Place::new();
    for arguments in [&["list"][..], &["check"], &["remove", "alice"]] {
        let output = place.users(arguments, "");
        assert_eq!(output.status.code(), Some(2));
        assert!(
            stderr(&output).contains("cannot open"),
            "{}",
            stderr(&output)
        );
    }
    assert!(!place.passwd().exists());
}

/// Root who adds the first user must not keep the service from its file.
#[test]
fn a_passwd_file_that_root_makes_is_its_folders_owners() {
    use std::os::unix::fs::{MetadataExt, chown};
    const SERVICE: u32 = 65_534;
    if !rustix::process::geteuid().is_root() {
        return crate::need::skip("root", "giving a folder away");
    }
    let place = Place::new();
    let folder = place.path(".");
    chown(&folder, Some(SERVICE), Some(SERVICE)).unwrap();
    let added = place.users(&["add", "alice", "--password-stdin"], "x");
    assert_eq!(stdout(&added), "alice: added\n", "{}", stderr(&added));
    let is_the_services = || {
        let made = place.passwd().metadata().unwrap();
        assert_eq!((made.uid(), made.mode() & 0o777), (SERVICE, 0o600));
    };
    is_the_services();
    for change in [["disable", "alice"], ["enable", "alice"]] {
        assert!(place.users(&change, "").status.success());
        is_the_services();
    }
    std::fs::rename(place.passwd(), place.path("other")).unwrap();
    let other = place.path("other");
    let imported = place.users(&["import", other.to_str().unwrap()], "");
    assert!(imported.status.success(), "{}", stderr(&imported));
    is_the_services();
}
