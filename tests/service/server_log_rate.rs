//! The amount that is logged: one line for each outcome, a few lines a second for a flood of refusals, a limit on the
//! log's rate, and a share of it for each address.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::programs::{PATIENCE, Place, receive, request};
use crate::proxied::{PROXIED, connect, from};
use authscope::protocol::Action;

#[test]
fn an_outcome_is_one_line() {
    let place = Place::new();
    let mut server = place.start(&[]);
    server.register("alice", "x");
    server.login("alice", "x");
    server.login("alice", "y");
    server.stop();
    server.wait_for("stopped");
    let log = server.log();
    let (_, after) = log.split_once("listening on").unwrap();
    let (during, _) = after.split_once("told to stop").unwrap();
    let lines: Vec<&str> = during.lines().skip(1).collect();
    // The last one is the beginning of the line that says "told to stop".
    assert_eq!(lines.len(), 3 + 1, "{during}");
    for (line, outcome) in lines
        .iter()
        .zip(["registered", "login successful", "wrong password"])
    {
        for part in [
            "INFO",
            "conn=",
            "peer=127.0.0.1:",
            "user=\"alice\"",
            &format!("outcome=\"{outcome}\""),
            "ms=",
        ] {
            assert!(line.contains(part), "{part}: {line}");
        }
    }
}

#[test]
fn a_flood_of_refusals_is_a_few_lines_a_second() {
    let place = Place::new();
    let arguments = ["--max-failures", "1", "--max-per-address", "5"];
    let mut server = place.start(&arguments);
    let started = Instant::now();
    let mut refused = 0;
    for n in 0..30 {
        if server
            .login("nobody", &format!("guess{n}"))
            .starts_with("no: too many")
        {
            refused += 1;
        }
        let _ = server.connect().write_all(b"GET / HTTP/1.1\r\n\r\n");
    }
    // One more is looked at each time a wait is over: they are answered late.
    assert!(refused >= 20, "{refused}");
    server.stop();
    server.wait_for("stopped");
    let log = server.log();
    let seconds = usize::try_from(started.elapsed().as_secs()).unwrap() + 2;
    for reason in ["too many failed logins", "not a request"] {
        let lines = log.lines().filter(|line| line.contains(reason)).count();
        assert!(lines <= 2 * seconds, "{lines} lines in {seconds} s\n{log}");
    }
    // Those told alone and those summed up are all there.
    let alone = log.matches("too many failed logins, try again").count();
    let summed: usize = log
        .lines()
        .filter(|line| line.contains("refused further") && line.contains("failed logins"))
        .map(|line| {
            line.rsplit("count=")
                .next()
                .unwrap()
                .parse::<usize>()
                .unwrap()
        })
        .sum();
    assert_eq!(alone + summed, refused, "{log}");
    assert!(log.contains("source=127.0.0.1"), "{log}");
}

#[test]
fn the_logs_rate_is_capped_and_what_is_left_out_is_counted() {
    let place = Place::new();
    let mut server = place.start(&["--max-failures", "0", "--log-rate", "10"]);
    let started = Instant::now();
    let mut stream = server.connect();
    for _ in 0..500 {
        stream
            .write_all(request(Action::Login, "nobody", "x").as_ref())
            .unwrap();
        receive(&mut stream);
    }
    server.wait_for("log lines were lost");
    drop(stream);
    server.stop();
    let log = server.log();
    let seconds = usize::try_from(started.elapsed().as_secs()).unwrap() + 2;
    let lines = log.matches("outcome=\"no such user\"").count();
    assert!(lines <= 10 * seconds, "{lines} lines in {seconds} s");
    let counted: usize = log
        .lines()
        .filter_map(|line| {
            let count = line.split("rate=").nth(1)?.split(' ').next()?;
            count.parse::<usize>().ok()
        })
        .sum();
    assert!(counted >= 500 - lines - 10, "{counted} of {}", 500 - lines);
}

#[test]
fn a_noisy_address_does_not_take_the_lines_of_others() {
    let place = Place::new();
    let arguments = ["--max-failures", "0", "--log-rate", "40"];
    let mut server = place.start(&[&PROXIED[..], &arguments].concat());
    let started = Instant::now();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut stream = connect(&server, "192.0.2.1");
                while !stop.load(Ordering::Relaxed) {
                    let login = request(Action::Login, "noisy", "x");
                    stream.write_all(login.as_ref()).unwrap();
                    receive(&mut stream);
                }
            });
        }
        let deadline = Instant::now() + PATIENCE;
        while !server
            .log()
            .contains("log lines left out source=192.0.2.1 count=")
        {
            assert!(Instant::now() < deadline, "{}", server.log());
            std::thread::sleep(Duration::from_millis(10));
        }
        for n in 0..9 {
            let source = format!("198.51.100.{}", n % 3);
            let answer = from(&server, &source, Action::Login, &format!("quiet{n}"), "x");
            assert_eq!(answer, "no: no such user");
            std::thread::sleep(Duration::from_millis(100));
        }
        stop.store(true, Ordering::Relaxed);
    });
    let seconds = usize::try_from(started.elapsed().as_secs()).unwrap() + 2;
    server.stop();
    server.wait_for("stopped");
    let log = server.log();
    for n in 0..9 {
        assert!(log.contains(&format!("user=\"quiet{n}\"")), "{n}: {log}");
    }
    let noisy = log.matches("user=\"noisy\"").count();
    assert!(noisy <= 10 * seconds, "{noisy} lines in {seconds} s");
}
