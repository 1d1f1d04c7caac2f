//! A configuration file has the same settings as the options. The command line overrides the environment, and the
//! environment the file.

use std::process::{Command, Output};

use crate::programs::{Place, Server, stderr, stdout};

fn server(place: &Place, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authscope-server"));
    command
        .arg("--config")
        .arg(place.path("server.toml"))
        .args(arguments)
        .envs(environment.iter().copied());
    command
}

fn output(mut command: Command) -> Output {
    command.output().unwrap()
}

#[test]
fn options_hold_before_the_environment_and_that_before_the_file() {
    let place = Place::new();
    let passwd = place.passwd();
    let text = format!(
        "listen = '127.0.0.1:0'\npasswd = {passwd:?}\nmin-password = 6\nmax-failures = 7\nno-registration = true\n"
    );
    std::fs::write(place.path("server.toml"), text).unwrap();
    let printed = output(server(
        &place,
        &["--max-failures", "9", "--print-config"],
        &[
            ("AUTHSCOPE_MIN_PASSWORD", "8"),
            ("AUTHSCOPE_MAX_FAILURES", "8"),
        ],
    ));
    let page = stdout(&printed);
    let file = place.path("server.toml").display().to_string();
    for line in [
        format!("listen = [\"127.0.0.1:0\"]  # {file}, line 1"),
        "min-password = 8  # environment, AUTHSCOPE_MIN_PASSWORD".into(),
        "max-failures = 9  # command line".into(),
        format!("no-registration = true  # {file}, line 5"),
        "hash = \"argon2id\"  # default".into(),
        "# audit is not set".into(),
    ] {
        assert!(
            page.lines().any(|found| found == line),
            "{line}\n{page}{}",
            stderr(&printed)
        );
    }
    assert!(!passwd.exists(), "nothing else is done");
    // What is printed is a configuration.
    std::fs::write(place.path("server.toml"), &page).unwrap();
    let again = stdout(&output(server(&place, &["--print-config"], &[])));
    assert!(again.contains("min-password = 8  # "), "{again}");
    let started = Server::start(server(&place, &["--audit", "-"], &[]));
    assert_eq!(
        started.register("alice", "long enough"),
        "no: registration is closed"
    );
    drop(started);
    let mut list = server(&place, &["users", "list"], &[]);
    assert_eq!(list.output().unwrap().status.code(), Some(0));
    // What the file turns on, the command line turns off.
    let mut off = Server::start(server(&place, &["--no-registration=false"], &[]));
    assert_eq!(off.register("alice", "long enough"), "yes: registered");
    off.stop();
    let printed = output(server(
        &place,
        &["--no-registration=false", "--print-config"],
        &[],
    ));
    let page = stdout(&printed);
    assert!(
        page.contains("no-registration = false  # command line"),
        "{page}"
    );
    // The one who says --accounts does not mean the file's passwd.
    let other = format!("file:{}", place.path("other").display());
    let _server = Server::start(server(&place, &["--accounts", &other], &[]));
    assert!(place.path("other").exists());
}

#[test]
fn what_cannot_be_used_is_told_with_its_line() {
    let place = Place::new();
    std::fs::write(place.path("server.toml"), "passwd = 'x'\nlisen = ':1'\n").unwrap();
    let refused = output(server(&place, &[], &[]));
    assert_eq!(refused.status.code(), Some(2));
    let told = stderr(&refused);
    assert!(
        told.contains("line 2: there is no setting lisen; did you mean listen?"),
        "{told}"
    );
    std::fs::write(place.path("server.toml"), "listen = 'nowhere:x'\n").unwrap();
    let refused = output(server(&place, &[], &[]));
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        stderr(&refused).contains("'nowhere:x' for 'listen ("),
        "{}",
        stderr(&refused)
    );
}

#[test]
fn a_certificate_that_was_made_is_one_that_clients_accept() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let path = |name: &str| place.path(name).display().to_string();
    let (cert, key) = (path("c.pem"), path("k.pem"));
    let arguments = [
        "cert",
        "new",
        "localhost",
        "127.0.0.1",
        "--cert",
        &cert,
        "--key",
        &key,
    ];
    let made = place.run(&arguments);
    assert_eq!(stdout(&made).lines().count(), 2, "{}", stderr(&made));
    assert!(stdout(&made).contains("--ca-file"));
    let permissions = std::fs::metadata(&key).unwrap().permissions().mode();
    assert_eq!(permissions & 0o777, 0o600);
    assert_eq!(
        place.run(&arguments).status.code(),
        Some(2),
        "nothing is overwritten"
    );
    for name in [
        "bad name",
        "",
        "b\u{fc}cher.example",
        "-x",
        "a..b",
        "http://x",
    ] {
        let (cert, key) = (path("no.pem"), path("no.key"));
        let refused = place.run(&["cert", "new", "--cert", &cert, "--key", &key, "--", name]);
        assert_eq!(refused.status.code(), Some(2), "{name}");
        let said = stderr(&refused);
        assert!(said.contains("is no name for a certificate"), "{said}");
        assert!(!place.path("no.key").exists());
    }
    let server = place.start(&["--tls-cert", &cert, "--tls-key", &key, "--tls", "required"]);
    let registered = server.client(&["register", "alice", "--tls", "--ca-file", &cert], "x");
    assert_eq!(registered.status.code(), Some(0), "{}", stderr(&registered));
}

#[test]
fn a_wrong_value_is_told_with_its_place_and_without_a_password() {
    let place = Place::new();
    std::fs::write(place.path("server.toml"), "\nmin-password = 99\n").unwrap();
    let file = place.path("server.toml").display().to_string();
    let refused = output(server(&place, &[], &[]));
    let said = format!("'99' for 'min-password ({file}, line 2)': it takes 1 to 30");
    assert!(stderr(&refused).contains(&said), "{}", stderr(&refused));
    let refused = output(server(&place, &[], &[("AUTHSCOPE_MIN_PASSWORD", "x")]));
    let said = "'x' for 'min-password (environment, AUTHSCOPE_MIN_PASSWORD)': it takes a number";
    assert!(stderr(&refused).contains(said), "{}", stderr(&refused));
    std::fs::write(place.path("server.toml"), "").unwrap();
    let wrong = "postgre://me:hidden@db/x";
    for refused in [
        output(server(&place, &[], &[("AUTHSCOPE_ACCOUNTS", wrong)])),
        output(server(&place, &["--accounts", wrong], &[])),
    ] {
        let said = stderr(&refused);
        assert!(said.contains("'postgre://me:...@db/x'"), "{said}");
        assert!(!said.contains("hidden"), "{said}");
    }
    let url = "postgres://me:hidden@db/x";
    let printed = output(server(&place, &["--accounts", url, "--print-config"], &[]));
    let page = stdout(&printed);
    assert!(
        page.contains("accounts = \"postgres://me:...@db/x\"  # command line"),
        "{page}"
    );
    assert!(!page.contains("hidden"), "{page}");
}
