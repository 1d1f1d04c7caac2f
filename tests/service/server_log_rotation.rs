//! A log file is rotated without losing a line: after it is renamed, SIGHUP opens a new one.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::need::skip;
use crate::programs::{Place, Server};
use crate::server_log::wait_for;
use rustix::process::Signal;

#[test]
fn sighup_opens_the_log_file_anew() {
    let place = Place::new();
    let (log, old) = (place.path("log"), place.path("log.1"));
    let mut server = Server::start_with_log_file(&place, &log);
    assert_eq!(server.register("alice", "x"), "yes: registered");
    wait_for(&log, "user=\"alice\" outcome=\"registered\"");
    std::fs::rename(&log, &old).unwrap();
    server.signal(Signal::HUP);
    wait_for(&log, "reloaded log_file=true");
    assert_eq!(server.login("alice", "x"), "yes: login successful");
    wait_for(&log, "outcome=\"login successful\"");
    let before = std::fs::read_to_string(&old).unwrap();
    assert!(!before.contains("login successful"), "{before}");
    // A place where no file can be: the log goes on in the old one.
    std::fs::remove_file(&log).unwrap();
    std::fs::create_dir(&log).unwrap();
    server.signal(Signal::HUP);
    std::fs::remove_file(&old).unwrap();
    assert_eq!(server.login("alice", "x"), "yes: login successful");
    assert_eq!(server.stop().code(), Some(0));
}

/// Users log in one after another, and the log is rotated meanwhile; how many logged in.
fn log_in_during(server: &Server, rotate: impl FnOnce()) -> usize {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let logins = scope.spawn(|| {
            let mut logins = 0;
            while !over.load(Ordering::Relaxed) {
                server.login(&format!("user{logins}"), "x");
                logins += 1;
            }
            logins
        });
        rotate();
        over.store(true, Ordering::Relaxed);
        logins.join().unwrap()
    })
}

/// The line of each login stands in one of the files, once.
fn each_is_there_once(logins: usize, files: &[String]) {
    let all = files.concat();
    for n in 0..logins {
        let line = format!("user=\"user{n}\" ");
        assert_eq!(all.matches(&line).count(), 1, "{line}");
    }
    for file in files {
        assert!(file.contains("user=\"user"), "a file without a login");
        assert!(file.ends_with('\n'));
    }
}

const UNLIMITED: [&str; 4] = ["--throttle-exempt", "127.0.0.1", "--log-rate", "0"];

/// A server that logs into the file, without limits.
fn started(place: &Place, log: &Path) -> Server {
    let mut command = place.command();
    command.args(UNLIMITED).arg("--log-file").arg(log);
    Server::start_logging_to(command, log)
}

#[test]
fn no_line_is_lost_while_the_file_is_renamed() {
    let place = Place::new();
    let (log, old, older) = (place.path("log"), place.path("log.1"), place.path("log.2"));
    let mut server = started(&place, &log);
    let logins = log_in_during(&server, || {
        for _ in 0..2 {
            wait_for(&log, "user=\"user");
            if old.exists() {
                fs::rename(&old, &older).unwrap();
            }
            fs::rename(&log, &old).unwrap();
            server.signal(Signal::HUP);
            wait_for(&log, "reloaded log_file=true");
        }
        wait_for(&log, "user=\"user");
    });
    assert_eq!(server.stop().code(), Some(0));
    let files = [older, old, log].map(|path| fs::read_to_string(path).unwrap());
    each_is_there_once(logins, &files);
}

/// The package's configuration for logrotate, for this log file and server.
fn packaged_configuration(log: &Path, server: &Server) -> String {
    let snippet = include_str!("../../packaging/logrotate");
    let (files, rest) = snippet.split_once('{').expect("what is to be done");
    assert!(files.contains("/var/log/authscope/*.log"), "{files}");
    let reload = "systemctl reload authscope-server";
    assert!(rest.contains(reload), "{rest}");
    let rest = rest.replace(reload, &format!("kill -HUP {}", server.pid()));
    format!("{} {{{rest}", log.display())
}

fn logrotate() -> Option<PathBuf> {
    ["/usr/sbin/logrotate", "/usr/bin/logrotate"]
        .map(PathBuf::from)
        .into_iter()
        .find(|path| path.exists())
}

#[test]
fn logrotate_does_it_as_the_package_says() {
    let Some(logrotate) = logrotate() else {
        skip("logrotate", "it is not installed");
        return;
    };
    let place = Place::new();
    let log = place.path("server.log");
    let mut server = started(&place, &log);
    let configuration = place.path("logrotate.conf");
    fs::write(&configuration, packaged_configuration(&log, &server)).unwrap();
    let logins = log_in_during(&server, || {
        for _ in 0..3 {
            wait_for(&log, "user=\"user");
            let output = Command::new(&logrotate)
                .args(["--force", "--state"])
                .arg(place.path("state"))
                .arg(&configuration)
                .output()
                .unwrap();
            let said = crate::programs::stderr(&output);
            assert!(output.status.success() && said.is_empty(), "{said}");
            wait_for(&log, "reloaded log_file=true");
        }
        wait_for(&log, "user=\"user");
    });
    assert_eq!(server.stop().code(), Some(0));
    let plain = |name: &str| fs::read_to_string(place.path(name)).unwrap();
    let packed = |name: &str| {
        let file = fs::File::open(place.path(name)).unwrap();
        let mut text = String::new();
        let mut unpacked = flate2::read::GzDecoder::new(file);
        unpacked.read_to_string(&mut text).unwrap();
        text
    };
    let files = [
        packed("server.log.3.gz"),
        packed("server.log.2.gz"),
        plain("server.log.1"),
        plain("server.log"),
    ];
    each_is_there_once(logins, &files);
}
