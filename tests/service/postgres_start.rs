//! How a server connects to its database: tables are created on request, a password is never shown, connections are
//! encrypted and verified, and a database that may lose commits is refused.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use crate::database::{Cluster, PASSWORD, USER, command, own, run, shared, start};
use crate::programs::{Place, stderr, stdout};

#[test]
fn tables_are_made_when_asked() {
    let Some(cluster) = shared() else {
        return;
    };
    let url = cluster.url(&cluster.empty());
    let without = run(&url, &["--listen", "127.0.0.1:0"]);
    assert_eq!(without.status.code(), Some(2));
    let told = stderr(&without);
    assert!(
        told.contains("accounts init") && told.contains("--migrate"),
        "{told}"
    );
    let made = run(&url, &["accounts", "init"]);
    assert_eq!(
        stdout(&made),
        "migrations applied: 2\n",
        "{}",
        stderr(&made)
    );
    let again = run(&url, &["accounts", "init"]);
    assert_eq!(stdout(&again), "migrations applied: 0\n");
    let server = start(&url, &[]);
    assert_eq!(server.register("alice", "x"), "yes: registered");
    let url = cluster.url(&cluster.empty());
    let server = start(&url, &["--migrate"]);
    assert_eq!(server.register("alice", "x"), "yes: registered");
    assert_eq!(server.login("alice", "x"), "yes: login successful");
    assert_eq!(server.login("Alice", "x"), "no: no such user");
}

#[test]
fn a_bad_row_is_that_users_fault() {
    let Some(cluster) = shared() else {
        return;
    };
    let database = cluster.empty();
    let server = start(&cluster.url(&database), &["--migrate"]);
    assert_eq!(server.register("alice", "x"), "yes: registered");
    assert_eq!(server.register("bob", "x"), "yes: registered");
    cluster.ask(
        &database,
        "UPDATE authscope_users SET hash = 'none' WHERE name = 'alice'",
    );
    assert_eq!(
        server.login("alice", "x"),
        "no: server error, try again later"
    );
    assert_eq!(server.login("bob", "x"), "yes: login successful");
    server.wait_for("the row of user");
    drop(server);
    let server = start(&cluster.url(&database), &[]);
    assert_eq!(server.login("bob", "x"), "yes: login successful");
    let checked = run(&cluster.url(&database), &["users", "check"]);
    assert_eq!(checked.status.code(), Some(1));
    assert!(stderr(&checked).contains("alice"), "{}", stderr(&checked));
}

#[test]
fn a_password_comes_from_a_file_or_the_environment_and_is_never_shown() {
    let Some(cluster) = shared() else {
        return;
    };
    let place = Place::new();
    let database = cluster.empty();
    let url = cluster.url(&database);
    let file = place.path("password");
    std::fs::write(&file, format!("{PASSWORD}\n")).unwrap();
    let mode = |mode| std::fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
    mode(0o600);
    let mut with_file = command(&url);
    with_file
        .env_remove("PGPASSWORD")
        .args([
            "--migrate",
            "--log-level",
            "debug",
            "--accounts-password-file",
        ])
        .arg(&file);
    let server = crate::programs::Server::start(with_file);
    assert_eq!(server.register("alice", "x"), "yes: registered");
    let arguments = std::fs::read(format!("/proc/{}/cmdline", server.pid())).unwrap();
    assert!(!String::from_utf8_lossy(&arguments).contains(PASSWORD));
    assert!(!server.log().contains(PASSWORD), "{}", server.log());
    assert!(
        !server.log().contains("others can read"),
        "{}",
        server.log()
    );
    mode(0o644);
    let list = [
        "--accounts-password-file",
        file.to_str().unwrap(),
        "users",
        "list",
    ];
    let listed = stderr(&run(&url, &list));
    assert!(
        listed.contains("others can read the database's password"),
        "{listed}"
    );
    for (password, said) in [
        ("", "password missing"),
        ("wrong", "password authentication failed"),
    ] {
        let mut wrong = command(&url);
        wrong.env("PGPASSWORD", password).stderr(Stdio::piped());
        if password.is_empty() {
            wrong.env_remove("PGPASSWORD");
        }
        let output = wrong.output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let told = stderr(&output);
        assert!(told.contains(said), "{told}");
    }
    let shown = url.replacen(USER, &format!("{USER}:visible"), 1);
    let refused = run(&shown, &[]);
    assert_eq!(refused.status.code(), Some(2));
    let told = stderr(&refused);
    assert!(
        told.contains("--accounts-password-file") && !told.contains("visible"),
        "{told}"
    );
}

#[test]
fn a_database_that_may_lose_commits_is_refused() {
    let Some(cluster) = shared() else {
        return;
    };
    let database = cluster.empty();
    let url = cluster.url(&database);
    cluster.ask(
        "postgres",
        &format!("ALTER DATABASE {database} SET synchronous_commit = off"),
    );
    let refused = run(&url, &["--migrate"]);
    assert_eq!(refused.status.code(), Some(2));
    let told = stderr(&refused);
    assert!(told.contains("synchronous_commit is off"), "{told}");
    let server = start(&url, &["--migrate", "--accounts-weak-commit"]);
    assert_eq!(server.register("alice", "x"), "yes: registered");
}

#[test]
fn connections_are_encrypted_and_verified() {
    let Some(cluster) = Cluster::start(&[]) else {
        return;
    };
    let names = ["127.0.0.1".to_owned()];
    let key = rcgen::generate_simple_self_signed(names).unwrap();
    let other = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    for (name, text) in [
        ("cert.pem", key.cert.pem()),
        ("key.pem", key.signing_key.serialize_pem()),
        ("other.pem", other.cert.pem()),
    ] {
        std::fs::write(cluster.path(name), text).unwrap();
        own(&cluster.path(name));
    }
    let path = |name: &str| cluster.path(name).display().to_string();
    cluster.kill();
    let (cert, key) = (path("cert.pem"), path("key.pem"));
    cluster.run(&[
        "ssl=on",
        &format!("ssl_cert_file={cert}"),
        &format!("ssl_key_file={key}"),
    ]);
    let database = cluster.empty();
    let url = |root: &str| {
        let root = path(root);
        format!(
            "{}?sslmode=verify-full&sslrootcert={root}",
            cluster.url(&database)
        )
    };
    let server = start(&url("cert.pem"), &["--migrate"]);
    assert_eq!(server.register("alice", "x"), "yes: registered");
    let encrypted = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
        WHERE application_name = 'authscope-server'";
    assert_eq!(cluster.ask("postgres", encrypted).trim(), "t");
    let refused = run(&url("other.pem"), &[]);
    assert_eq!(refused.status.code(), Some(2));
    let told = stderr(&refused);
    assert!(told.contains("certificate"), "{told}");
}
