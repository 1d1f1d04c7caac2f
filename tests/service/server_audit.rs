//! The audit stream: one line of JSON for each registration, login and change of users, without a password or a hash,
//! in a file that can be rotated. Also: passwords that may not be chosen.

use serde_json::Value;

use crate::programs::{PATIENCE, Place, Server, stderr, stdout};

fn lines(path: &std::path::Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Waits until the file has so many lines.
fn wait_for(path: &std::path::Path, count: usize) -> Vec<Value> {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let found = lines(path);
        if found.len() >= count {
            return found;
        }
        assert!(std::time::Instant::now() < deadline, "{found:?}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

fn with_audit(place: &Place, path: &str, arguments: &[&str]) -> Server {
    place.start(&[&["--audit", path], arguments].concat())
}

#[test]
fn each_event_is_a_line_without_secrets() {
    let place = Place::new();
    let audit = place.path("audit.jsonl");
    let path = audit.display().to_string();
    let server = with_audit(&place, &path, &["--max-failures", "2"]);
    server.register("alice", "sesame-one");
    server.register("alice", "sesame-one");
    server.login("alice", "sesame-one");
    server.login("alice", "sesame-two");
    server.login("nobody", "sesame-two");
    place.users(
        &["set-password", "alice", "--password-stdin"],
        "sesame-three",
    );
    place.users(&["list"], "");
    let events = wait_for(&audit, 6);
    let told: Vec<_> = events
        .iter()
        .map(|event| {
            let text = |key: &str| event[key].as_str().unwrap().to_owned();
            (
                text("event"),
                text("user"),
                event["success"].as_bool().unwrap(),
                text("outcome"),
            )
        })
        .collect();
    let expected = [
        ("registration", "alice", true, "registered"),
        ("registration", "alice", false, "user name taken"),
        ("login", "alice", true, "login successful"),
        ("login", "alice", false, "wrong password"),
        ("login", "nobody", false, "no such user"),
        ("password set", "alice", true, "password set"),
    ];
    let expected = expected.map(|(a, b, c, d)| (a.to_owned(), b.to_owned(), c, d.to_owned()));
    assert_eq!(told, expected);
    assert_eq!(events[0]["address"], "127.0.0.1");
    assert_eq!(events[0]["conn"], 1);
    let uid = rustix::process::geteuid().as_raw();
    assert_eq!(events[5]["by_uid"], uid);
    assert!(events[5]["by_pid"].as_i64().unwrap() > 0);
    let text = std::fs::read_to_string(&audit).unwrap();
    assert!(!text.contains("sesame") && !text.contains('$'), "{text}");
    // After a rotation lines go to a file of the old name.
    std::fs::rename(&audit, place.path("audit.1")).unwrap();
    assert_eq!(place.run(&["reload"]).status.code(), Some(0));
    server.wait_for("reloaded");
    server.login("alice", "sesame-three");
    let deadline = std::time::Instant::now() + PATIENCE;
    let is_login = |event: &Value| event["outcome"] == "login successful";
    while !lines(&audit).iter().any(is_login) {
        assert!(std::time::Instant::now() < deadline);
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

#[test]
fn what_is_changed_without_a_server_stands_there_too() {
    let place = Place::new();
    let audit = place.path("audit.jsonl");
    let path = audit.display().to_string();
    let users = |arguments: &[&str], password: &str| {
        place.run_with(
            &[&["--audit", &path, "users"], arguments].concat(),
            password,
        )
    };
    users(&["add", "alice", "--password-stdin"], "sesame-one");
    users(&["add", "alice", "--password-stdin"], "sesame-one");
    users(&["disable", "alice"], "");
    users(&["set-password", "alice", "--password-stdin"], "sesame-two");
    users(&["enable", "nobody"], "");
    users(&["remove", "alice"], "");
    let told: Vec<_> = lines(&audit)
        .iter()
        .map(|event| format!("{} {} {}", event["event"], event["user"], event["outcome"]))
        .collect();
    let expected = [
        r#""user added" "alice" "added""#,
        r#""user added" "alice" "user name taken""#,
        r#""user disabled" "alice" "disabled""#,
        r#""password set" "alice" "password set""#,
        r#""user enabled" "nobody" "no such user""#,
        r#""user removed" "alice" "removed""#,
    ];
    assert_eq!(told, expected);
    let uid = rustix::process::geteuid().as_raw();
    assert!(lines(&audit).iter().all(|event| event["by_uid"] == uid));
    assert!(!std::fs::read_to_string(&audit).unwrap().contains("sesame"));
}

#[test]
fn passwords_that_may_not_be_chosen_are_refused_with_the_reason() {
    let place = Place::new();
    let list = place.path("common");
    std::fs::write(&list, "password\nletmein123\n").unwrap();
    let list = list.display().to_string();
    let rules = ["--min-password", "8", "--blocklist", &list];
    place.write("old:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n");
    let mut server = place.start(&rules);
    let short = "no: password too short, choose one of at least 8 characters";
    assert_eq!(server.register("alice", "short"), short);
    let common = "no: password too common, choose another";
    assert_eq!(server.register("alice", "LetMeIn123"), common);
    assert_eq!(server.register("alice", "rather long"), "yes: registered");
    // Passwords that are there already are not judged.
    assert_eq!(server.login("old", "abc"), "yes: login successful");
    let added = place.users(&["add", "bob", "--password-stdin"], "short");
    assert_eq!(added.status.code(), Some(1));
    assert!(
        stderr(&added).contains("bob: password too short"),
        "{}",
        stderr(&added)
    );
    server.stop();
    let set = place.run_with(
        &[
            &rules[..],
            &["users", "set-password", "alice", "--password-stdin"],
        ]
        .concat(),
        "password",
    );
    assert_eq!(set.status.code(), Some(1));
    assert!(
        stderr(&set).contains("alice: password too common"),
        "{}{}",
        stdout(&set),
        stderr(&set)
    );
}

#[test]
fn a_password_that_is_made_keeps_to_the_rules() {
    let place = Place::new();
    for (least, length) in [("1", 20), ("20", 20), ("30", 30)] {
        let name = format!("user{least}");
        let made = place.run(&["--min-password", least, "users", "add", &name, "--generate"]);
        let told = stdout(&made);
        let (_, password) = told.split_once("password: ").expect(&told);
        assert_eq!(password.trim_end().len(), length, "{}", stderr(&made));
    }
}

#[test]
fn what_cannot_be_written_down_is_not_done() {
    let place = Place::new();
    let audit = place.path("missing/audit").display().to_string();
    let told = format!(
        "authscope-server: cannot open the audit file \"{audit}\": no such file or directory; name another with --audit\n"
    );
    let add = ["--audit", &audit, "users", "add", "alice", "--generate"];
    let added = place.run(&add);
    assert_eq!(
        (added.status.code(), stderr(&added)),
        (Some(2), told.clone())
    );
    assert!(!place.passwd().exists());
    let full = [
        "--audit",
        "/dev/full",
        "users",
        "add",
        "alice",
        "--generate",
    ];
    let lost = place.run(&full);
    assert!(
        stdout(&lost).starts_with("alice: added\n"),
        "{}",
        stderr(&lost)
    );
    assert!(
        stderr(&lost).contains("was not written: user added"),
        "{}",
        stderr(&lost)
    );
    let before = place.text();
    for change in [
        &["disable", "alice"][..],
        &["remove", "alice"],
        &["set-password", "alice", "--password-stdin"],
        &["import", "/dev/null"],
    ] {
        let output = place.run_with(&[&["--audit", &audit, "users"], change].concat(), "y");
        assert_eq!(
            (output.status.code(), stderr(&output)),
            (Some(2), told.clone())
        );
    }
    assert_eq!(place.text(), before);
}

/// Root who changes users before the service has made the file must not keep the service from it.
#[test]
fn what_root_makes_is_its_folders_owners() {
    use std::os::unix::fs::{MetadataExt, chown, symlink};
    const SERVICE: u32 = 65_534;
    if !rustix::process::geteuid().is_root() {
        return crate::need::skip("root", "giving a folder away");
    }
    let place = Place::new();
    let folder = place.path("log");
    std::fs::create_dir(&folder).expect("a folder");
    chown(&folder, Some(SERVICE), Some(SERVICE)).expect("it is given away");
    let stays_roots = place.path("of-root");
    std::fs::write(&stays_roots, "").expect("a file of root's");
    symlink(&stays_roots, folder.join("link")).expect("a link of the service's");
    let owner = |path: &std::path::Path| std::fs::metadata(path).expect("a file").uid();
    for (name, user) in [("audit.jsonl", "alice"), ("link", "bob")] {
        let audit = folder.join(name);
        let arguments = ["--audit", audit.to_str().expect("UTF-8")];
        let output = place.run_with(
            &[&arguments[..], &["users", "add", user, "--password-stdin"]].concat(),
            "correct horse\n",
        );
        assert!(output.status.success(), "{}", stderr(&output));
        assert_eq!(lines(&audit).len(), 1);
    }
    assert_eq!(owner(&folder.join("audit.jsonl")), SERVICE);
    assert_eq!(owner(&stays_roots), 0);
}
