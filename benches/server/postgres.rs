//! Measures users in PostgreSQL: logins against bare verifications, registrations against the database's own commits, and
//! three servers against one.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use authscope::accounts::{Hasher, Postgres, PostgresSettings, Scheme, Store, Stored};
use authscope::protocol::{Action, UserName};
use tokio::runtime::Runtime;

use super::compare::{ANY, SUCCESS, login, verify_for};
use super::database::{Cluster, PASSWORD, USER};
use super::load::{Measured, Requests, drive, request};
use super::place::{Bare, HASH, Server, cores, runtime};
use super::report::Report;

/// Connections of a server to the database, and of pgbench.
const CONNECTIONS: usize = 16;
const ROUNDS: usize = 4;

/// Runs the measurements. Returns false if there is no PostgreSQL.
pub fn compare(report: &mut Report) -> bool {
    // Unlike the clusters of tests, this one syncs.
    let settings = ["fsync=on", "max_connections=100", "shared_buffers=128MB"];
    let Some(cluster) = Cluster::start(&settings) else {
        return false;
    };
    logins(report, &cluster);
    registrations(report, &cluster);
    true
}

/// Logins through one server and through three, against bare verifications. Each login makes three queries: one for the user,
/// and two for recent failures.
fn logins(report: &mut Report, cluster: &Cluster) {
    const TIME: Duration = Duration::from_secs(4);
    let hash = Hasher::new(Scheme::DEFAULT)
        .hash(b"secret")
        .expect("a hash");
    let stored = Stored::parse(&hash).expect("a hash");
    let url = cluster.url(&cluster.empty());
    let servers: Vec<_> = (0..3)
        .map(|_| Server::start_on(&url, PASSWORD, &["--migrate"]))
        .collect();
    let clients = runtime();
    let alice = UserName::new("alice").expect("a user name");
    let users = store(&clients, &url);
    let added = clients.block_on(async { users.add(alice, hash).await });
    assert!(added.expect("the database is there"), "alice is added");
    let (mut bare, mut took) = (0, Duration::ZERO);
    let (mut one, mut three) = (Measured::default(), 0.0);
    let alice = login("alice", "secret");
    for _ in 0..ROUNDS {
        let started = Instant::now();
        bare += verify_for(TIME, &stored);
        took += started.elapsed();
        one.add(drive(
            &clients,
            servers[0].address,
            4 * cores(),
            TIME,
            &alice,
            SUCCESS,
        ));
        let addresses = servers.iter().map(|server| server.address);
        let same = |_| Arc::clone(&alice);
        three += together(addresses.collect(), 2 * cores(), TIME, &same) / ROUNDS as f64;
    }
    let bare = bare as f64 / took.as_secs_f64();
    report.row(
        "logins a second, Argon2id m=19456,t=2,p=1, against bare verifications",
        &format!("{:.1} against {bare:.1}", one.per_second()),
        &format!("{:.2}", one.per_second() / bare),
        "at least 0.95",
    );
    report.row(
        "the same through three servers, against one",
        &format!("{three:.1} against {:.1}", one.per_second()),
        &format!("{:.2}", three / one.per_second()),
        "about 1 on the same cores",
    );
}

