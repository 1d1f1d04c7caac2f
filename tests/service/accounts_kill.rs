//! kill -9 at random moments while clients register: after the restart every user whose
//! registration was answered with yes can log in, and nobody is half there.
//!
//! 100 kills; another number with `AUTHSCOPE_KILLS` (`make torture` takes 1,000).

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::programs::{Place, described, receive, request};
use authscope::accounts::{Hasher, Scheme, Stored};
use authscope::protocol::{Action, Response};

/// Clients that register at the same time.
const CLIENTS: usize = 4;

/// A small generator, so that a failure can be repeated with its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        // xorshift64 (Marsaglia 2003).
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Registers one user after another on one connection until the server is gone.
fn register(address: std::net::SocketAddr, prefix: &str, yes: &Mutex<Vec<String>>) {
    let Ok(mut stream) = TcpStream::connect(address) else {
        return;
    };
    for n in 0.. {
        let name = format!("{prefix}-{n}");
        let mut octets = [0; 73];
        if stream
            .write_all(request(Action::Register, &name, &name).as_ref())
            .is_err()
            || stream.read_exact(&mut octets).is_err()
        {
            return;
        }
        let response = Response::decode(&octets).expect("a valid response");
        assert_eq!(described(&response), "yes: registered");
        yes.lock().expect("the list").push(name);
    }
}

#[test]
fn every_acknowledged_registration_survives() {
    let kills: u64 = std::env::var("AUTHSCOPE_KILLS").map_or(100, |kills| {
        kills.parse().expect("AUTHSCOPE_KILLS is a number")
    });
    let seed = std::time::UNIX_EPOCH.elapsed().expect("a clock").as_nanos() as u64 | 1;
    println!("seed {seed}, {kills} kills");
    let mut random = Random(seed);
    let place = Place::new();
    let yes = Mutex::new(Vec::new());
    let mut acknowledged = 0;
    for kill in 0..kills {
        let mut server = place.start(&[]);
        std::thread::scope(|scope| {
            for client in 0..CLIENTS {
                let (address, yes) = (server.address, &yes);
                scope.spawn(move || register(address, &format!("{kill}-{client}"), yes));
            }
            // After some answers and at any moment between two of them, however fast the
            // machine is.
            let wanted = acknowledged + random.below(8) as usize;
            let deadline = Instant::now() + crate::programs::PATIENCE;
            while yes.lock().expect("the list").len() < wanted && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(Duration::from_micros(random.below(40_000)));
            server.kill();
        });
        let known = hashes(&place.text());
        let yes = yes.lock().expect("the list");
        for name in &yes[acknowledged..] {
            assert!(
                known.contains_key(name),
                "{name} was acknowledged and is lost"
            );
        }
        acknowledged = yes.len();
    }
    // All of them through the server, each half of them pipelined on a connection of its own.
    let server = place.start(&["--max-failures", "0", "--hash-queue", "100000"]);
    let yes = yes.into_inner().expect("the list");
    assert!(
        !yes.is_empty(),
        "no registration was acknowledged before a kill"
    );
    std::thread::scope(|scope| {
        for names in yes.chunks(yes.len().div_ceil(2)) {
            let mut stream = server.connect();
            let mut writer = stream.try_clone().expect("a second handle");
            scope.spawn(move || {
                for name in names {
                    let login = request(Action::Login, name, name);
                    writer
                        .write_all(login.as_ref())
                        .expect("the request is sent");
                }
            });
            scope.spawn(move || {
                for name in names {
                    let answer = described(&receive(&mut stream));
                    assert_eq!(answer, "yes: login successful", "{name}");
                }
            });
        }
    });
    // Whoever was not acknowledged is there with a whole hash of the right password, or not at all.
    let known = hashes(&place.text());
    let mut hasher = Hasher::new(Scheme::DEFAULT);
    let mut unacknowledged = 0;
    for (name, hash) in known.iter().filter(|(name, _)| !yes.contains(name)) {
        unacknowledged += 1;
        let stored = Stored::parse(hash).expect("a whole hash");
        assert!(
            stored.is_full_length() && hasher.verify(name.as_bytes(), &stored),
            "{name}"
        );
    }
    println!(
        "{kills} kills, {} acknowledged registrations, {unacknowledged} on disk that were not",
        yes.len()
    );
}

/// Name and hash of every whole line.
fn hashes(text: &str) -> BTreeMap<String, String> {
    text.split_inclusive('\n')
        .filter_map(|line| line.strip_suffix('\n')?.split_once(':'))
        .map(|(name, hash)| (name.to_owned(), hash.to_owned()))
        .collect()
}
