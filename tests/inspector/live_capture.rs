//! `authscope live` shows an exchange of the real client and server while it happens, and saves it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc;
#[cfg(target_os = "linux")]
use std::time::{Duration, Instant};

use crate::inspector::{authscope, command};
use crate::live::Live;
use crate::need::skip;
use crate::programs::{PATIENCE, Place};

#[test]
fn rows_appear_while_it_happens_and_ctrl_c_ends_it_with_a_summary() {
    let place = Place::new();
    let server = place.start(&[]);
    let port = server.address.port().to_string();
    let saved = place.path("saved.pcapng");
    let saved = saved.to_str().unwrap();
    let Some(mut live) = Live::start(&["-p", &port, "--messages", "-w", saved]) else {
        return;
    };
    assert_eq!(
        server
            .client(&["register", "alice"], "correct horse")
            .status
            .code(),
        Some(0)
    );
    assert!(live.row().ends_with("Info\n"));
    for expected in [
        "Registration request, user alice\n",
        "Registration response, user alice, success: registered\n",
    ] {
        let row = live.row();
        assert!(row.ends_with(expected), "{row}");
    }
    assert_eq!(
        server.client(&["login", "alice"], "wrong").status.code(),
        Some(1)
    );
    for expected in [
        "Login request, user alice\n",
        "Login response, user alice, failure: wrong password\n",
    ] {
        let row = live.row();
        assert!(row.ends_with(expected), "{row}");
    }
    let (code, summary) = live.end("-INT");
    assert_eq!(code, Some(0), "{summary}");
    for expected in [
        "2 streams, 4 messages",
        "Registration response: 1 (success 1)",
        "Login response: 1 (failure 1)",
        "\n  0 frames dropped by the kernel",
    ] {
        assert!(summary.contains(expected), "{summary}");
    }
    assert!(!summary.contains("so far"), "{summary}");
    let again = authscope(&["read", "-p", &port, "--messages", "-T", "jsonl", saved]);
    assert_eq!(
        (again.code, again.stdout.lines().count()),
        (0, 4),
        "{}",
        again.stderr
    );
    assert!(!again.stdout.contains("correct horse"));
}

#[test]
fn it_stops_after_so_many_frames_and_on_sigterm() {
    let place = Place::new();
    let server = place.start(&[]);
    let port = server.address.port().to_string();
    let (Some(counted), Some(mut asked)) = (
        Live::start(&["-p", &port, "-c", "3", "-T", "text"]),
        Live::start(&["-p", &port, "-T", "jsonl"]),
    ) else {
        return;
    };
    server.client(&["register", "alice"], "secret");
    let mut counted = counted;
    let mut rows = String::new();
    counted.rows.read_to_string(&mut rows).unwrap();
    assert_eq!(rows.lines().count(), 3, "{rows}");
    assert_eq!(counted.child.wait().unwrap().code(), Some(0));
    assert!(asked.row().contains("registration request"));
    let (code, summary) = asked.end("-TERM");
    assert_eq!(code, Some(0), "{summary}");
}

/// What had been captured is in the file, whichever signal ends it.
#[test]
fn each_signal_ends_it_in_order_with_all_frames_saved() {
    let place = Place::new();
    let server = place.start(&[]);
    let port = server.address.port().to_string();
    for signal in ["-INT", "-TERM", "-HUP"] {
        let saved = place.path(&format!("saved{signal}.pcapng"));
        let saved = saved.to_str().unwrap();
        let Some(live) = Live::start(&["-q", "-p", &port, "-w", saved]) else {
            return;
        };
        for name in ["one", "two", "three"] {
            server.client(&["register", &format!("{name}{signal}")], "secret");
        }
        let (code, summary) = live.end(signal);
        assert_eq!(code, Some(0), "{signal}: {summary}");
        let again = authscope(&["read", "-p", &port, "-T", "jsonl", saved]);
        assert_eq!((again.code, again.stderr.as_str()), (0, ""), "{signal}");
        assert_eq!(
            again.stdout.lines().count(),
            6,
            "{signal}: {}",
            again.stdout
        );
    }
}