/// Registrations without hashing, through one server and through three, against pgbench's commits of one row each in the same
/// cluster, over the same number of connections.
fn registrations(report: &mut Report, cluster: &Cluster) {
    const TIME: Duration = Duration::from_secs(3);
    const CLIENTS: usize = 96;
    let database = cluster.empty();
    let (serving, clients) = (runtime(), runtime());
    let servers: Vec<_> = (0..3)
        .map(|_| Bare::start_on(&serving, store(&serving, &cluster.url(&database))))
        .collect();
    cluster.ask(
        &database,
        "CREATE TABLE commits (name bytea PRIMARY KEY, hash text NOT NULL, version bigint NOT NULL DEFAULT 1,
            created timestamptz NOT NULL DEFAULT now())",
    );
    // Connections to the database are made at their first use, and a request that waits too long for one is answered "busy".
    for (number, server) in servers.iter().enumerate() {
        let warm: Requests = Arc::new(move |client, n| {
            request(Action::Register, &format!("w{number}-{client}-{n}"), "x")
        });
        let time = Duration::from_secs(2);
        drive(&clients, server.address, CLIENTS, time, &warm, ANY);
    }
    let (mut one, mut three, mut commits) = (Measured::default(), 0.0, 0.0);
    for round in 0..ROUNDS {
        commits += pgbench(cluster, &database, TIME) / ROUNDS as f64;
        let fresh: Requests = Arc::new(move |client, n| {
            request(Action::Register, &format!("{round}-{client}-{n}"), "x")
        });
        one.add(drive(
            &clients,
            servers[0].address,
            CLIENTS,
            TIME,
            &fresh,
            SUCCESS,
        ));
        let many = servers.iter().map(|server| server.address).collect();
        let fresh = |server: usize| -> Requests {
            Arc::new(move |client, n| {
                let name = format!("{round}-{server}-{client}-{n}");
                request(Action::Register, &name, "x")
            })
        };
        three += together(many, CLIENTS / 3, TIME, &fresh) / ROUNDS as f64;
    }
    let alice = login("0-0-0", "x");
    let asked = drive(&clients, servers[0].address, CLIENTS, TIME, &alice, SUCCESS);
    report.row(
        &format!("logins a second, hashing taken out, each with three questions to the database; {CLIENTS} clients"),
        &format!("{:.0}", asked.per_second()),
        "",
        "",
    );
    report.row(
        &format!("registrations a second, hashing taken out, against pgbench's commits of a row each over as many connections; {CLIENTS} clients"),
        &format!("{:.0} against {commits:.0}", one.per_second()),
        &format!("{:.2}", one.per_second() / commits),
        "at least 0.5",
    );
    report.row(
        "the same through three servers, against one",
        &format!("{three:.0} against {:.0}", one.per_second()),
        &format!("{:.2}", three / one.per_second()),
        "about 1 on the same cores",
    );
}

fn store(serving: &Runtime, url: &str) -> Arc<Postgres> {
    let settings = PostgresSettings {
        url: url.into(),
        password: Some(PASSWORD.into()),
        connections: CONNECTIONS,
        weak_commit: false,
        migrate: true,
    };
    let opened = serving.block_on(Postgres::open(&settings));
    Arc::new(opened.expect("the database opens"))
}

/// The answers per second of several servers together.
fn together(
    servers: Vec<std::net::SocketAddr>,
    clients_each: usize,
    time: Duration,
    requests: &dyn Fn(usize) -> Requests,
) -> f64 {
    let clients = runtime();
    let started = Instant::now();
    let answered: usize = std::thread::scope(|scope| {
        let driven: Vec<_> = servers
            .into_iter()
            .enumerate()
            .map(|(server, address)| {
                let (clients, requests) = (&clients, requests(server));
                scope.spawn(move || {
                    drive(clients, address, clients_each, time, &requests, SUCCESS)
                        .times
                        .len()
                })
            })
            .collect();
        driven
            .into_iter()
            .map(|driven| driven.join().expect("clients end well"))
            .sum()
    });
    answered as f64 / started.elapsed().as_secs_f64()
}

/// The commits per second of pgbench, each with one inserted row of the size of a user.
fn pgbench(cluster: &Cluster, database: &str, time: Duration) -> f64 {
    let script = cluster.path("commits.sql");
    let insert = format!(
        "INSERT INTO commits (name, hash) VALUES (uuid_send(gen_random_uuid()), '{HASH}') ON CONFLICT (name) DO NOTHING RETURNING 1;\n"
    );
    std::fs::write(&script, insert).expect("the script is written");
    let output = Command::new("pgbench")
        .args(["-n", "-M", "prepared", "-h", "127.0.0.1", "-U", USER])
        .args(["-p", &cluster.port.to_string()])
        .args(["-c", &CONNECTIONS.to_string(), "-j", &cores().to_string()])
        .args(["-T", &time.as_secs().to_string(), "-f"])
        .arg(&script)
        .arg(database)
        .env("PGPASSWORD", PASSWORD)
        .output()
        .expect("pgbench is started");
    let said = String::from_utf8_lossy(&output.stdout);
    let tps = said.lines().find_map(|line| line.strip_prefix("tps = "));
    let tps = tps.and_then(|line| line.split(' ').next()?.parse().ok());
    tps.unwrap_or_else(|| {
        panic!(
            "pgbench says {said}{}",
            String::from_utf8_lossy(&output.stderr)
        )
    })
}
