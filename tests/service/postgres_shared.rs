//! Several servers on one database act as one: of several registrations of a name one succeeds, and no more guesses are
//! allowed than by one server.

use std::io::Write;

use crate::database::{Cluster, run, shared, start};
use crate::programs::{Place, described, page, receive, request, stdout};
use crate::server_metrics;
use authscope::protocol::Action;

#[test]
fn of_a_thousand_registrations_of_one_name_at_three_servers_one_succeeds() {
    let Some(cluster) = shared() else {
        return;
    };
    let url = cluster.url(&cluster.empty());
    // One thread: most of them wait for their hash when the first of them has the name.
    let arguments = ["--migrate", "--hash-queue", "512", "--hash-threads", "1"];
    let servers: Vec<_> = (0..3).map(|_| start(&url, &arguments)).collect();
    let register = request(Action::Register, "alice", "x");
    let mut streams: Vec<_> = (0..1000).map(|n| servers[n % 3].connect()).collect();
    for stream in &mut streams {
        stream.write_all(register.as_ref()).unwrap();
    }
    let answers: Vec<_> = streams
        .iter_mut()
        .map(|stream| described(&receive(stream)))
        .collect();
    let count = |answer: &str| answers.iter().filter(|told| *told == answer).count();
    let (registered, taken) = (count("yes: registered"), count("no: user name taken"));
    // They need no hash to hear it, so that there is room and time for all of them.
    assert_eq!((registered, taken), (1, 999), "{answers:?}");
    for server in &servers {
        assert_eq!(server.login("alice", "x"), "yes: login successful");
        assert_eq!(server.register("alice", "y"), "no: user name taken");
    }
}

#[test]
fn three_servers_allow_no_more_guesses_than_one() {
    let Some(cluster) = shared() else {
        return;
    };
    let database = cluster.empty();
    let url = cluster.url(&database);
    let arguments = ["--migrate", "--max-failures", "6"];
    let servers: Vec<_> = (0..3).map(|_| start(&url, &arguments)).collect();
    assert_eq!(servers[0].register("alice", "right"), "yes: registered");
    for n in 0..6 {
        let answer = servers[n % 3].login("alice", &format!("guess{n}"));
        assert_eq!(answer, "no: wrong password", "{n}");
    }
    // As long a wait as the test may need, instead of one second.
    let longer = "UPDATE authscope_failures SET wait_until = wait_until + interval '1 hour'
        WHERE wait_until > empty_at - interval '1 day' AND name = 'alice' AND network <> ''";
    cluster.ask(&database, longer);
    for server in &servers {
        let answer = server.login("alice", "right");
        assert!(answer.starts_with("no: too many failed logins"), "{answer}");
    }
    // What the table forgets, or loses in a crash, is not a lock.
    cluster.ask(&database, "DELETE FROM authscope_failures");
    let answer = servers[1].login("alice", "right");
    assert_eq!(answer, "yes: login successful");
    let left = "SELECT count(*) FROM authscope_failures WHERE network <> '' AND name <> ''";
    assert_eq!(cluster.ask(&database, left).trim(), "0");
}

#[test]
fn without_the_table_of_failures_each_server_still_counts() {
    let Some(cluster) = shared() else {
        return;
    };
    let database = cluster.empty();
    let server = start(&cluster.url(&database), &["--migrate"]);
    assert_eq!(server.register("alice", "right"), "yes: registered");
    cluster.ask(&database, "DROP TABLE authscope_failures");
    let mut waits = false;
    for n in 0..12 {
        let answer = server.login("alice", &format!("guess{n}"));
        waits |= answer.starts_with("no: too many failed logins");
    }
    assert!(waits, "guessing is free");
    server.wait_for("failed logins are counted by this server alone");
}

#[test]
fn a_database_that_is_gone_is_told_to_whoever_asks_how_the_server_is() {
    let Some(cluster) = Cluster::start(&[]) else {
        return;
    };
    let place = Place::new();
    let socket = place.path("control").display().to_string();
    let url = cluster.url(&cluster.empty());
    let arguments = [
        "--migrate",
        "--control",
        &socket,
        "--metrics",
        "127.0.0.1:0",
    ];
    let server = start(&url, &arguments);
    let metrics = server_metrics::address(&server);
    let status = || stdout(&run(&url, &["--control", &socket, "status"]));
    assert_eq!(server.register("alice", "x"), "yes: registered");
    assert!(status().contains("ready: yes\n"), "{}", status());
    cluster.kill();
    let answer = server.login("alice", "x");
    assert_eq!(answer, "no: server error, try again later");
    assert!(
        status().contains("ready: cannot connect to the database"),
        "{}",
        status()
    );
    let (code, text) = page(&metrics, "/readyz");
    assert_eq!(code, "HTTP/1.1 503 Service Unavailable");
    assert!(text.ends_with("users cannot be looked up\n"), "{text}");
    cluster.run(&[]);
    assert_eq!(server.login("alice", "x"), "yes: login successful");
    assert!(status().contains("ready: yes\n"), "{}", status());
    assert_eq!(page(&metrics, "/readyz").0, "HTTP/1.1 200 OK");
}
