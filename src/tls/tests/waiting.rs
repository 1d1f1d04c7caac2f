//! Records that wait for their secrets, and why some stay encrypted.

use super::*;

#[test]
fn records_wait_for_their_keys() {
    for suite in suites() {
        let ends = Ends::of(suite);
        let mut wire = ends.connect();
        wire.talk();
        let (mut all, mut seen) = (Decryptor::default(), Seen::default());
        let mut session = Session::new([true; 2], CLIENT);
        for (from, bytes) in &wire.flights {
            session.push(&mut all, *from, bytes, &mut |event| seen.event(event));
        }
        assert!(session.waits());
        assert!(seen.content.iter().all(Vec::is_empty));
        assert!(matches!(
            session.problem(&all),
            Some(Problem::NoKeys { .. })
        ));
        all.keys.read_all(ends.keys().as_bytes());
        session.keys_came(&mut all, &mut |event| seen.event(event));
        assert_decrypted(&wire, &seen);
        assert_eq!(all.waiting(), 0);
        // In the order in which both sides sent them.
        let order: Vec<_> = seen
            .records
            .iter()
            .filter(|record| {
                record.1 == ContentType::APPLICATION_DATA && record.2 == Protected::Opened
            })
            .map(|record| record.0)
            .collect();
        assert_eq!(order, [CLIENT, SERVER].repeat(3));
    }
}

#[test]
fn what_waits_is_bounded_and_found_again() {
    for suite in suites() {
        let ends = Ends::of(suite);
        let mut wire = ends.connect();
        wire.carry();
        for round in 0..200u8 {
            wire.say(CLIENT, &[round; 58]);
        }
        let (mut all, mut seen) = (Decryptor::default(), Seen::default());
        all.limits.connection = 4000;
        let mut session = Session::new([true; 2], CLIENT);
        for (from, bytes) in &wire.flights {
            session.push(&mut all, *from, bytes, &mut |event| seen.event(event));
            assert!(all.waiting() <= 4000);
        }
        all.keys.read_all(ends.keys().as_bytes());
        session.keys_came(&mut all, &mut |event| seen.event(event));
        let content = &seen.content[0];
        assert!(content.len() > 58 * 10, "{suite:?}: {}", content.len());
        assert!(wire.sent[0].ends_with(content));
        end(&mut session, &mut all, &mut seen);
        assert!(
            matches!(seen.problems[..], [Problem::TooManyWait { .. }]),
            "{:?}",
            seen.problems
        );
    }
}

#[test]
fn says_why_not() {
    let options = Options::default();
    let (ends, others) = (Ends::new(&options), Ends::new(&options));
    let mut wire = ends.connect();
    wire.talk();
    let random = wire.flights[0].1[11..43].try_into().unwrap();
    let (seen, _) = inspect(&mut Decryptor::default(), &wire.flights, 100);
    assert_eq!(seen.problems, [Problem::NoKeys { random }]);
    others.connect().talk();
    let (seen, _) = inspect(&mut decryptor(&others.keys()), &wire.flights, 100);
    assert_eq!(seen.problems, [Problem::NoKeys { random }]);
    // Right names, wrong secrets.
    let wrong: String = ends
        .keys()
        .lines()
        .map(|line| format!("{}\n", &line[..line.len() - 8]).replacen('\n', "01234567\n", 1))
        .collect();
    let (seen, _) = inspect(&mut decryptor(&wrong), &wire.flights, 100);
    assert!(
        matches!(seen.problems[..], [Problem::WrongKeys { .. }]),
        "{:?}",
        seen.problems
    );
    let some = without(&ends.keys(), "SERVER_TRAFFIC");
    let (seen, _) = inspect(&mut decryptor(&some), &wire.flights, 100);
    let label = Label::ServerTrafficSecret;
    assert_eq!(seen.problems, [Problem::NoSecret { random, label }]);
    assert!(seen.content[0] == wire.sent[0]);
}

/// Connections whose secrets never come may not take the room of those whose secrets are late.
#[test]
fn connections_without_secrets_leave_room_for_others() {
    let ends = Ends::new(&Options::default());
    let mut silent = ends.connect();
    silent.carry();
    silent.say(SERVER, &vec![7; 60_000]);
    let late = Ends::new(&Options::default());
    let mut wire = late.connect();
    wire.talk();
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
    let (mut session, mut seen) = (Session::new([true; 2], CLIENT), Seen::default());
    for (from, bytes) in &wire.flights {
        session.push(&mut all, *from, bytes, &mut |event| seen.event(event));
    }
    all.keys.read_all(late.keys().as_bytes());
    session.keys_came(&mut all, &mut |event| seen.event(event));
    assert_decrypted(&wire, &seen);
    for session in &mut sessions {
        session.finish(&mut all, &mut |_| {});
    }
    assert_eq!(all.waiting(), 0);
}

/// The bounds are those that docs/architecture.md names.
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
        let ends = Ends::of(suite);
        let mut wire = ends.connect();
        wire.talk();
        let (mut all, mut seen) = (Decryptor::default(), Seen::default());
        let mut session = Session::new([true; 2], CLIENT);
        let sink = &mut |event: Event<'_>| seen.event(event);
        for (from, bytes) in &wire.flights {
            session.push(&mut all, *from, bytes, sink);
        }
        for from in [CLIENT, SERVER] {
            session.ended(&mut all, from, sink);
        }
        assert!(session.waits());
        all.keys.read_all(ends.keys().as_bytes());
        session.keys_came(&mut all, sink);
        session.finish(&mut all, sink);
        assert_decrypted(&wire, &seen);
    }
}
