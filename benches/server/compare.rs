//! The comparisons. Each measures the server in turns with what it is compared with.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use authscope::accounts::{Hasher, Scheme, Stored};
use authscope::protocol::Action;
use authscope::protocol::layout::{REQUEST_LEN, RESPONSE_LEN, STATUS};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::load::{Check, Measured, Requests, drive, request};
use super::place::{Bare, HASH, Server, cores, directory, runtime};
use super::report::Report;

pub const SUCCESS: Check = |response| response[STATUS.offset] == 1;
const FAILURE: Check = |response| response[STATUS.offset] == 0;
pub const ANY: Check = |_| true;

pub fn login(name: &str, password: &str) -> Requests {
    let octets = request(Action::Login, name, password);
    Arc::new(move |_, _| octets.clone())
}

/// Logins through the server, against bare verifications on the same cores.
pub fn hashing(report: &mut Report) {
    const ROUNDS: usize = 4;
    const TIME: Duration = Duration::from_secs(4);
    let hash = Hasher::new(Scheme::DEFAULT)
        .hash(b"secret")
        .expect("a hash");
    let stored = Stored::parse(&hash).expect("a hash");
    let server = Server::start(&format!("alice:{hash}\n"), &[]);
    let clients = runtime();
    let (mut bare, mut took) = (0, Duration::ZERO);
    let mut logins = Measured::default();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        bare += verify_for(TIME, &stored);
        took += started.elapsed();
        let alice = login("alice", "secret");
        logins.add(drive(
            &clients,
            server.address,
            4 * cores(),
            TIME,
            &alice,
            SUCCESS,
        ));
    }
    let bare = bare as f64 / took.as_secs_f64();
    report.row(
        "logins a second, Argon2id m=19456,t=2,p=1, against bare verifications",
        &format!("{:.1} against {bare:.1}", logins.per_second()),
        &format!("{:.2}", logins.per_second() / bare),
        "at least 0.95",
    );
}

/// Verifies on every core for `time`. Returns the number of verifications.
pub fn verify_for(time: Duration, stored: &Stored) -> usize {
    let end = Instant::now() + time;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores())
            .map(|_| {
                scope.spawn(|| {
                    let mut hasher = Hasher::new(Scheme::DEFAULT);
                    let mut count = 0;
                    while Instant::now() < end {
                        assert_eq!(hasher.verify(b"secret", stored), Ok(true));
                        count += 1;
                    }
                    count
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a thread ends well"))
            .sum()
    })
}

/// Answers each request. Its buffer is larger than a request, like the server's: a read that fills the buffer costs a second
/// one.
async fn echo(stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let mut stream = BufReader::with_capacity(16 * REQUEST_LEN, stream);
    let mut octets = [0; REQUEST_LEN];
    let answer = [1; RESPONSE_LEN];
    while stream.read_exact(&mut octets).await.is_ok() {
        if stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

/// Requests through the server without hashing, against a plain echo of the same sizes.
pub fn requests(report: &mut Report) {
    const ROUNDS: usize = 8;
    const TIME: Duration = Duration::from_secs(1);
    const CLIENTS: usize = 32;
    let (serving, clients) = (runtime(), runtime());
    let bare = Bare::start(&serving, &format!("alice:{HASH}\n"));
    let listener = serving
        .block_on(TcpListener::bind("127.0.0.1:0"))
        .expect("a port");
    let echo_address = listener.local_addr().expect("an address");
    serving.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(echo(stream));
        }
    });
    let alice = login("alice", "secret");
    let (mut echoed, mut answered) = (Measured::default(), Measured::default());
    for _ in 0..ROUNDS {
        echoed.add(drive(&clients, echo_address, CLIENTS, TIME, &alice, ANY));
        answered.add(drive(
            &clients,
            bare.address,
            CLIENTS,
            TIME,
            &alice,
            SUCCESS,
        ));
    }
    report.row(
        "requests a second, hashing taken out, against a plain echo; 32 clients",
        &format!(
            "{:.0} against {:.0}",
            answered.per_second(),
            echoed.per_second()
        ),
        &format!("{:.2}", answered.per_second() / echoed.per_second()),
        "at least 0.8",
    );
    let (ours, theirs) = (answered.percentile(99), echoed.percentile(99));
    report.row(
        "99th percentile of the same",
        &format!("{ours:.0?} against {theirs:.0?}"),
        &format!("{:.2}", ours.as_secs_f64() / theirs.as_secs_f64()),
        "under 3",
    );
}

