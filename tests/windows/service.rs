//! Server and client for Windows: exchanges, refusals, TLS, names in Chinese, the control channel, an orderly shutdown.

use std::process::Command;

use crate::programs::{Place, Server, client, stdout};
use crate::wine::{text, windows_path, wine};

#[test]
fn clients_of_both_systems_register_and_log_in() {
    let Some(wine) = wine() else { return };
    let place = Place::new();
    let mut server = wine.server(&place, &[]);
    for (arguments, password, code, said) in [
        (["register", "小明"], "密码 1", 0, "registered\n"),
        (["login", "小明"], "密码 1", 0, "login successful\n"),
        (["login", "小明"], "wrong", 1, "wrong password\n"),
        (["login", "王伟"], "secret", 1, "no such user\n"),
        (["register", "小明"], "other", 1, "user name taken\n"),
    ] {
        let output = wine.client(&server, &arguments, &format!("{password}\n"));
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert_eq!(
            text(&output.stdout) + &text(&output.stderr).replace("authscope-client: ", ""),
            said
        );
    }
    // Linux' client finds the same.
    let output = server.client(&["login", "小明"], "密码 1\n");
    assert_eq!(stdout(&output), "login successful\n");
    assert!(
        place.text().starts_with("小明:$argon2id$"),
        "{}",
        place.text()
    );
    assert!(server.log().contains("user=\"小明\""), "{}", server.log());
    server.signal(rustix::process::Signal::INT);
    assert_eq!(server.stop_status(), Some(0), "{}", server.log());
    server.wait_for("stopped");
}

#[test]
fn one_server_holds_file_and_port_and_answers_on_its_control_channel() {
    let Some(wine) = wine() else { return };
    let place = Place::new();
    let server = wine.server(&place, &[]);
    let passwd = windows_path(&place.passwd());
    let users = |arguments: &[&str], input: &str| {
        let mut command = wine.to_its_end("authscope-server");
        command.args(["--passwd", &passwd]).args(arguments);
        let output = crate::programs::run(&mut command, input);
        (
            output.status.code(),
            text(&output.stdout) + &text(&output.stderr),
        )
    };
    let (code, said) = users(&["--listen", "127.0.0.1:0", "--control", "off"], "");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("another process holds it"), "{said}");
    let (code, said) = users(&["users", "add", "李娜", "--password-stdin"], "secret\n");
    assert_eq!((code, &*said), (Some(0), "李娜: added\n"));
    assert_eq!(server.login("李娜", "secret"), "yes: login successful");
    let (code, said) = users(&["users", "list"], "");
    assert!(code == Some(0) && said.contains("李娜\t"), "{said}");
    let (code, said) = users(&["users", "remove", "李娜"], "");
    assert_eq!((code, &*said), (Some(0), "李娜: removed\n"));
    assert_eq!(server.login("李娜", "secret"), "no: no such user");
    // The removal wrote the file anew.
    assert_eq!(server.register("王芳", "secret"), "yes: registered");
    assert!(place.text().contains("王芳:"), "{}", place.text());
    assert_eq!(users(&["reload"], "").0, Some(0));
    server.wait_for("reloaded");
    let (code, said) = users(&["status"], "");
    assert!(code == Some(0) && said.contains("ready: yes"), "{said}");
    let other = Place::new();
    let address = server.address.to_string();
    let mut command = wine.to_its_end("authscope-server");
    command.args([
        "--listen",
        &address,
        "--passwd",
        &windows_path(&other.passwd()),
    ]);
    let output = crate::programs::run(&mut command, "");
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains("address already in use"), "{said}");
}

#[test]
fn the_port_is_claimed_before_it_is_bound() {
    let Some(wine) = wine() else { return };
    let place = Place::new();
    let mut command = wine.program("authscope-server");
    command
        .args(["--listen", "127.0.0.1:0", "--passwd"])
        .arg(windows_path(&place.passwd()))
        .env("WINEDEBUG", "-all,+winsock");
    let server = Server::start(command);
    let log = server.log();
    // As wine writes its calls: the option, then the address. A socket that wakes the program's own threads is bound before.
    let at = |what: &str| {
        log.rfind(what)
            .unwrap_or_else(|| panic!("no {what}: {log}"))
    };
    assert!(at("name SO_EXCLUSIVEADDRUSE") < at("bind socket"), "{log}");
}

#[test]
fn users_are_changed_by_hand_where_no_server_runs() {
    let Some(wine) = wine() else { return };
    let place = Place::new();
    let passwd = windows_path(&place.passwd());
    let mut command = wine.to_its_end("authscope-server");
    command.args([
        "--passwd",
        &passwd,
        "users",
        "add",
        "ada",
        "--password-stdin",
    ]);
    let output = crate::programs::run(&mut command, "one\n");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for (arguments, said) in [
        (&["users", "disable", "ada"][..], "ada: disabled\n"),
        (&["users", "enable", "ada"], "ada: enabled\n"),
        (&["users", "remove", "ada"], "ada: removed\n"),
    ] {
        let (code, out, error) = wine.answer(
            "authscope-server",
            &[&["--passwd", &passwd], arguments].concat(),
        );
        assert_eq!((code, &*out), (Some(0), said), "{error}");
    }
    let left: Vec<String> = place.files();
    assert_eq!(left, ["passwd"], "nothing stays beside it");
}

#[test]
fn tls_goes_between_both_systems() {
    let Some(wine) = wine() else { return };
    let place = Place::new();
    let path = |name: &str| windows_path(&place.path(name));
    let (cert, key) = (path("cert.pem"), path("key.pem"));
    let (code, _, said) = wine.answer(
        "authscope-server",
        &["cert", "new", "127.0.0.1", "--cert", &cert, "--key", &key],
    );
    assert_eq!(code, Some(0), "{said}");
    let server = wine.server(&place, &["--tls-cert", &cert, "--tls-key", &key]);
    let of_windows = wine.client(
        &server,
        &["register", "ada", "--tls", "--ca-file", &cert],
        "secret\n",
    );
    assert_eq!(text(&of_windows.stdout), "registered\n", "{of_windows:?}");
    let linux_cert = place.path("cert.pem");
    let linux_cert = linux_cert.to_str().expect("a path in UTF-8");
    let of_linux = server.client(
        &["login", "ada", "--tls", "--ca-file", linux_cert],
        "secret\n",
    );
    assert_eq!(stdout(&of_linux), "login successful\n", "{of_linux:?}");
    // And Windows' client asks a server on Linux, which it trusts no more than it should.
    let other = Place::new();
    let linux_key = place.path("key.pem");
    let linux_key = linux_key.to_str().expect("a path in UTF-8");
    let linux = other.start(&["--tls-cert", linux_cert, "--tls-key", linux_key]);
    let trusted = wine.client(
        &linux,
        &["register", "ada", "--tls", "--ca-file", &cert],
        "secret\n",
    );
    assert_eq!(text(&trusted.stdout), "registered\n", "{trusted:?}");
    let refused = wine.client(&linux, &["login", "ada", "--tls"], "secret\n");
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
}

#[test]
fn no_library_is_needed_that_windows_lacks() {
    let Some(wine) = wine() else { return };
    for name in ["authscope", "authscope-server", "authscope-client"] {
        let program = wine.program(name);
        let path = program.get_args().next().expect("its path").to_owned();
        let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/windows.sh");
        let output = Command::new(script).arg("libraries").arg(path).output();
        let output = output.expect("the script runs");
        assert!(output.status.success(), "{name}: {output:?}");
    }
    // Linux' client is not used here otherwise.
    let _ = client;
}
