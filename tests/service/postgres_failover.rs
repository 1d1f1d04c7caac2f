//! The primary stops under load and a synchronous standby takes over: no acknowledged registration is lost, every
//! request ends, and the service recovers without a restart.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use authscope::protocol::{Action, Response, layout::RESPONSE_LEN};

use crate::database::{Cluster, PASSWORD, USER, start};
use crate::programs::{PATIENCE, described, request};

/// The answer to a registration, and how long it took; `None` where the server is gone.
fn register(address: SocketAddr, user: &str) -> Option<(Response, Duration)> {
    let started = Instant::now();
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let request = request(Action::Register, user, "x");
    stream.write_all(request.as_ref()).ok()?;
    let mut octets = [0; RESPONSE_LEN];
    stream.read_exact(&mut octets).ok()?;
    let response = Response::decode(&octets).expect("a valid response");
    Some((response, started.elapsed()))
}

/// What the clients were told.
#[derive(Default)]
struct Told {
    acknowledged: Vec<String>,
    slowest: Duration,
    /// The same for those who succeeded, which tells how busy the machine is.
    slowest_yes: Duration,
    others: Vec<String>,
    last_yes: Option<Instant>,
}

/// Registers users one after another, until it is over.
fn keep_registering(
    address: SocketAddr,
    client: usize,
    told: &Mutex<Told>,
    over: &AtomicBool,
    failing: &AtomicBool,
) {
    for n in 0.. {
        if over.load(Ordering::Relaxed) {
            return;
        }
        let user = format!("c{client}n{n}");
        let Some((response, took)) = register(address, &user) else {
            std::thread::sleep(Duration::from_millis(50));
            continue;
        };
        let mut told = told.lock().unwrap();
        if response.success {
            told.acknowledged.push(user);
            if !failing.load(Ordering::Relaxed) {
                told.slowest_yes = told.slowest_yes.max(took);
            }
            told.last_yes = Some(Instant::now());
        } else {
            let unknown = response.description.as_str().contains("unknown");
            if !unknown {
                told.slowest = told.slowest.max(took);
            }
            told.others.push(described(&response));
        }
    }
}

#[test]
fn no_acknowledged_registration_is_lost_when_a_standby_takes_over() {
    let Some(primary) = Cluster::start(&[]) else {
        return;
    };
    let standby = primary.standby();
    let database = primary.empty();
    let url = format!(
        "postgres://{USER}@127.0.0.1:{},127.0.0.1:{}/{database}",
        primary.port, standby.port
    );
    assert!(!url.contains(PASSWORD));
    let arguments = [
        "--migrate",
        "--registration-rate",
        "0",
        "--hash-threads",
        "1",
    ];
    let mut servers: Vec<_> = (0..3).map(|_| start(&url, &arguments)).collect();
    let addresses: Vec<_> = servers.iter().map(|server| server.address).collect();
    let told = Mutex::new(Told::default());
    let over = AtomicBool::new(false);
    let failing = AtomicBool::new(false);
    let count = || told.lock().unwrap().acknowledged.len();
    let until = |done: &dyn Fn() -> bool| {
        let deadline = Instant::now() + PATIENCE;
        while !done() {
            assert!(
                Instant::now() < deadline,
                "{:?}",
                told.lock().unwrap().others
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    let back = std::thread::scope(|scope| {
        for client in 0..9 {
            let (told, over, failing) = (&told, &over, &failing);
            let address = addresses[client % 3];
            scope.spawn(move || keep_registering(address, client, told, over, failing));
        }
        until(&|| count() > 30);
        // One of the servers dies as well.
        servers[2].kill();
        until(&|| count() > 45);
        failing.store(true, Ordering::Relaxed);
        primary.kill();
        std::thread::sleep(Duration::from_secs(1));
        let promoted = Instant::now();
        assert_eq!(standby.ask("postgres", "SELECT pg_promote()").trim(), "t");
        until(&|| {
            told.lock()
                .unwrap()
                .last_yes
                .is_some_and(|last| last > promoted)
        });
        let back = promoted.elapsed();
        let before = count();
        until(&|| count() > before + 30);
        over.store(true, Ordering::Relaxed);
        back
    });
    let told = told.into_inner().unwrap();
    eprintln!(
        "back after {back:?}; slowest refusal {:?}, and success before {:?}; {} acknowledged, {} not",
        told.slowest,
        told.slowest_yes,
        told.acknowledged.len(),
        told.others.len()
    );
    let there = standby.ask(
        &database,
        "SELECT convert_from(name, 'UTF8') FROM authscope_users",
    );
    let there: std::collections::HashSet<&str> = there.lines().collect();
    for user in &told.acknowledged {
        assert!(there.contains(&**user), "{user} is lost");
    }
    // Ten seconds and two, and more where what nothing stood in the way of took long as well: on a machine that has much
    // else to do.
    let busy = told.slowest_yes * 4;
    assert!(back < Duration::from_secs(10) + busy, "{back:?}, {busy:?}");
    assert!(
        told.slowest < Duration::from_secs(2) + busy,
        "{:?}, {busy:?}",
        told.slowest
    );
    assert!(servers.iter_mut().take(2).all(|server| !server.has_ended()));
}

#[test]
fn commits_that_no_standby_confirms_are_not_acknowledged() {
    let Some(primary) = Cluster::start(&[]) else {
        return;
    };
    let standby = primary.standby();
    let database = primary.empty();
    let server = start(
        &primary.url(&database),
        &["--migrate", "--accounts-connections", "4"],
    );
    assert_eq!(server.register("alice", "x"), "yes: registered");
    standby.kill();
    // The primary has it, and says so to nobody: the answer is neither yes nor no.
    let answer = server.register("bob", "x");
    assert_eq!(answer, "no: registration outcome unknown, try to log in");
    // Who only reads is served as ever.
    assert_eq!(server.login("alice", "x"), "yes: login successful");
    standby.run(&[]);
    let deadline = Instant::now() + PATIENCE;
    while server.register("carol", "x") == "no: registration outcome unknown, try to log in" {
        assert!(Instant::now() < deadline);
    }
    assert!(
        server
            .register("carol", "x")
            .starts_with("no: user name taken")
    );
}

#[test]
fn a_commit_whose_wait_somebody_cancels_is_not_acknowledged_before_a_standby_has_it() {
    let Some(primary) = Cluster::start(&[]) else {
        return;
    };
    let standby = primary.standby();
    let database = primary.empty();
    let server = start(&primary.url(&database), &["--migrate"]);
    assert_eq!(server.register("alice", "x"), "yes: registered");
    standby.kill();
    let answer = std::thread::scope(|scope| {
        let registering = scope.spawn(|| server.register("bob", "x"));
        // PostgreSQL says "committed" to whoever waits, with a warning.
        let cancel = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        let deadline = Instant::now() + PATIENCE;
        while primary.ask(&database, cancel).trim() == "0" {
            assert!(Instant::now() < deadline, "nobody waits for the standby");
        }
        registering.join().unwrap()
    });
    assert_eq!(answer, "no: registration outcome unknown, try to log in");
    server.wait_for("the database warns: canceling wait for synchronous replication");
    standby.run(&[]);
    let deadline = Instant::now() + PATIENCE;
    while server.register("carol", "x") != "yes: registered" {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(100));
    }
}