/// Logs in 20,000 times on one connection, without hashing, and reports nothing: for callgrind, which counts instructions.
pub fn counted() {
    const LOGINS: usize = 20_000;
    let serving = runtime();
    let bare = Bare::start(&serving, &format!("alice:{HASH}\n"));
    let mut stream = std::net::TcpStream::connect(bare.address).expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    let octets = request(Action::Login, "alice", "secret");
    let mut response = [0; RESPONSE_LEN];
    for _ in 0..LOGINS {
        stream.write_all(&octets).expect("a request is sent");
        stream.read_exact(&mut response).expect("a response comes");
        assert!(SUCCESS(&response), "a login succeeds");
    }
}

/// Syncs per second of the disk alone, each after the bytes of a line.
fn syncs_per_second(time: Duration) -> f64 {
    let directory = directory();
    let file = File::create(directory.path().join("file")).expect("a file");
    let line = format!("user000000:{HASH}\n");
    let (started, mut count) = (Instant::now(), 0);
    while started.elapsed() < time {
        file.write_all_at(line.as_bytes(), count * line.len() as u64)
            .and_then(|()| file.sync_data())
            .expect("a sync");
        count += 1;
    }
    count as f64 / started.elapsed().as_secs_f64()
}

/// Registrations without hashing, against the disk's own rate of syncs.
pub fn registrations(report: &mut Report) {
    const ROUNDS: usize = 10;
    const TIME: Duration = Duration::from_millis(300);
    let (serving, clients) = (runtime(), runtime());
    for number in [1, 8, 64] {
        let bare = Bare::start(&serving, "");
        let (mut measured, mut disk) = (Measured::default(), 0.0);
        for round in 0..ROUNDS {
            disk += syncs_per_second(TIME) / ROUNDS as f64;
            let fresh: Requests = Arc::new(move |client, n| {
                request(Action::Register, &format!("{round}-{client}-{n}"), "x")
            });
            measured.add(drive(&clients, bare.address, number, TIME, &fresh, SUCCESS));
        }
        let counts = bare.counts();
        report.row(
            &format!("registrations a second, hashing taken out, against the disk's syncs a second; {number} clients"),
            &format!("{:.0} against {disk:.0}", measured.per_second()),
            &format!("{:.2}", measured.per_second() / disk),
            "",
        );
        report.row(
            &format!("registrations a sync, the same; {number} clients"),
            &format!("{} in {} syncs", counts.stored, counts.syncs),
            &format!("{:.1}", counts.stored as f64 / counts.syncs as f64),
            if number == 64 { "well above 1" } else { "" },
        );
    }
    let mut server = Server::start("", &[]);
    let fresh: Requests =
        Arc::new(|client, n| request(Action::Register, &format!("{client}-{n}"), "x"));
    let time = Duration::from_secs(4);
    let measured = drive(&clients, server.address, 64, time, &fresh, SUCCESS);
    server.stop();
    let (stored, syncs) = (server.logged("registrations"), server.logged("syncs"));
    report.row(
        "registrations a sync with Argon2id, which is what they wait for; 64 clients",
        &format!(
            "{stored} in {syncs} syncs, {:.0} a second",
            measured.per_second()
        ),
        &format!("{:.1}", stored as f64 / syncs as f64),
        "well above 1",
    );
}

