//! Users can be moved between a passwd file and a database without loss, and changed in the database while servers run.

use std::os::unix::fs::PermissionsExt;

use crate::accounts_crypt::{BCRYPT, SHA512};
use crate::database::{run, shared, start};
use crate::programs::{Place, stderr, stdout};

#[test]
fn the_same_users_come_back() {
    let Some(cluster) = shared() else {
        return;
    };
    let place = Place::new();
    let mut server = place.start(&[]);
    for user in ["alice", "Alice", "\u{e4}nne", "o'hara"] {
        assert_eq!(server.register(user, "x"), "yes: registered");
    }
    server.stop();
    let brought = format!("bob:{BCRYPT}\ncarol:{SHA512}\n");
    place.write(place.text() + &brought);
    let url = cluster.url(&cluster.empty());
    run(&url, &["accounts", "init"]);
    let passwd = place.passwd().display().to_string();
    let told = "added: 6\nthere already: 0\nthere with another password: 0\n";
    let imported = run(&url, &["users", "import", &passwd]);
    assert_eq!(stdout(&imported), told, "{}", stderr(&imported));
    let again = run(&url, &["users", "import", &passwd]);
    assert_eq!(
        stdout(&again),
        "added: 0\nthere already: 6\nthere with another password: 0\n"
    );
    // In both directions.
    let out = place.path("out");
    let exported = run(&url, &["users", "export", &out.display().to_string()]);
    assert_eq!(
        stdout(&exported),
        "users written: 6\n",
        "{}",
        stderr(&exported)
    );
    let sorted = |text: &str| {
        let users = text.lines().filter(|line| !line.starts_with(':'));
        let mut lines: Vec<String> = users.map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let text = std::fs::read_to_string(&out).unwrap();
    assert_eq!(sorted(&text), sorted(&place.text()));
    let mode = std::fs::metadata(&out).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let copy = Place::new();
    let back = copy.users(&["import", &out.display().to_string()], "");
    assert_eq!(stdout(&back), told, "{}", stderr(&back));
    assert_eq!(sorted(&copy.text()), sorted(&text));
    // Their passwords are what they were; a hash is upgraded behind the login.
    let server = start(&url, &[]);
    assert_eq!(server.login("Alice", "x"), "yes: login successful");
    assert_eq!(server.login("bob", "abc"), "yes: login successful");
    assert_eq!(
        server.login("carol", "Hello world!"),
        "yes: login successful"
    );
    server.wait_for("hash upgraded conn=2");
    server.wait_for("hash upgraded conn=3");
    let listed = stdout(&run(&url, &["users", "list"]));
    assert_eq!(listed.matches("argon2id m=19456").count(), 6, "{listed}");
    let other = run(&url, &["users", "import", &out.display().to_string()]);
    assert_eq!(other.status.code(), Some(1));
    assert!(stdout(&other).ends_with("there with another password: 2\n"));
    assert!(
        stderr(&other).contains("user \"bob\""),
        "{}",
        stderr(&other)
    );
}

#[test]
fn the_last_login_is_the_same_at_every_server_and_after_a_restart() {
    let Some(cluster) = shared() else {
        return;
    };
    let database = cluster.empty();
    let url = cluster.url(&database);
    let place = Place::new();
    let socket = place.path("control").display().to_string();
    let mut one = start(&url, &["--migrate", "--control", &socket]);
    let two = start(&url, &["--control", "off"]);
    for user in ["alice", "bob"] {
        assert_eq!(one.register(user, "x"), "yes: registered");
    }
    assert_eq!(two.login("alice", "x"), "yes: login successful");
    let last = |arguments: &[&str]| {
        let all = [arguments, &["users", "list", "--format", "json"]].concat();
        let listed = run(&url, &all);
        let rows = stdout(&listed);
        let rows = rows.lines().map(|row| {
            let row: serde_json::Value = serde_json::from_str(row).unwrap();
            assert!(row["created"].is_i64(), "{row}");
            row["last_login"].as_i64()
        });
        rows.collect::<Vec<_>>()
    };
    let deadline = std::time::Instant::now() + crate::programs::PATIENCE;
    while last(&[])[0].is_none() {
        assert!(std::time::Instant::now() < deadline);
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let there = last(&[]);
    assert_eq!(last(&["--control", &socket]), there);
    assert_eq!(there[1], None);
    // What a server knows before the database does.
    assert_eq!(one.login("bob", "x"), "yes: login successful");
    assert!(last(&["--control", &socket])[1].is_some());
    one.stop();
    assert_eq!(last(&[])[0], there[0]);
    assert!(last(&[])[1].is_some());
    assert!(run(&url, &["users", "remove", "alice"]).status.success());
    assert_eq!(two.register("alice", "y"), "yes: registered");
    assert_eq!(last(&[])[0], None);
    // The login of a user who had the name before.
    let before = "INSERT INTO authscope_logins VALUES ('alice', now() - interval '1 day')";
    cluster.ask(&database, before);
    assert_eq!(last(&[])[0], None);
}

#[test]
fn users_are_changed_while_servers_run() {
    let Some(cluster) = shared() else {
        return;
    };
    let url = cluster.url(&cluster.empty());
    let server = start(&url, &["--migrate"]);
    assert_eq!(server.register("alice", "x"), "yes: registered");
    let removed = run(&url, &["users", "remove", "alice"]);
    assert_eq!(stdout(&removed), "alice: removed\n", "{}", stderr(&removed));
    assert_eq!(server.login("alice", "x"), "no: no such user");
    assert_eq!(
        run(&url, &["users", "remove", "alice"]).status.code(),
        Some(1)
    );
    assert_eq!(server.register("alice", "y"), "yes: registered");
}
