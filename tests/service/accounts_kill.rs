//! kill -9 at random moments while clients register and logins replace old hashes. After the restart every user whose
//! registration was acknowledged can log in with her own password, and so can everybody whose hash was being replaced.
//! No account is incomplete.
//!
//! 30 kills, or as many as `AUTHSCOPE_KILLS` says (`make torture` takes 2,000).

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::programs::{PATIENCE, Place, Server, described, receive, request};
use authscope::accounts::{Hasher, Scheme, Stored};
use authscope::protocol::{Action, Response};

/// Clients that register at the same time.
const CLIENTS: usize = 3;

/// Clients that log users in at the same time whose hashes are old.
const LOGINS: usize = 2;

/// Users with an old hash for each kill: as many as log in before it, as a rule, and one that has
/// a name that could be taken for a mark for each that has not.
const OLD_FOR_EACH_KILL: u64 = 16;

/// Kills of servers on one passwd file, before the next one has its turn.
const ROUND: u64 = 100;

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

/// The name of one who has an old hash; her password is the same. Every second name ends in the one
/// before it.
fn old_name(number: u64) -> String {
    if number.is_multiple_of(2) {
        format!("v{number}")
    } else {
        format!("?=v{}", number - 1)
    }
}

fn digest(password: &str) -> String {
    use sha2::{Digest, Sha256};
    use std::fmt::Write;
    let digest = Sha256::digest(password);
    digest.iter().fold(String::new(), |mut text, octet| {
        write!(text, "{octet:02x}").expect("a string takes it");
        text
    })
}

/// Logs one user with an old hash after another in, on one connection, until the server is gone.
fn log_in(address: std::net::SocketAddr, next: &AtomicU64) {
    let Ok(mut stream) = TcpStream::connect(address) else {
        return;
    };
    loop {
        let name = old_name(next.fetch_add(1, Ordering::Relaxed));
        let mut octets = [0; 73];
        if stream
            .write_all(request(Action::Login, &name, &name).as_ref())
            .is_err()
            || stream.read_exact(&mut octets).is_err()
        {
            return;
        }
        let response = Response::decode(&octets).expect("a valid response");
        assert_eq!(described(&response), "yes: login successful", "{name}");
    }
}

#[test]
fn what_was_acknowledged_survives_and_nobody_has_anothers_hash() {
    let kills: u64 = std::env::var("AUTHSCOPE_KILLS").map_or(30, |kills| {
        kills.parse().expect("AUTHSCOPE_KILLS is a number")
    });
    let seed = std::time::UNIX_EPOCH.elapsed().expect("a clock").as_nanos() as u64 | 1;
    println!("seed {seed}, {kills} kills");
    let mut random = Random(seed);
    let mut total = Survived::default();
    while total.kills < kills {
        total.add(&round((kills - total.kills).min(ROUND), &mut random));
        println!("{total}");
    }
}

/// What was found after kills: registrations that were acknowledged, others that are on disk all the
/// same, and old hashes that were replaced and that were not.
#[derive(Default)]
struct Survived {
    kills: u64,
    acknowledged: usize,
    unacknowledged: usize,
    replaced: usize,
    old: usize,
}

impl Survived {
    fn add(&mut self, other: &Self) {
        self.kills += other.kills;
        self.acknowledged += other.acknowledged;
        self.unacknowledged += other.unacknowledged;
        self.replaced += other.replaced;
        self.old += other.old;
    }
}

impl std::fmt::Display for Survived {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            kills,
            acknowledged,
            unacknowledged,
            replaced,
            old,
        } = self;
        write!(
            f,
            "{kills} kills, {acknowledged} acknowledged registrations, {unacknowledged} on disk that were not, {replaced} hashes replaced, {old} not; none lost"
        )
    }
}

