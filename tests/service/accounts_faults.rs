//! Faults injected into the real server at a chosen system call: a disk that fails to sync, a kill between write and
//! sync, a rename that fails, a hash that needs more memory than there is. No client is told anything untrue, and
//! nobody gets another user's account.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::faults::with_faults;
use crate::need::skip;
use crate::programs::{PATIENCE, Place, Server};

const NOT_STORED: &str = "no: the server could not store the registration";
const UNKNOWN: &str = "no: registration outcome unknown, try to log in";
const YES: &str = "yes: login successful";

fn digest(password: &str) -> String {
    use sha2::{Digest, Sha256};
    use std::fmt::Write;
    let digest = Sha256::digest(password);
    digest.iter().fold(String::new(), |mut text, octet| {
        write!(text, "{octet:02x}").expect("a string takes it");
        text
    })
}

/// Waits until the server has made this call.
fn wait_for_call(place: &Place, call: &str) {
    let deadline = Instant::now() + PATIENCE;
    let trace = || std::fs::read_to_string(place.path("trace")).unwrap_or_default();
    while !trace().contains(call) {
        assert!(Instant::now() < deadline, "no {call}: {}", trace());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_sync_that_fails_once_is_said_and_undone() {
    let place = Place::new();
    let Some(command) = with_faults(&place, "fdatasync", &["fdatasync:error=EIO:when=1"]) else {
        return;
    };
    let mut server = Server::start(command);
    assert_eq!(server.register("alice", "x"), NOT_STORED);
    server.wait_for("input/output error");
    assert_eq!(place.text(), "");
    assert_eq!(server.login("alice", "x"), "no: no such user");
    assert_eq!(server.register("alice", "y"), "yes: registered");
    server.kill();
    let server = place.start(&[]);
    assert_eq!(server.login("alice", "y"), YES);
}

#[test]
fn where_the_outcome_is_not_known_the_answer_says_so() {
    for inject in [
        // Neither the lines nor their removal can be put on disk.
        &["fdatasync:error=EIO:when=1+"][..],
        // They cannot even be removed: the next start finds them.
        &["fdatasync:error=EIO:when=1+", "ftruncate:error=EIO:when=1+"],
    ] {
        let place = Place::new();
        let Some(command) = with_faults(&place, "fdatasync,ftruncate", inject) else {
            return;
        };
        let mut server = Server::start(command);
        assert_eq!(server.register("alice", "x"), UNKNOWN);
        // Nothing is written while that is so, and then it is known that nothing was stored.
        assert_eq!(server.register("bob", "x"), NOT_STORED);
        server.kill();
        let server = place.start(&[]);
        assert_eq!(server.login("bob", "x"), "no: no such user");
        let answers = match server.login("alice", "x").as_str() {
            YES => [YES, "no: user name taken"],
            _ => ["no: no such user", "yes: registered"],
        };
        assert_eq!(server.login("alice", "x"), answers[0]);
        assert_eq!(server.register("alice", "x"), answers[1]);
    }
}

#[test]
fn a_start_syncs_what_a_kill_left_before_it_answers() {
    let place = Place::new();
    let kill = &["fdatasync:signal=SIGKILL:when=1"];
    let Some(command) = with_faults(&place, "fdatasync", kill) else {
        return;
    };
    let mut server = Server::start(command);
    let mut stream = server.connect();
    let request = crate::programs::request(authscope::protocol::Action::Register, "alice", "x");
    std::io::Write::write_all(&mut stream, request.as_ref()).unwrap();
    server.stop_status();
    assert!(
        place.text().starts_with("alice:$argon2id$"),
        "it was written"
    );
    let command = with_faults(&place, "fsync,accept4", &[]).unwrap();
    let mut server = Server::start(command);
    assert_eq!(server.register("alice", "y"), "no: user name taken");
    assert_eq!(server.login("alice", "x"), YES);
    server.stop();
    let trace = std::fs::read_to_string(place.path("trace")).unwrap();
    let first = |call: &str| {
        trace
            .find(call)
            .unwrap_or_else(|| panic!("no {call}: {trace}"))
    };
    assert!(first("fsync(") < first("accept4("), "{trace}");
}

#[test]
fn no_step_of_a_replacement_that_fails_gives_anyone_anothers_account() {
    for inject in [
        "fdatasync:error=EIO:when=1",
        "fdatasync:error=EIO:when=2",
        "fdatasync:error=EIO:when=1+",
        "fdatasync:signal=SIGKILL:when=1",
        "fdatasync:signal=SIGKILL:when=2",
        "rename:error=EIO",
        "rename:signal=SIGKILL",
    ] {
        let place = Place::new();
        place.write(format!(
            "bob:{}\nx=bob:{}\ny=x=bob:{}\n",
            digest("victim"),
            digest("attacker"),
            digest("attacker")
        ));
        // What this start writes anew, the next one does not.
        place.start(&[]).stop();
        let Some(command) = with_faults(&place, "fdatasync,rename", &[inject]) else {
            return;
        };
        let mut server = Server::start(command);
        for name in ["x=bob", "y=x=bob"] {
            let request =
                crate::programs::request(authscope::protocol::Action::Login, name, "attacker");
            // The server may be killed before it answers.
            let Ok(mut stream) = std::net::TcpStream::connect(server.address) else {
                break;
            };
            let _ = std::io::Write::write_all(&mut stream, request.as_ref());
            let _ = std::io::Read::read(&mut stream, &mut [0; 73]);
            if server.has_ended() {
                break;
            }
        }
        if inject.starts_with("rename") {
            wait_for_call(&place, "rename(");
        }
        server.kill();
        let server = place.start(&[]);
        assert_eq!(
            server.login("bob", "attacker"),
            "no: wrong password",
            "{inject}"
        );
        for (name, password) in [
            ("bob", "victim"),
            ("x=bob", "attacker"),
            ("y=x=bob", "attacker"),
        ] {
            assert_eq!(server.login(name, password), YES, "{inject}: {name}");
        }
    }
}

#[test]
fn a_file_that_cannot_be_renamed_over_is_used_as_it_is() {
    let place = Place::new();
    let real = place.path("real");
    std::fs::write(&real, format!("alice:{}\n", digest("x"))).unwrap();
    place.write("");
    let mounted = Command::new("mount")
        .arg("--bind")
        .args([&real, &place.passwd()])
        .output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        skip("mount", "only root may mount a file over another");
        return;
    }
    let result = std::panic::catch_unwind(|| {
        let mut server = place.start(&[]);
        assert_eq!(server.login("alice", "x"), YES);
        // Her hash was replaced, and its line stays.
        server.wait_for("cannot be written anew");
        assert_eq!(server.register("bob", "y"), "yes: registered");
        server.kill();
        // A write that was interrupted.
        let whole = std::fs::read(&real).unwrap();
        std::fs::write(&real, [&whole[..], b"carol:$argon", &[0; 5000]].concat()).unwrap();
        let mut server = place.start(&[]);
        server.wait_for("cut it off");
        assert_eq!(std::fs::read(&real).unwrap(), whole);
        assert_eq!(server.login("alice", "x"), YES);
        assert_eq!(server.login("bob", "y"), YES);
        assert_eq!(server.register("carol", "z"), "yes: registered");
        server.stop();
        let server = place.start(&[]);
        assert_eq!(server.login("carol", "z"), YES);
    });
    let unmounted = Command::new("umount").arg(place.passwd()).status();
    result.unwrap();
    assert!(unmounted.is_ok_and(|status| status.success()));
}

#[test]
fn a_hash_that_asks_for_more_memory_than_there_is_is_that_users_fault() {
    let place = Place::new();
    let costly = "$argon2id$v=19$m=1048576,t=1,p=1$c29tZXNhbHRzb21l$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    place.write(format!("alice:{}\ncostly:{costly}\n", digest("x")));
    // 900 MiB of address space.
    let mut server = place.start_under("ulimit -v 921600", &["--max-failures", "0"]);
    for _ in 0..3 {
        assert_eq!(
            server.login("costly", "x"),
            "no: server error, try again later"
        );
        assert_eq!(server.login("alice", "x"), YES);
    }
    server.wait_for("asks for 1048576 KiB of memory");
    let log = server.log();
    let line = log.lines().find(|line| line.contains("1048576")).unwrap();
    assert!(line.contains("costly") && !line.contains("c29tZ"), "{line}");
    assert_eq!(server.stop().code(), Some(0));
}
