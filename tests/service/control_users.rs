//! Users are added, changed, removed and listed while the server runs, by anyone who may open its control socket. A
//! change is on disk when it is acknowledged.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::accounts_disk_trouble::padding;
use crate::programs::{Place, stderr, stdout};

#[test]
fn users_come_and_go_while_the_server_runs() {
    let place = Place::new();
    let mut server = place.start(&["--no-registration"]);
    assert_eq!(server.register("alice", "x"), "no: registration is closed");
    let added = place.users(&["add", "alice", "--password-stdin"], "first");
    assert_eq!(stdout(&added), "alice: added\n", "{}", stderr(&added));
    assert_eq!(server.login("alice", "first"), "yes: login successful");
    let again = place.users(&["add", "alice", "--password-stdin"], "x");
    assert_eq!(again.status.code(), Some(1));
    assert_eq!(stderr(&again), "authscope-server: alice: user name taken\n");
    let made = stdout(&place.users(&["add", "bob", "--generate"], ""));
    let password = made.split_once("password: ").unwrap().1.trim_end();
    assert_eq!(password.len(), 20);
    assert_eq!(server.login("bob", password), "yes: login successful");

    place.users(&["set-password", "alice", "--password-stdin"], "second");
    assert_eq!(server.login("alice", "first"), "no: wrong password");
    assert_eq!(server.login("alice", "second"), "yes: login successful");

    assert_eq!(
        stdout(&place.users(&["disable", "alice"], "")),
        "alice: disabled\n"
    );
    assert_eq!(server.login("alice", "second"), "no: this user is disabled");
    assert_eq!(server.login("alice", "guess"), "no: wrong password");
    let listed = stdout(&place.users(&["list", "--format", "json"], ""));
    let rows: Vec<Value> = listed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let row = |name: &str| rows.iter().find(|row| row["name"] == name).unwrap();
    assert_eq!(row("alice")["disabled"], true);
    assert_eq!(row("bob")["disabled"], false);
    assert!(row("bob")["last_login"].as_i64().unwrap() > 1_700_000_000);
    assert!(!listed.contains("$argon2"), "no hash: {listed}");
    assert_eq!(
        stdout(&place.users(&["enable", "alice"], "")),
        "alice: enabled\n"
    );
    assert_eq!(server.login("alice", "second"), "yes: login successful");

    assert_eq!(
        stdout(&place.users(&["remove", "bob"], "")),
        "bob: removed\n"
    );
    assert_eq!(server.login("bob", password), "no: no such user");
    assert_eq!(place.users(&["remove", "bob"], "").status.code(), Some(1));
    assert!(!place.text().contains("bob:"), "{}", place.text());
    // As a crash leaves it.
    server.kill();
    let mut server = place.start(&[]);
    assert_eq!(server.login("alice", "second"), "yes: login successful");
    assert_eq!(server.login("bob", password), "no: no such user");
    assert_eq!(server.register("bob", "x"), "yes: registered");
    server.stop();
    assert_eq!(place.files(), ["passwd", "passwd.logins"]);
    // And while no server runs.
    for (arguments, input, said) in [
        (
            &["add", "carol", "--password-stdin"][..],
            "y",
            "carol: added\n",
        ),
        (&["disable", "carol"], "", "carol: disabled\n"),
        (
            &["set-password", "carol", "--password-stdin"],
            "z",
            "carol: password set\n",
        ),
    ] {
        let done = place.users(arguments, input);
        assert_eq!(stdout(&done), said, "{}", stderr(&done));
    }
    let server = place.start(&[]);
    assert_eq!(server.login("carol", "z"), "no: this user is disabled");
    let table = stdout(&place.users(&["list", "--format", "table"], ""));
    let carol = table.lines().find(|line| line.starts_with("carol "));
    assert!(
        table.contains("Last login") && carol.is_some_and(|row| row.ends_with("disabled")),
        "{table}"
    );
    // A passwd file does not tell when somebody registered.
    assert!(!table.contains("Registered"), "{table}");
    assert!(table.lines().all(|line| line.len() <= 80), "{table}");
}

