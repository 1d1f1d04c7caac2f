//! Records that wait for their secrets, and why some stay encrypted.

use super::*;

#[test]
fn records_wait_for_their_keys() {
    for suite in suites() {
        let (ends, wire) = spoken(&Options::suite(suite));
        let mut reading = Reading::new("");
        reading.push_all(&wire.flights);
        assert!(reading.session.waits());
        assert!(reading.seen.content.iter().all(Vec::is_empty));
        let problem = reading.session.problem(&reading.all);
        assert!(matches!(problem, Some(Problem::NoKeys { .. })));
        reading.keys(&ends.keys());
        assert_decrypted(&wire, &reading.seen);
        assert_eq!(reading.all.waiting(), 0);
        // In the order in which both sides sent them.
        let records = reading
            .seen
            .records
            .iter()
            .filter(|(_, content, protected)| {
                (*content, *protected) == (ContentType::APPLICATION_DATA, Protected::Opened)
            });
        let order: Vec<_> = records.map(|(from, ..)| *from).collect();
        assert_eq!(order, [CLIENT, SERVER].repeat(3));
    }
}

#[test]
fn what_waits_is_bounded_and_found_again() {
    for suite in suites() {
        let ends = Ends::new(&Options::suite(suite));
        let mut wire = ends.connect();
        wire.carry();
        for round in 0..200u8 {
            wire.say(CLIENT, &[round; 58]);
        }
        let mut reading = Reading::new("");
        reading.all.limits.connection = 4000;
        for (from, bytes) in &wire.flights {
            reading.push(*from, bytes);
            assert!(reading.all.waiting() <= 4000);
        }
        reading.keys(&ends.keys());
        let content = &reading.seen.content[0];
        assert!(content.len() > 58 * 10, "{suite:?}: {}", content.len());
        assert!(wire.sent[0].ends_with(content));
        reading.end();
        assert_reported!(reading.seen, Problem::TooManyWait { .. });
    }
}

#[test]
fn says_why_not() {
    let (ends, wire) = spoken(&Options::default());
    let random = wire.flights[0].1[11..43].try_into().unwrap();
    let (seen, _) = inspect("", &wire.flights, 100);
    assert_eq!(seen.problems, [Problem::NoKeys { random }]);
    let (others, _) = spoken(&Options::default());
    let (seen, _) = inspect(&others.keys(), &wire.flights, 100);
    assert_eq!(seen.problems, [Problem::NoKeys { random }]);
    // Right client randoms, wrong secrets.
    let wrong: String = ends
        .keys()
        .lines()
        .map(|line| format!("{}\n", &line[..line.len() - 8]).replacen('\n', "01234567\n", 1))
        .collect();
    let (seen, _) = inspect(&wrong, &wire.flights, 100);
    assert_reported!(seen, Problem::WrongKeys { .. });
    let some = without(&ends.keys(), "SERVER_TRAFFIC");
    let (seen, _) = inspect(&some, &wire.flights, 100);
    let label = Label::ServerTrafficSecret;
    assert_eq!(seen.problems, [Problem::NoSecret { random, label }]);
    assert!(seen.content[0] == wire.sent[0]);
}

/// Connections whose secrets never come leave room for those whose secrets come late.
#[test]
fn connections_without_secrets_leave_room_for_others() {
    let ends = Ends::new(&Options::default());
    let mut silent = ends.connect();
    silent.carry();
    silent.say(SERVER, &vec![7; 60_000]);
    let (late, wire) = spoken(&Options::default());
    let mut all = Decryptor::default();
    all.limits = TlsLimits {
        connection: 50_000,
        all: 1_000_000,
    };
    let mut sessions = Vec::new();
    for _ in 0..200 {
        let mut session = Session::new([true; 2], CLIENT);
        for (from, bytes) in &silent.flights {
            session.push(&mut all, *from, bytes, &mut |_| {});
        }
        assert!(all.waiting() <= all.limits.all);
        sessions.push(session);
    }
    let mut reading = Reading::of(all, [true; 2], CLIENT);
    reading.push_all(&wire.flights);
    reading.keys(&late.keys());
    assert_decrypted(&wire, &reading.seen);
    for session in &mut sessions {
        session.finish(&mut reading.all, &mut |_| {});
    }
    assert_eq!(reading.all.waiting(), 0);
}

/// The limits are those in docs/architecture.md.
#[test]
fn bounds_are_those_that_are_documented() {
    let limits = TlsLimits::default();
    assert_eq!((limits.connection, limits.all), (1 << 20, 64 << 20));
    let text = include_str!("../../../docs/architecture.md");
    assert!(
        text.contains("| TLS records that wait for secrets | 1 MiB a connection, 64 MiB in all")
    );
}

#[test]
fn what_waits_goes_on_waiting_behind_the_connection_s_end() {
    for suite in suites() {
        let (ends, wire) = spoken(&Options::suite(suite));
        let mut reading = Reading::new("");
        reading.push_all(&wire.flights);
        reading.ended();
        assert!(reading.session.waits());
        reading.keys(&ends.keys());
        reading.end();
        assert_decrypted(&wire, &reading.seen);
    }
}
