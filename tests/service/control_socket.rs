//! Only the owner can use the control socket, nothing is sent to one that another user may have made, and clients of it
//! that do not read block no login.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process::Command;

use serde_json::Value;

use crate::accounts_disk_trouble::padding;
use crate::programs::{Place, stderr, stdout};

#[test]
fn the_socket_is_its_owners_alone_and_goes_with_the_server() {
    let place = Place::new();
    let mut server = place.start(&[]);
    let socket = place.path("passwd.control");
    let mode = std::fs::symlink_metadata(&socket)
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(place.files(), ["passwd", "passwd.control"]);
    server.kill();
    // What a crash left is replaced.
    let mut server = place.start(&[]);
    assert!(stdout(&place.run(&["status"])).contains("ready: yes\nusers: 0\n"));
    server.stop();
    assert_eq!(place.files(), ["passwd"]);
    let without = place.run(&["status"]);
    assert_eq!(without.status.code(), Some(2));
    assert!(
        stderr(&without).contains("no server runs"),
        "{}",
        stderr(&without)
    );
    let elsewhere = place.path("ctl").display().to_string();
    let _server = place.start(&["--control", &elsewhere]);
    let status = place.run(&["--control", &elsewhere, "status", "--json"]);
    let status: Value = serde_json::from_str(&stdout(&status)).unwrap();
    assert_eq!(status["users"], 0);
    let off = Place::new();
    let _server = off.start(&["--control", "off"]);
    assert_eq!(off.files(), ["passwd"]);
}

/// A conversation that asks for something and reads no answer.
fn ask(place: &Place, request: &str) -> UnixStream {
    let mut stream = UnixStream::connect(place.path("passwd.control")).unwrap();
    writeln!(stream, "{request}").unwrap();
    stream
}

#[test]
fn lists_that_nobody_reads_hold_up_no_login() {
    let place = Place::new();
    place.write(padding(20_000));
    let server = place.start(&[]);
    assert_eq!(server.register("alice", "x"), "yes: registered");
    let unread: Vec<_> = (0..40)
        .map(|_| ask(&place, "{\"command\":\"list\"}"))
        .collect();
    for _ in 0..20 {
        assert_eq!(server.login("alice", "x"), "yes: login successful");
    }
    drop(unread);
    assert!(stdout(&place.run(&["status"])).contains("ready: yes"));
}

/// `users add alice` on a passwd file.
fn add_alice(passwd: &std::path::Path) -> std::process::Output {
    let place = Place::new();
    let password = place.path("password");
    std::fs::write(&password, "x\n").unwrap();
    Command::new(env!("CARGO_BIN_EXE_authscope-server"))
        .arg("--passwd")
        .arg(passwd)
        .args(["users", "add", "alice", "--password-stdin"])
        .stdin(std::fs::File::open(password).unwrap())
        .output()
        .unwrap()
}

#[test]
fn a_server_of_a_stranger_is_told_nothing() {
    use std::os::unix::fs::{PermissionsExt, chown};
    use std::os::unix::process::CommandExt;
    const STRANGER: u32 = 65_534;
    if !rustix::process::geteuid().is_root() {
        return crate::need::skip("root", "a server cannot be started as somebody else");
    }
    let place = Place::new();
    let folder = place.path("shared");
    std::fs::create_dir(&folder).unwrap();
    let mode = |mode| {
        for folder in [folder.parent().unwrap(), &folder] {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(folder, permissions).unwrap();
        }
    };
    mode(0o1777);
    let program = place.path("authscope-server");
    crate::programs::install(
        std::path::Path::new(env!("CARGO_BIN_EXE_authscope-server")),
        &program,
    );
    let passwd = folder.join("passwd");
    let mut command = Command::new(&program);
    command
        .args(["--listen", "127.0.0.1:0", "--passwd"])
        .arg(&passwd)
        .uid(STRANGER)
        .gid(STRANGER);
    let server = crate::programs::Server::start(command);
    let add = || add_alice(&passwd);
    let refused = add();
    assert_eq!(refused.status.code(), Some(2));
    let said = stderr(&refused);
    assert!(
        said.contains("is user 65534's") && said.contains("nothing was sent"),
        "{said}"
    );
    assert_eq!(server.login("alice", "x"), "no: no such user");
    // Where it may well be: in its own folder, or where not everybody makes files.
    mode(0o755);
    assert_eq!(stdout(&add()), "alice: added\n");
    mode(0o1777);
    chown(&folder, Some(STRANGER), Some(STRANGER)).unwrap();
    assert_eq!(stderr(&add()), "authscope-server: alice: user name taken\n");
}

#[test]
fn where_there_can_be_no_socket_users_are_changed_in_the_file() {
    let place = Place::new();
    let folder = place.path(&"long".repeat(30));
    std::fs::create_dir(&folder).unwrap();
    let passwd = folder.join("passwd");
    let added = add_alice(&passwd);
    assert_eq!(stdout(&added), "alice: added\n", "{}", stderr(&added));
    let mut command = Command::new(env!("CARGO_BIN_EXE_authscope-server"));
    command
        .args(["--listen", "127.0.0.1:0", "--passwd"])
        .arg(&passwd);
    let server = crate::programs::Server::start(command);
    server.wait_for("its path is too long for a Unix socket");
    assert_eq!(server.login("alice", "x"), "yes: login successful");
}

#[test]
fn what_is_no_socket_is_left_alone() {
    let place = Place::new();
    let other = place.path("notes");
    std::fs::write(&other, "mine").unwrap();
    let path = other.display().to_string();
    let refused = place.refused(&["--control", &path]);
    let said = stderr(&refused);
    let words = format!("control socket \"{path}\": there is something else; name another place");
    assert!(said.contains(&words), "{said}");
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "mine");
    let _server = place.start(&[]);
    let beside = Place::new();
    let taken = place.path("passwd.control").display().to_string();
    let refused = beside.refused(&["--control", &taken]);
    assert!(
        stderr(&refused).contains("another server takes commands there"),
        "{}",
        stderr(&refused)
    );
    let reached = beside.run(&["--control", &path, "status"]);
    assert_eq!(
        stderr(&reached),
        format!("authscope-server: cannot reach the server at \"{path}\": connection refused\n")
    );
}

#[test]
fn a_server_that_ends_amid_an_answer_is_told() {
    let place = Place::new();
    let listener = std::os::unix::net::UnixListener::bind(place.path("passwd.control")).unwrap();
    let ended = std::thread::spawn(move || drop(listener.accept()));
    let output = place.users(&["remove", "alice"], "");
    ended.join().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("ended before it answered"),
        "{}",
        stderr(&output)
    );
}
