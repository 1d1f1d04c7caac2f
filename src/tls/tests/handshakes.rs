//! Suites, key updates, HelloRetryRequest, resumption, 0-RTT data.

use super::*;

#[test]
fn every_suite_is_decrypted() {
    let mut count = 0;
    for suite in suites() {
        let (ends, wire) = spoken(&Options::suite(suite));
        let (seen, session) = inspect(&ends.keys(), &wire.flights, 4096);
        assert_decrypted(&wire, &seen);
        let name = session.suite().and_then(CipherSuite::name).unwrap();
        let expected = format!("{:?}", suite.suite()).replace("TLS13_", "TLS_");
        assert_eq!(name, expected);
        assert_eq!(session.server_name(), Some("auth.example"));
        assert_eq!(session.resumed(), Some(false));
        count += 1;
    }
    assert_eq!(count, 6);
}

#[test]
fn keys_are_updated_by_both_sides() {
    let (ends, mut wire) = spoken(&Options::version(&version::TLS13));
    for round in 0..3 {
        wire.update_keys(if round == 1 { SERVER } else { CLIENT });
        wire.talk();
    }
    let (seen, session) = inspect(&ends.keys(), &wire.flights, 100);
    assert_decrypted(&wire, &seen);
    // rustls answers each key update with one of its own.
    assert_eq!(session.key_updates(), 6);
}

#[test]
fn a_hello_retry_request_is_followed() {
    use super::ring::kx_group::{SECP256R1, X25519};
    let (ends, wire) = spoken(&Options {
        client_groups: Some(vec![X25519, SECP256R1]),
        server_groups: Some(vec![SECP256R1]),
        ..Options::version(&version::TLS13)
    });
    let (seen, _) = inspect(&ends.keys(), &wire.flights, 33);
    assert_decrypted(&wire, &seen);
    let hellos = seen.records.iter().filter(|(from, content, protected)| {
        (*from, *content, *protected) == (CLIENT, ContentType::HANDSHAKE, Protected::No)
    });
    assert_eq!(hellos.count(), 2);
}

#[test]
fn sessions_are_resumed() {
    for (version, tickets) in [
        (&version::TLS13, true),
        (&version::TLS12, true),
        (&version::TLS12, false),
    ] {
        let (ends, first) = spoken(&Options {
            tickets,
            ..Options::version(version)
        });
        let first_keys = ends.keys();
        let mut second = ends.connect();
        second.talk();
        let (seen, session) = inspect(&ends.keys(), &second.flights, 77);
        assert_decrypted(&second, &seen);
        assert_eq!(session.resumed(), Some(true), "{version:?} {tickets}");
        if version.version == tokio_rustls::rustls::ProtocolVersion::TLSv1_2 {
            // The first session's secret is sufficient.
            let all = Reading::new(&first_keys).whole(&first.flights, 1000).all;
            let reading = Reading::of(all, [true; 2], CLIENT).whole(&second.flights, 77);
            assert_decrypted(&second, &reading.seen);
        }
    }
}

fn early_data() -> Options {
    Options {
        early_data: true,
        ..Options::version(&version::TLS13)
    }
}

/// A session that is resumed with 0-RTT data.
fn early(ends: &Ends) -> Wire {
    ends.connect().talk();
    let mut wire = ends.connect();
    let Connection::Client(client) = &mut wire.client else {
        panic!()
    };
    let content = [0x45; 58];
    client
        .early_data()
        .expect("a ticket that allows it")
        .write_all(&content)
        .unwrap();
    // The server returns early data separately, which this test does not read.
    let mut hello = Vec::new();
    while wire.client.wants_write() {
        wire.client.write_tls(&mut hello).unwrap();
    }
    wire.server.read_tls(&mut &hello[..]).unwrap();
    wire.server.process_new_packets().unwrap();
    wire.flights.push((CLIENT, hello));
    wire.sent[0].extend_from_slice(&content);
    wire.talk();
    wire
}

#[test]
fn early_data_is_decrypted_or_passed_over() {
    let ends = Ends::new(&early_data());
    let wire = early(&ends);
    let keys = ends.keys();
    assert!(keys.contains("CLIENT_EARLY_TRAFFIC_SECRET"));
    let (seen, _) = inspect(&keys, &wire.flights, 50);
    assert_decrypted(&wire, &seen);
    let without = without(&keys, "CLIENT_EARLY");
    let (seen, _) = inspect(&without, &wire.flights, 50);
    assert_eq!(seen.problems, [Problem::NoEarlySecret]);
    assert!(seen.content[0] == wire.sent[0][58..]);
    assert!(seen.content[1] == wire.sent[1]);
}

#[test]
fn early_data_that_the_server_refuses() {
    let ends = Ends::new(&early_data());
    ends.connect().talk();
    let mut server = (*ends.server).clone();
    server.max_early_data_size = 0;
    let refusing = Ends {
        server: Arc::new(server),
        client: ends.client.clone(),
        log: ends.log.clone(),
    };
    let mut wire = refusing.connect();
    let Connection::Client(client) = &mut wire.client else {
        panic!()
    };
    client.early_data().unwrap().write_all(&[0x45; 58]).unwrap();
    wire.talk();
    let (seen, _) = inspect(&ends.keys(), &wire.flights, 50);
    assert_eq!(seen.problems, []);
    // It was sent all the same.
    assert!(seen.content[0] == [&[0x45; 58], &wire.sent[0][..]].concat());
}
