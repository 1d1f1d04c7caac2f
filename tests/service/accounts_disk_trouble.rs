//! The disk is full, or the file is removed or replaced while a server runs: the client is told that the server could
//! not store it, the log says why, nothing half-written is left, and the server recovers.

use std::process::Command;

use crate::need::skip;
use crate::programs::{Place, Server, users};

const NOT_STORED: &str = "no: the server could not store the registration";

/// Registers until it fails; returns how many went well.
fn fill(server: &Server) -> usize {
    for n in 0..500 {
        match server.register(&format!("user{n}"), "x").as_str() {
            "yes: registered" => {}
            NOT_STORED => return n,
            other => panic!("{other}"),
        }
    }
    panic!("the disk was never full");
}

/// A line of usual length, 64 hexadecimal digits as its hash.
pub fn padding(lines: usize) -> String {
    let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    (0..lines)
        .flat_map(|n| [format!("old{n}:"), hash.into(), "\n".into()])
        .collect()
}

#[test]
fn a_file_that_may_not_grow() {
    let place = Place::new();
    place.write(padding(20));
    // In blocks of 512 bytes: room for a few lines more.
    let mut server = place.start_under("ulimit -f 4", &[]);
    let stored = fill(&server);
    assert!(stored >= 1);
    assert_eq!(server.register("other", "x"), NOT_STORED);
    server.wait_for("could not store");
    assert!(server.log().contains("file too large"), "{}", server.log());
    assert!(place.text().ends_with('\n'), "nothing half-written stays");
    // Who was there before can log in all the same.
    assert_eq!(server.login("user0", "x"), "yes: login successful");
    assert_eq!(server.stop().code(), Some(0));
    assert_eq!(users(&place.passwd()).len(), 20 + stored);
    let server = place.start(&[]);
    assert_eq!(server.register("other", "x"), "yes: registered");
}

#[test]
fn a_full_disk_and_room_again() {
    let place = Place::new();
    let mount = place.path("small");
    std::fs::create_dir(&mount).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
        .arg(&mount)
        .output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        skip("mount", "only root may mount a tmpfs");
        return;
    }
    let passwd = mount.join("passwd");
    let result = std::panic::catch_unwind(|| {
        std::fs::write(&passwd, padding(20)).unwrap();
        std::fs::write(mount.join("ballast"), vec![0; 56 * 1024]).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_authscope-server"));
        command
            .args(["--listen", "127.0.0.1:0", "--passwd"])
            .arg(&passwd);
        let mut server = Server::start(command);
        let stored = fill(&server);
        assert_eq!(server.register("other", "x"), NOT_STORED);
        server.wait_for("no space left");
        assert!(std::fs::read_to_string(&passwd).unwrap().ends_with('\n'));
        std::fs::remove_file(mount.join("ballast")).unwrap();
        assert_eq!(server.register("other", "x"), "yes: registered");
        assert_eq!(server.login("other", "x"), "yes: login successful");
        server.stop();
        assert_eq!(users(&passwd).len(), 20 + stored + 1);
    });
    let unmounted = Command::new("umount").arg(&mount).status();
    result.unwrap();
    assert!(unmounted.is_ok_and(|status| status.success()));
}

#[test]
fn a_file_that_is_removed_or_replaced() {
    let place = Place::new();
    let server = place.start(&[]);
    let aside = place.path("aside");
    assert_eq!(server.register("alice", "x"), "yes: registered");
    std::fs::rename(place.passwd(), &aside).unwrap();
    assert_eq!(server.register("bob", "x"), NOT_STORED);
    server.wait_for("was removed or replaced");
    place.write("someone:else\n");
    assert_eq!(server.register("bob", "x"), NOT_STORED);
    assert_eq!(
        place.text(),
        "someone:else\n",
        "another's file is left alone"
    );
    assert_eq!(server.login("alice", "x"), "yes: login successful");
    std::fs::rename(&aside, place.passwd()).unwrap();
    assert_eq!(server.register("bob", "x"), "yes: registered");
    assert_eq!(users(&place.passwd()), ["alice", "bob"]);
}

#[test]
fn a_link_that_names_another_file_now() {
    let place = Place::new();
    let [one, two] = ["one", "two"].map(|name| place.path(name));
    std::fs::write(&one, padding(1)).unwrap();
    std::fs::write(&two, padding(2)).unwrap();
    let link = |to: &std::path::Path| {
        let _ = std::fs::remove_file(place.passwd());
        std::os::unix::fs::symlink(to, place.passwd()).unwrap();
    };
    link(&one);
    let server = place.start(&[]);
    assert_eq!(server.register("alice", "x"), "yes: registered");
    assert!(place.passwd().is_symlink(), "the link stays a link");
    link(&two);
    assert_eq!(server.register("bob", "x"), NOT_STORED);
    server.wait_for("was removed or replaced");
    assert_eq!(std::fs::read_to_string(&two).unwrap(), padding(2));
    link(&one);
    assert_eq!(server.register("bob", "x"), "yes: registered");
    assert_eq!(users(&one), ["old0", "alice", "bob"]);
}

#[test]
fn a_file_that_another_program_writes_to() {
    use std::io::Write;
    let place = Place::new();
    let server = place.start(&[]);
    assert_eq!(server.register("alice", "x"), "yes: registered");
    let before = place.text();
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(place.passwd())
        .unwrap();
    file.write_all(b"by hand\n").unwrap();
    assert_eq!(server.register("bob", "x"), NOT_STORED);
    server.wait_for("was changed by another program");
    assert_eq!(
        place.text(),
        before.clone() + "by hand\n",
        "nothing is overwritten"
    );
    file.set_len(before.len() as u64).unwrap();
    assert_eq!(server.register("bob", "x"), "yes: registered");
}