/// Kills one server after another on one passwd file, and looks at what is left.
fn round(kills: u64, random: &mut Random) -> Survived {
    let place = Place::new();
    let old_users = kills * OLD_FOR_EACH_KILL;
    let lines = (0..old_users).map(|number| {
        let name = old_name(number);
        format!("{name}:{}\n", digest(&name))
    });
    place.write(lines.collect::<String>());
    let yes = kill_again_and_again(&place, kills, random);
    assert!(
        !yes.is_empty(),
        "no registration was acknowledged before a kill"
    );
    let mut server = place.start(&["--max-failures", "0", "--hash-queue", "100000"]);
    let known = hashes(&place.text());
    let (replaced, old): (Vec<String>, Vec<String>) = (0..old_users)
        .map(old_name)
        .partition(|name| known[name] != digest(name));
    assert!(!replaced.is_empty(), "no hash was replaced before a kill");
    let everyone: Vec<&String> = yes.iter().chain(&replaced).collect();
    all_log_in(&server, &everyone);
    // Whoever was not acknowledged is there with a whole hash of the right password, or not at all.
    let mut hasher = Hasher::new(Scheme::DEFAULT);
    let mut unacknowledged = 0;
    let is_new = |name: &String| !name.contains('v') && !yes.contains(name);
    for (name, hash) in known.iter().filter(|(name, _)| is_new(name)) {
        unacknowledged += 1;
        let stored = Stored::parse(hash).expect("a whole hash");
        let right = hasher.verify(name.as_bytes(), &stored);
        assert!(stored.is_full_length() && right == Ok(true), "{name}");
    }
    server.stop();
    Survived {
        kills,
        acknowledged: yes.len(),
        unacknowledged,
        replaced: replaced.len(),
        old: old.len(),
    }
}

/// The names whose registrations were answered with yes. After each kill they all stand in the file.
fn kill_again_and_again(place: &Place, kills: u64, random: &mut Random) -> Vec<String> {
    let next = AtomicU64::new(0);
    let yes = Mutex::new(Vec::new());
    let mut acknowledged = 0;
    for kill in 0..kills {
        let mut server = place.start(&[]);
        std::thread::scope(|scope| {
            for client in 0..CLIENTS {
                let (address, yes) = (server.address, &yes);
                scope.spawn(move || register(address, &format!("{kill}-{client}"), yes));
            }
            for _ in 0..LOGINS {
                let (address, next) = (server.address, &next);
                let last = (kill + 1) * OLD_FOR_EACH_KILL - LOGINS as u64;
                if next.load(Ordering::Relaxed) < last {
                    scope.spawn(move || log_in(address, next));
                }
            }
            // After some answers and at any moment between two of them, however fast the
            // machine is.
            let wanted = acknowledged + random.below(8) as usize;
            let deadline = Instant::now() + PATIENCE;
            while yes.lock().expect("the list").len() < wanted && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(Duration::from_micros(random.below(40_000)));
            server.kill();
        });
        let known = hashes(&place.text());
        let yes = yes.lock().expect("the list");
        for name in yes.iter() {
            assert!(
                known.contains_key(name),
                "{name} was acknowledged and is lost"
            );
        }
        acknowledged = yes.len();
    }
    yes.into_inner().expect("the list")
}

/// Logs all of them in through the server, each half of them pipelined on a connection of its own.
fn all_log_in(server: &Server, names: &[&String]) {
    std::thread::scope(|scope| {
        for names in names.chunks(names.len().div_ceil(2)) {
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
}

/// Name and hash of every whole line; of a user with several lines, the last.
fn hashes(text: &str) -> BTreeMap<String, String> {
    text.split_inclusive('\n')
        .filter_map(|line| line.strip_suffix('\n'))
        .map(|line| line.strip_prefix(":replace:").unwrap_or(line))
        .filter(|line| !line.starts_with(':'))
        .filter_map(|line| line.split_once(':'))
        .map(|(name, hash)| (name.to_owned(), hash.to_owned()))
        .collect()
}
