//! The server as a service: the unit file is right, the service manager is told the server's state, and an internal
//! fault ends the server with an exit status of its own.

use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::faults::with_faults;
use crate::need::skip;
use crate::programs::{PATIENCE, Place, Server, install, stderr};
use rustix::process::Signal;

const UNIT: &str = include_str!("../../packaging/authscope-server.service");

/// The values that a setting of the unit has.
fn values(setting: &str) -> Vec<&'static str> {
    UNIT.lines()
        .filter_map(|line| line.split_once('='))
        .filter(|(name, _)| *name == setting)
        .map(|(_, value)| value)
        .collect()
}

fn number(setting: &str) -> u64 {
    values(setting)[0].parse().expect("a number")
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    let place = Place::new();
    let unit = place.path("authscope-server.service");
    // What it starts has to be there.
    let program = env!("CARGO_BIN_EXE_authscope-server");
    std::fs::write(&unit, UNIT.replace("/usr/bin/authscope-server", program)).unwrap();
    let verified = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .arg(&unit)
        .output();
    let output = match verified {
        Ok(output) => output,
        Err(error) => {
            skip("systemd", error);
            return;
        }
    };
    let said = stderr(&output);
    let about_it: Vec<_> = said
        .lines()
        .filter(|line| line.contains("authscope-server.service"))
        .collect();
    assert!(output.status.success() && about_it.is_empty(), "{said}");
    // It does find what is wrong.
    std::fs::write(&unit, UNIT.replace("Restart=always", "Restart=sometimes")).unwrap();
    let output = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .arg(&unit)
        .output();
    let said = stderr(&output.unwrap());
    assert!(said.contains("sometimes"), "{said}");
}

#[test]
fn the_unit_starts_the_server_as_the_server_wants_to_be_started() {
    let place = Place::new();
    let command = values("ExecStart")[0];
    let (program, arguments) = command.split_once(' ').unwrap();
    assert!(program.ends_with("/authscope-server"));
    // With its configuration, of which only the places are others.
    let here = |name: &str| place.path(name).display().to_string();
    let configuration = include_str!("../../packaging/server.toml")
        .replace("\"8888\"", "\"127.0.0.1:0\"")
        .replace("/var/lib/authscope/passwd", &here("passwd"))
        .replace("/var/log/authscope/audit.jsonl", &here("audit.jsonl"));
    std::fs::write(place.path("server.toml"), configuration).unwrap();
    let arguments = arguments.replace("/etc/authscope/server.toml", &here("server.toml"));
    let mut shell = Command::new("sh");
    // As many descriptors as it gets, so that it can serve as many connections as it wants to.
    shell
        .arg("-c")
        .arg(format!(
            "ulimit -n {}; umask 0077; exec \"$0\" \"$@\"",
            number("LimitNOFILE")
        ))
        .arg(env!("CARGO_BIN_EXE_authscope-server"))
        .args(arguments.split(' '));
    let mut server = Server::start(shell);
    assert_eq!(server.register("alice", "long enough"), "yes: registered");
    let log = server.log();
    assert!(!log.contains("fewer open files"), "{log}");
    assert!(log.lines().all(|line| line.starts_with('{')), "{log}");
    assert_eq!(server.stop().code(), Some(0));
    // It is started again however it ended, and has the time that it takes to stop.
    assert_eq!(values("Restart"), ["always"]);
    assert_eq!(values("Type"), ["notify"]);
    assert_eq!(values("ExecReload"), ["/bin/kill -HUP $MAINPID"]);
    assert!(
        number("TimeoutStopSec") > 10 + 3,
        "drain timeout and a little"
    );
}

/// Waits until the service manager has been told `state`.
fn told(manager: &UnixDatagram, state: &str) {
    let mut octets = [0; 1024];
    let len = manager.recv(&mut octets).expect("it is told something");
    let said = String::from_utf8_lossy(&octets[..len]);
    assert!(said.lines().any(|line| line == state), "{said}");
}

#[test]
fn the_service_manager_is_told() {
    let place = Place::new();
    let path = place.path("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = place.command();
    command.env("NOTIFY_SOCKET", &path);
    let mut server = Server::start(command);
    told(&manager, "READY=1");
    // Who was told that it is ready can connect.
    assert_eq!(server.register("alice", "x"), "yes: registered");
    server.signal(Signal::HUP);
    told(&manager, "RELOADING=1");
    told(&manager, "READY=1");
    server.signal(Signal::TERM);
    told(&manager, "STOPPING=1");
    assert_eq!(server.stop_status(), Some(0));
}

#[test]
fn memory_is_written_nowhere_and_read_by_nobody_of_the_same_user() {
    use std::os::unix::fs::{MetadataExt, chown};
    use std::os::unix::process::CommandExt;
    let place = Place::new();
    let (user, program) = (1234, place.path("authscope-server"));
    let home = program.parent().unwrap();
    install(Path::new(env!("CARGO_BIN_EXE_authscope-server")), &program);
    if let Err(error) = chown(home, Some(user), Some(user)) {
        skip(
            "root",
            format!("a server cannot be started as somebody else: {error}"),
        );
        return;
    }
    let mut command = Command::new(&program);
    command
        .args(["--listen", "127.0.0.1:0", "--passwd"])
        .arg(place.passwd())
        .uid(user)
        .gid(user)
        .current_dir(home);
    let server = Server::start(command);
    let process = format!("/proc/{}", server.pid());
    let limits = std::fs::read_to_string(format!("{process}/limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let mut core = core.expect("the limit").split_whitespace().skip(4);
    assert_eq!((core.next(), core.next()), (Some("0"), Some("0")));
    // What Linux shows of a process that is not dumpable belongs to root (proc(5)).
    let memory = std::fs::metadata(format!("{process}/mem")).unwrap();
    assert_eq!(memory.uid(), 0);
    let status = std::fs::read_to_string(format!("{process}/status")).unwrap();
    assert!(status.contains(&format!("Uid:\t{user}\t")), "{status}");
}

#[test]
fn a_fault_in_what_all_need_ends_the_server_with_status_70() {
    let place = Place::new();
    // The loop that waits for sockets cannot go on.
    let broken = "?epoll_wait,epoll_pwait:error=EBADF:when=30+";
    let Some(command) = with_faults(&place, "?epoll_wait,epoll_pwait", &[broken]) else {
        return;
    };
    let mut server = Server::start(command);
    let deadline = Instant::now() + PATIENCE;
    while !server.has_ended() {
        assert!(Instant::now() < deadline, "it goes on: {}", server.log());
        let _ = TcpStream::connect(server.address);
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(server.stop_status(), Some(70), "{}", server.log());
    server.wait_for("ERROR a fault in the server thread=\"connections\"");
    server.wait_for("ending: the server cannot go on without this");
}