/// Messages in a file that may still grow.
fn messages_in(path: &str, port: &str) -> usize {
    let done = authscope(&["read", "-p", port, "-T", "jsonl", path]);
    let is_message = |line: &&str| line.contains("\"username\"") || line.contains("\"status\"");
    done.stdout.lines().filter(is_message).count()
}

fn wait_for_messages(count: usize, path: &str, port: &str) {
    let started = std::time::Instant::now();
    while messages_in(path, port) < count {
        assert!(started.elapsed() < PATIENCE, "{path} does not grow");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn a_file_grows_in_its_place_where_nothing_stood_and_replaces_what_stood_at_the_end() {
    let place = Place::new();
    let server = place.start(&[]);
    let port = server.address.port().to_string();
    let saved = place.path("saved.pcapng");
    let saved = saved.to_str().unwrap();
    let arguments = ["-q", "-p", &port, "-w", saved];
    let Some(live) = Live::start(&arguments) else {
        return;
    };
    server.client(&["register", "alice"], "secret");
    wait_for_messages(2, saved, &port);
    server.client(&["login", "alice"], "secret");
    wait_for_messages(4, saved, &port);
    assert_eq!(live.end("-INT").0, Some(0));
    let whole = std::fs::read(saved).unwrap();
    // Now something stands there.
    let beside = format!("{saved}.partial");
    let mut child = command(&[&["live"], &arguments[..]].concat())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert!(
        first.contains(&beside) && first.contains("exists"),
        "{first}"
    );
    assert!(lines.next().unwrap().unwrap().contains("capturing on"));
    server.client(&["register", "bob"], "secret");
    wait_for_messages(2, &beside, &port);
    assert_eq!(std::fs::read(saved).unwrap(), whole);
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(messages_in(saved, &port), 2);
    assert!(!std::path::Path::new(&beside).exists());
}

#[test]
fn the_interfaces_are_listed_and_a_wrong_one_is_told() {
    let listed = authscope(&["interfaces"]);
    if listed.code == 2 {
        skip("capture", listed.stderr);
        return;
    }
    assert_eq!(listed.code, 0);
    assert!(listed.stdout.contains("loopback"), "{}", listed.stdout);
    let wrong = authscope(&["live", "-i", "no-such-interface"]);
    assert_eq!((wrong.code, wrong.stdout.as_str()), (2, ""));
    assert_eq!(wrong.stderr.lines().count(), 1, "{}", wrong.stderr);
    assert!(wrong.stderr.starts_with("authscope: "), "{}", wrong.stderr);
}

/// Bytes that the kernel has mapped into a process for its capture.
#[cfg(target_os = "linux")]
fn buffer_of(process: u32) -> u64 {
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let address = |text: &str| u64::from_str_radix(text, 16).unwrap();
    maps.lines()
        .filter(|line| line.contains("socket:["))
        .filter_map(|line| line.split(' ').next()?.split_once('-'))
        .map(|(from, to)| address(to) - address(from))
        .sum()
}

#[cfg(target_os = "linux")]
#[test]
fn the_kernel_s_buffer_has_the_size_asked_for() {
    let place = Place::new();
    let server = place.start(&[]);
    let port = server.address.port().to_string();
    for (arguments, mebibytes) in [
        (&["-B", "4"][..], 4),
        (&["--buffer-size=32"], 32),
        (&[], 16),
    ] {
        let arguments = [&["-p", &port, "-T", "text"], arguments].concat();
        let Some(mut live) = Live::start(&arguments) else {
            return;
        };
        let mapped = buffer_of(live.child.id());
        // libpcap rounds to its blocks of frames.
        assert!(
            mapped.abs_diff(mebibytes << 20) <= 1 << 20,
            "{mapped} bytes for {mebibytes} MiB"
        );
        server.client(&["login", "nobody"], "secret");
        assert!(live.row().contains("[SYN]"));
        assert_eq!(live.end("-INT").0, Some(0));
    }
}

/// Sends `times` times as much over one connection, each in one write.
fn send(listener: &TcpListener, octets: &[u8], times: usize) {
    let mut sender = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    sender.set_nodelay(true).unwrap();
    let (mut receiver, _) = listener.accept().unwrap();
    let reading = std::thread::spawn(move || std::io::copy(&mut receiver, &mut std::io::sink()));
    for _ in 0..times {
        sender.write_all(octets).unwrap();
    }
    drop(sender);
    let count = reading.join().unwrap().unwrap();
    assert_eq!(count, (octets.len() * times) as u64);
}

#[test]
fn drops_are_told_while_the_capture_goes_on() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let Some(mut live) = Live::start(&["-p", &port, "-T", "text", "-B", "1"]) else {
        return;
    };
    // Nobody reads the rows: the first part fills the pipe and stops them. Behind it frames wait in
    // batches of 4 MiB, of which there are some, in as many bytes of memory as the buffer has, and
    // in the buffer; the second part is more than these hold together, whatever the pace.
    send(&listener, b"-", 5000);
    send(&listener, &vec![b'-'; 1 << 20], 256);
    let mut rows = live.rows;
    let reading = std::thread::spawn(move || std::io::copy(&mut rows, &mut std::io::sink()));
    let mut errors = BufReader::new(live.child.stderr.take().unwrap());
    let (teller, hearer) = mpsc::channel();
    let listening = std::thread::spawn(move || {
        let mut first = String::new();
        errors.read_line(&mut first).unwrap();
        teller.send(first).unwrap();
        let mut rest = String::new();
        errors.read_to_string(&mut rest).unwrap();
        rest
    });
    let told = hearer.recv_timeout(PATIENCE);
    let running = live.child.try_wait().unwrap().is_none();
    let id = live.child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    let code = live.child.wait().unwrap().code();
    let first = told.expect("drops are told");
    assert!(running, "it ended by itself: {first}");
    let count = first
        .strip_prefix("authscope: ")
        .and_then(|rest| {
            rest.strip_suffix(
                " frames dropped by the kernel so far; a larger buffer (-B) may help\n",
            )
        })
        .unwrap_or_else(|| panic!("{first}"));
    let count: u64 = count.parse().unwrap();
    assert!(count > 1);
    let summary = listening.join().unwrap();
    // Behind it may stand what was given up because of the drops.
    let mut lines = summary.lines();
    let total = lines.find(|line| line.ends_with("frames dropped by the kernel"));
    let total = total.unwrap_or_else(|| panic!("{summary}"));
    let total = total.trim().split(' ').next().unwrap();
    assert!(total.parse::<u64>().unwrap() >= count, "{first}{summary}");
    assert_eq!(code, Some(0), "{summary}");
    reading.join().unwrap().unwrap();
}

/// The name and the nice value of each thread of a process.
#[cfg(target_os = "linux")]
fn threads(process: u32) -> Vec<(String, i32)> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    // A thread may have ended since the folder was read.
    let stat = |task: std::io::Result<std::fs::DirEntry>| {
        std::fs::read_to_string(task.ok()?.path().join("stat")).ok()
    };
    let named = |stat: String| {
        let (before, fields) = stat.rsplit_once(") ").unwrap();
        let (_, name) = before.split_once('(').unwrap();
        // The 19th field of all, the third of which comes first here.
        (
            name.to_owned(),
            fields.split(' ').nth(16).unwrap().parse().unwrap(),
        )
    };
    tasks.filter_map(stat).map(named).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn the_thread_that_empties_the_kernels_buffer_has_priority_where_that_is_allowed() {
    use rustix::thread::{CapabilitySet, capabilities};
    let may = capabilities(None).unwrap().effective;
    if !may.contains(CapabilitySet::SYS_NICE) {
        return skip("sys_nice", "CAP_SYS_NICE, for a priority");
    }
    let own = rustix::process::getpriority_process(None).unwrap();
    let Some(live) = Live::start(&[]) else {
        return;
    };
    // The thread may not have begun yet; the others never have another priority than this test.
    let started = Instant::now();
    let is_capture = |(name, _): &&(String, i32)| name == "capture";
    let found = loop {
        let found = threads(live.child.id());
        let nice = found.iter().find(is_capture).map(|(_, nice)| *nice);
        if nice == Some(-10) || started.elapsed() > PATIENCE {
            break found;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    assert!(found.len() > 1, "{found:?}");
    for (name, nice) in &found {
        let expected = if name == "capture" { -10 } else { own };
        assert_eq!(*nice, expected, "{found:?}");
    }
    assert_eq!(live.end("-INT").0, Some(0));
}