/// The memory of 10,000 idle connections, and the time of a login beside them.
pub fn idle_connections(report: &mut Report) {
    const CONNECTIONS: usize = 10_000;
    let hash = Hasher::new(Scheme::DEFAULT)
        .hash(b"secret")
        .expect("a hash");
    let server = Server::start(&format!("alice:{hash}\n"), &["--idle-timeout", "3600"]);
    let clients = runtime();
    let alice = login("alice", "secret");
    let time = Duration::from_secs(2);
    // In the first logins the hashing threads allocate their memory.
    let mut alone = drive(&clients, server.address, 2 * cores(), time, &alice, SUCCESS);
    let mut alone_single = drive(&clients, server.address, 1, time, &alice, SUCCESS);
    drop(std::mem::take(&mut alone));
    let before = server.memory();
    let held: Vec<_> = (0..CONNECTIONS)
        .map(|_| std::net::TcpStream::connect(server.address).expect("a connection"))
        .collect();
    // Once a later connection is answered, all of these are open.
    let mut beside = drive(&clients, server.address, 1, time, &alice, SUCCESS);
    let each = server.memory().saturating_sub(before) as f64 / CONNECTIONS as f64;
    drop(held);
    report.row(
        "memory of the server for each of 10,000 idle connections",
        &format!("{:.2} KiB", each / 1024.0),
        "",
        "under 8 KiB",
    );
    let (beside, alone) = (beside.percentile(50), alone_single.percentile(50));
    report.row(
        "median time of a login beside them, against without them",
        &format!("{beside:.1?} against {alone:.1?}"),
        &format!("{:.2}", beside.as_secs_f64() / alone.as_secs_f64()),
        "",
    );
}

/// Start, memory and look-up with two million users.
pub fn many_users(report: &mut Report) {
    const USERS: usize = 2_000_000;
    let few = Server::start(&format!("user1:{HASH}\n"), &[]);
    let directory = directory();
    let file = File::create(directory.path().join("passwd")).expect("a file");
    let mut out = BufWriter::new(file);
    let mut line = String::new();
    for n in 0..USERS {
        line.clear();
        let _ = writeln!(line, "user{n}:{HASH}");
        out.write_all(line.as_bytes()).expect("a line is written");
    }
    out.flush().expect("the file is written");
    drop(out);
    let many = Server::start_in(directory, &[]);
    let (processor, clock) = (many.processor_time(), many.logged("ms") as f64 / 1000.0);
    report.row(
        "start with 2,000,000 users, for each million of lines: processor time, and by the clock",
        &format!(
            "{:.2} s and {:.2} s",
            processor.as_secs_f64() / 2.0,
            clock / 2.0
        ),
        "",
        "under 3 s",
    );
    let index = many.logged("index_octets") as f64 / USERS as f64;
    let all = many.memory().saturating_sub(few.memory()) as f64 / USERS as f64;
    report.row(
        "memory for each of 2,000,000 users: the index, and all that the process has more",
        &format!("{index:.0} and {all:.0} bytes"),
        "",
        "under 120 bytes",
    );
    let clients = runtime();
    let (mut of_many, mut of_few) = (Measured::default(), Measured::default());
    for _ in 0..4 {
        let time = Duration::from_secs(1);
        // The registration of a taken name is refused after a look-up in the index.
        let taken: Requests = Arc::new(|client, n| {
            let user = (client * 1_000_003 + n * 7_919) % USERS;
            request(Action::Register, &format!("user{user}"), "x")
        });
        let taken_few: Requests = Arc::new(|_, _| request(Action::Register, "user1", "x"));
        of_many.add(drive(&clients, many.address, 4, time, &taken, FAILURE));
        of_few.add(drive(&clients, few.address, 4, time, &taken_few, FAILURE));
    }
    let (slow, fast) = (of_many.percentile(50), of_few.percentile(50));
    report.row(
        "median time of looking a user up among 2,000,000, against one",
        &format!("{slow:.0?} against {fast:.0?}"),
        &format!("{:.2}", slow.as_secs_f64() / fast.as_secs_f64()),
        "about 1",
    );
}