/// Seconds since 1970, by name.
fn last_logins(place: &Place) -> std::collections::BTreeMap<String, Option<i64>> {
    let listed = place.users(&["list", "--format", "json"], "");
    assert!(listed.status.success(), "{}", stderr(&listed));
    let listed = stdout(&listed);
    let rows = listed.lines().map(|line| {
        let row: Value = serde_json::from_str(line).unwrap();
        let name = row["name"].as_str().unwrap().to_owned();
        (name, row["last_login"].as_i64())
    });
    rows.collect()
}

#[test]
fn the_last_login_outlives_the_server() {
    let place = Place::new();
    let mut server = place.start(&[]);
    for user in ["alice", "bob", "carol"] {
        assert_eq!(server.register(user, "x"), "yes: registered");
    }
    let before = jiff::Timestamp::now().as_second();
    assert_eq!(server.login("alice", "x"), "yes: login successful");
    assert_eq!(server.login("carol", "wrong"), "no: wrong password");
    let at_once = last_logins(&place);
    assert!(at_once["alice"].unwrap() >= before - 1, "{at_once:?}");
    assert_eq!((at_once["bob"], at_once["carol"]), (None, None));
    server.stop();
    let offline = last_logins(&place);
    assert!(
        offline["alice"]
            .unwrap()
            .abs_diff(at_once["alice"].unwrap())
            <= 1
    );
    let mut server = place.start(&[]);
    assert_eq!(last_logins(&place), offline);
    assert_eq!(server.login("bob", "x"), "yes: login successful");
    // What is written by now is there after a crash.
    let deadline = std::time::Instant::now() + crate::programs::PATIENCE;
    let path = place.path("passwd.logins");
    while !std::fs::read_to_string(&path).unwrap().contains("bob:") {
        assert!(std::time::Instant::now() < deadline);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    server.kill();
    let after = last_logins(&place);
    assert_eq!(after["alice"], offline["alice"]);
    assert!(after["bob"].is_some());
    // Whoever registers the name of a user who was removed has not logged in.
    let removed = place.users(&["remove", "alice"], "");
    assert!(removed.status.success(), "{}", stderr(&removed));
    let server = place.start(&[]);
    assert_eq!(server.login("bob", "x"), "yes: login successful");
    for user in ["bob", "carol"] {
        assert!(place.users(&["remove", user], "").status.success());
    }
    for user in ["alice", "bob"] {
        assert_eq!(server.register(user, "x"), "yes: registered");
    }
    let again = last_logins(&place);
    assert_eq!(again.values().copied().collect::<Vec<_>>(), [None, None]);
}

#[test]
fn logins_are_answered_though_the_last_one_cannot_be_kept() {
    let place = Place::new();
    std::fs::create_dir(place.path("passwd.logins")).unwrap();
    let mut server = place.start(&[]);
    assert_eq!(server.register("alice", "x"), "yes: registered");
    assert_eq!(server.login("alice", "x"), "yes: login successful");
    server.wait_for("last logins are not kept for now");
    assert!(last_logins(&place)["alice"].is_some());
    assert!(stdout(&place.run(&["status"])).contains("ready: yes"));
    std::fs::remove_dir(place.path("passwd.logins")).unwrap();
    server.stop();
    assert!(last_logins(&place)["alice"].is_some());
}

#[test]
fn a_backup_is_a_passwd_file() {
    let place = Place::new();
    let server = place.start(&[]);
    for user in ["alice", "bob"] {
        assert_eq!(server.register(user, "x"), "yes: registered");
    }
    place.users(&["remove", "bob"], "");
    let copy = Place::new();
    let path = copy.passwd().display().to_string();
    let written = place.run(&["backup", &path]);
    assert_eq!(
        stdout(&written),
        "1 users written\n",
        "{}",
        stderr(&written)
    );
    let exported = place.users(&["export", &path], "");
    assert_eq!(exported.status.code(), Some(2));
    let said = stderr(&exported);
    assert!(said.contains("authscope-server backup FILE"), "{said}");
    let again = place.run(&["backup", &path]);
    assert_eq!(again.status.code(), Some(2), "nothing is overwritten");
    let said = format!("cannot make \"{path}\": file exists; name one that is not there yet\n");
    assert_eq!(stderr(&again), format!("authscope-server: {said}"));
    let mode = std::fs::metadata(copy.passwd())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let server = copy.start(&[]);
    assert_eq!(server.login("alice", "x"), "yes: login successful");
    assert_eq!(server.login("bob", "x"), "no: no such user");
}

/// A start refuses such hashes, so somebody has to change the file, and not its length, while the server runs.
#[test]
fn a_user_whose_hash_cannot_be_used_is_listed_backed_up_and_mended() {
    const FAULTS: [(&str, &str, &str); 4] = [
        ("unknown scheme", "$argon2id$", "$argon9id$"),
        ("unknown version", "$v=19$", "$v=99$"),
        ("too costly", ",p=1$", ",p=0$"),
        ("no hash", "$argon2id$", "/argon2id/"),
    ];
    let place = Place::new();
    let mut server = place.start(&[]);
    let users = FAULTS.map(|(user, ..)| user);
    for user in users.iter().chain(&["sound"]) {
        assert_eq!(server.register(user, "x"), "yes: registered");
    }
    let changed = |line: &str| {
        let fault = FAULTS.iter().find(|(user, ..)| line.starts_with(user));
        fault.map_or(line.to_owned(), |(_, is, becomes)| {
            line.replacen(is, becomes, 1)
        }) + "\n"
    };
    place.write(place.text().lines().map(changed).collect::<String>());
    for user in users {
        let told = "no: server error, try again later";
        assert_eq!(server.login(user, "x"), told, "{user}");
    }
    assert_eq!(server.login("sound", "x"), "yes: login successful");
    let schemes = || {
        let listed = stdout(&place.users(&["list"], ""));
        let row = |line: &str| {
            line.split_once('\t')
                .map(|(user, scheme)| (user.to_owned(), scheme.to_owned()))
        };
        listed
            .lines()
            .filter_map(row)
            .collect::<std::collections::HashMap<_, _>>()
    };
    let listed = schemes();
    assert_eq!(listed.len(), users.len() + 1, "{listed:?}");
    for user in users {
        assert_eq!(listed[user], "unusable", "{user}");
    }
    let kept = place.path("kept");
    let written = place.run(&["backup", kept.to_str().unwrap()]);
    assert_eq!(
        stdout(&written),
        "5 users written\n",
        "{}",
        stderr(&written)
    );
    let of_users = |text: &str| {
        let lines = text.lines().filter(|line| !line.starts_with(':'));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let kept = std::fs::read_to_string(kept).unwrap();
    assert_eq!(of_users(&kept), of_users(&place.text()));
    for user in users {
        let set = place.users(&["set-password", user, "--password-stdin"], "other");
        let told = format!("{user}: password set\n");
        assert_eq!(stdout(&set), told, "{}", stderr(&set));
        assert_eq!(server.login(user, "other"), "yes: login successful");
    }
    let listed = schemes();
    assert!(
        listed.values().all(|scheme| scheme != "unusable"),
        "{listed:?}"
    );
    server.stop();
    let server = place.start(&[]);
    for user in users {
        assert_eq!(server.login(user, "other"), "yes: login successful");
    }
}

#[test]
fn who_has_to_wait_is_told_and_let_go() {
    let place = Place::new();
    let server = place.start(&["--max-failures", "1"]);
    assert_eq!(server.register("alice", "right"), "yes: registered");
    // Twelve failures make a wait of fifteen minutes; each is one of its own as it waits for the last.
    let mut guesses = 0;
    let listed = loop {
        server.login("alice", &format!("guess{guesses}"));
        guesses += 1;
        let listed = stdout(&place.run(&["throttle", "list"]));
        let long = listed.lines().any(|line| {
            line.starts_with("127.0.0.1\talice\t")
                && !line.ends_with("\t1")
                && !line.ends_with("\t2")
        });
        if long {
            break listed;
        }
        assert!(guesses < 2000, "{listed}");
    };
    assert_eq!(listed.lines().count(), 1, "{listed}");
    assert!(server.login("alice", "right").starts_with("no: too many"));
    let rows = stdout(&place.users(&["list", "--format", "json"], ""));
    let row: Value = serde_json::from_str(&rows).unwrap();
    assert!(row["locked_seconds"].as_u64().unwrap() > 0, "{rows}");
    assert_eq!(
        stdout(&place.users(&["unlock", "alice"], "")),
        "alice: unlocked\n"
    );
    assert_eq!(server.login("alice", "right"), "yes: login successful");
    assert_eq!(stdout(&place.run(&["throttle", "list"])), "");
    let nobody = place.users(&["unlock", "nobody"], "");
    assert_eq!(stderr(&nobody), "authscope-server: nobody: no such user\n");
    assert_eq!(nobody.status.code(), Some(1));
    let cleared = place.run(&["throttle", "clear", "--address", "127.0.0.1"]);
    assert_eq!(stdout(&cleared), "failed logins forgotten\n");
}

#[test]
fn a_reader_of_the_list_that_has_seen_enough_is_no_error() {
    let place = Place::new();
    place.write(padding(20_000));
    let server = place.start(&[]);
    for form in ["text", "json", "table"] {
        let mut list = place.command();
        list.args(["users", "list", "--format", form])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut list = list.spawn().unwrap();
        let mut first = String::new();
        BufReader::new(list.stdout.take().unwrap())
            .read_line(&mut first)
            .unwrap();
        assert!(!first.is_empty());
        let done = list.wait_with_output().unwrap();
        assert_eq!(stderr(&done), "", "{form}");
        assert!(done.status.success(), "{form}");
    }
    drop(server);
}

#[test]
fn half_an_export_or_backup_is_none() {
    let place = Place::new();
    place.write(padding(2000));
    let file = place.path("users");
    let limited = |arguments: &[&str]| {
        let plain = place.command();
        Command::new("sh")
            .arg("-c")
            // In blocks of 512 octets.
            .arg("trap '' XFSZ && ulimit -f 8 && exec \"$0\" \"$@\"")
            .arg(plain.get_program())
            .args(plain.get_args())
            .args(arguments)
            .output()
            .unwrap()
    };
    let name = file.to_str().unwrap();
    let exported = limited(&["users", "export", name]);
    assert_eq!(exported.status.code(), Some(2));
    let said = stderr(&exported);
    assert!(
        said.starts_with(&format!(
            "authscope-server: cannot make \"{name}\": file too large"
        )),
        "{said}"
    );
    assert!(!file.exists());
    let mut server = place.start_under("ulimit -f 8", &[]);
    let kept = place.run(&["backup", name]);
    assert_eq!(kept.status.code(), Some(2));
    assert!(
        stderr(&kept).contains("file too large"),
        "{}",
        stderr(&kept)
    );
    assert!(!file.exists());
    server.stop();
}

#[test]
fn commands_at_the_same_time_wait_for_each_other() {
    let place = Place::new();
    let adding: Vec<_> = (0..6)
        .map(|n| {
            let mut add = Command::new(env!("CARGO_BIN_EXE_authscope-server"));
            add.arg("--passwd").arg(place.passwd());
            add.args(["users", "add", &format!("user{n}"), "--generate"]);
            add.stdout(Stdio::null()).stderr(Stdio::piped());
            add.spawn().unwrap()
        })
        .collect();
    for adding in adding {
        let output = adding.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
    }
    let listed = stdout(&place.users(&["list"], ""));
    assert_eq!(listed.lines().count(), 6, "{listed}");
}
