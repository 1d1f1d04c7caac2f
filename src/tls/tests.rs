//! Sessions of rustls, client against server in memory, decrypted.

use std::fmt;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use tokio_rustls::rustls::client::{ClientConnection, Resumption};
use tokio_rustls::rustls::crypto::{CryptoProvider, SupportedKxGroup, ring};
use tokio_rustls::rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName,
};
use tokio_rustls::rustls::server::{ServerConnection, ServerSessionMemoryCache};
use tokio_rustls::rustls::{
    ALL_VERSIONS, ClientConfig, Connection, RootCertStore, ServerConfig, SupportedCipherSuite,
    SupportedProtocolVersion, version,
};

use super::*;

const CLIENT: Side = Side::A;
const SERVER: Side = Side::B;

/// Collects key log lines.
#[derive(Default, Clone)]
struct Log(Arc<Mutex<String>>);

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Log")
    }
}

impl tokio_rustls::rustls::KeyLog for Log {
    fn log(&self, label: &str, random: &[u8], secret: &[u8]) {
        let hex = |bytes: &[u8]| {
            let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
            digits.collect::<Vec<_>>().concat()
        };
        let line = format!("{label} {} {}\n", hex(random), hex(secret));
        self.0.lock().unwrap().push_str(&line);
    }
}

/// Both ends' settings: sessions of one `Ends` can be resumed.
struct Ends {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    log: Log,
}

#[derive(Clone, Default)]
struct Options {
    suite: Option<SupportedCipherSuite>,
    version: Option<&'static SupportedProtocolVersion>,
    client_groups: Option<Vec<&'static dyn SupportedKxGroup>>,
    server_groups: Option<Vec<&'static dyn SupportedKxGroup>>,
    early_data: bool,
    tickets: bool,
    max_fragment: Option<usize>,
}

impl Ends {
    fn new(options: &Options) -> Self {
        let certified = rcgen::generate_simple_self_signed(["auth.example".into()]).unwrap();
        let certificate: CertificateDer<'static> = certified.cert.into();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(
            certified.signing_key.serialize_der(),
        ));
        let provider = |groups: &Option<Vec<&'static dyn SupportedKxGroup>>| {
            let base = ring::default_provider();
            Arc::new(CryptoProvider {
                cipher_suites: options
                    .suite
                    .map_or(base.cipher_suites, |suite| vec![suite]),
                kx_groups: groups.clone().unwrap_or(base.kx_groups),
                ..base
            })
        };
        let of_suite = options.suite.map(|suite| suite.version());
        let one = options.version.or(of_suite).map(|version| vec![version]);
        let versions = one.unwrap_or(ALL_VERSIONS.to_vec());
        let log = Log::default();
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let mut client = ClientConfig::builder_with_provider(provider(&options.client_groups))
            .with_protocol_versions(&versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        client.key_log = Arc::new(log.clone());
        client.enable_early_data = options.early_data;
        client.resumption = Resumption::in_memory_sessions(8);
        client.max_fragment_size = options.max_fragment;
        let mut server = ServerConfig::builder_with_provider(provider(&options.server_groups))
            .with_protocol_versions(&versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        server.session_storage = ServerSessionMemoryCache::new(8);
        if options.tickets {
            server.ticketer = ring::Ticketer::new().unwrap();
        }
        if options.early_data {
            server.max_early_data_size = 1 << 14;
        }
        server.max_fragment_size = options.max_fragment;
        Self {
            client: Arc::new(client),
            server: Arc::new(server),
            log,
        }
    }

    fn connect(&self) -> Wire {
        let name = ServerName::try_from("auth.example").unwrap();
        Wire {
            client: ClientConnection::new(self.client.clone(), name)
                .unwrap()
                .into(),
            server: ServerConnection::new(self.server.clone()).unwrap().into(),
            flights: Vec::new(),
            sent: [Vec::new(), Vec::new()],
        }
    }

    fn keys(&self) -> String {
        self.log.0.lock().unwrap().clone()
    }
}

/// What went over a connection, in order.
type Flights = Vec<(Side, Vec<u8>)>;

/// A connection, and what went over it.
struct Wire {
    client: Connection,
    server: Connection,
    flights: Flights,
    /// Content sent by client and server.
    sent: [Vec<u8>; 2],
}

impl Wire {
    /// Carries bytes until neither end has more.
    fn carry(&mut self) {
        loop {
            let mut quiet = true;
            for from in [CLIENT, SERVER] {
                let (sender, receiver) = match from {
                    Side::A => (&mut self.client, &mut self.server),
                    Side::B => (&mut self.server, &mut self.client),
                };
                let mut bytes = Vec::new();
                while sender.wants_write() {
                    sender.write_tls(&mut bytes).unwrap();
                }
                let mut rest = &bytes[..];
                while !rest.is_empty() {
                    receiver.read_tls(&mut rest).unwrap();
                    receiver.process_new_packets().unwrap();
                    let mut content = vec![0; 1 << 16];
                    while receiver.reader().read(&mut content).is_ok_and(|n| n > 0) {}
                }
                if !bytes.is_empty() {
                    quiet = false;
                    self.flights.push((from, bytes));
                }
            }
            if quiet {
                return;
            }
        }
    }

    fn say(&mut self, from: Side, content: &[u8]) {
        let end = if from == CLIENT {
            &mut self.client
        } else {
            &mut self.server
        };
        end.writer().write_all(content).unwrap();
        self.sent[usize::from(from == SERVER)].extend_from_slice(content);
        self.carry();
    }

    fn update_keys(&mut self, from: Side) {
        let end = if from == CLIENT {
            &mut self.client
        } else {
            &mut self.server
        };
        end.refresh_traffic_keys().unwrap();
        self.carry();
    }

    /// A few messages both ways.
    fn talk(&mut self) {
        self.carry();
        for round in 0..3u8 {
            self.say(CLIENT, &[round; 58]);
            self.say(SERVER, &[0x80 | round; 73]);
        }
    }
}

/// What a session was decrypted to.
#[derive(Default)]
struct Seen {
    content: [Vec<u8>; 2],
    /// Content types of records, in order.
    records: Vec<(Side, ContentType, Protected)>,
    lost: Vec<(Side, u64)>,
    problems: Vec<Problem>,
}

impl Seen {
    /// Takes an event; `wire` is what each side sent, for the content's place in it.
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Record(record) => {
                self.records
                    .push((record.from, record.content, record.protected));
                if record.content == ContentType::APPLICATION_DATA {
                    self.content[usize::from(record.from == SERVER)].extend_from_slice(record.text);
                }
                let from = record.text_at - record.at;
                let end = from as usize + record.text.len();
                assert!(record.text.is_empty() || end <= record.record_len());
            }
            Event::Lost { from, bytes, .. } => self.lost.push((from, bytes)),
            Event::Problem { problem, .. } => self.problems.push(problem),
        }
    }
}

fn decryptor(keys: &str) -> Decryptor {
    let mut all = Decryptor::default();
    all.keys.read_all(keys.as_bytes());
    all
}

/// The lines of a key log that do not begin with a label.
fn without(keys: &str, label: &str) -> String {
    let lines = keys.split_inclusive('\n');
    lines.filter(|line| !line.starts_with(label)).collect()
}

/// Pushes flights in pieces of `piece` bytes, and ends both sides.
fn inspect(all: &mut Decryptor, flights: &[(Side, Vec<u8>)], piece: usize) -> (Seen, Session) {
    let mut seen = Seen::default();
    let mut session = Session::new([true; 2], CLIENT);
    for (from, bytes) in flights {
        for piece in bytes.chunks(piece) {
            session.push(all, *from, piece, &mut |event| seen.event(event));
        }
    }
    for from in [CLIENT, SERVER] {
        session.ended(all, from, &mut |event| seen.event(event));
    }
    assert_eq!(all.waiting(), 0);
    (seen, session)
}

#[track_caller]
fn assert_decrypted(wire: &Wire, seen: &Seen) {
    assert_eq!(seen.problems, []);
    assert_eq!(seen.lost, []);
    assert!(
        seen.content == wire.sent,
        "{:?} of {:?}",
        seen.content.each_ref().map(Vec::len),
        wire.sent.each_ref().map(Vec::len)
    );
}

fn suites() -> impl Iterator<Item = SupportedCipherSuite> {
    // The certificate is ECDSA.
    ring::ALL_CIPHER_SUITES
        .iter()
        .copied()
        .filter(|suite| !format!("{suite:?}").contains("_RSA_"))
}

#[test]
fn every_suite_is_decrypted() {
    let mut count = 0;
    for suite in suites() {
        let ends = Ends::new(&Options {
            suite: Some(suite),
            ..Options::default()
        });
        let mut wire = ends.connect();
        wire.talk();
        let (seen, session) = inspect(&mut decryptor(&ends.keys()), &wire.flights, 4096);
        assert_decrypted(&wire, &seen);
        let name = session.suite().and_then(CipherSuite::name).unwrap();
        assert_eq!(
            name,
            format!("{:?}", suite.suite()).replace("TLS13_", "TLS_")
        );
        assert_eq!(session.server_name(), Some("auth.example"));
        assert_eq!(session.resumed(), Some(false));
        count += 1;
    }
    assert_eq!(count, 6);
}

#[test]
fn keys_are_updated_by_both_sides() {
    let ends = Ends::new(&Options {
        version: Some(&version::TLS13),
        ..Options::default()
    });
    let mut wire = ends.connect();
    wire.talk();
    for round in 0..3 {
        wire.update_keys(if round == 1 { SERVER } else { CLIENT });
        wire.talk();
    }
    let (seen, session) = inspect(&mut decryptor(&ends.keys()), &wire.flights, 100);
    assert_decrypted(&wire, &seen);
    // rustls answers each with an update of its own.
    assert_eq!(session.key_updates(), 6);
}

#[test]
fn a_hello_retry_request_is_followed() {
    use ring::kx_group::{SECP256R1, X25519};
    let ends = Ends::new(&Options {
        version: Some(&version::TLS13),
        client_groups: Some(vec![X25519, SECP256R1]),
        server_groups: Some(vec![SECP256R1]),
        ..Options::default()
    });
    let mut wire = ends.connect();
    wire.talk();
    let (seen, _) = inspect(&mut decryptor(&ends.keys()), &wire.flights, 33);
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
        let ends = Ends::new(&Options {
            version: Some(version),
            tickets,
            ..Options::default()
        });
        let mut first = ends.connect();
        first.talk();
        let first_keys = ends.keys();
        let mut second = ends.connect();
        second.talk();
        let mut all = decryptor(&ends.keys());
        let (seen, session) = inspect(&mut all, &second.flights, 77);
        assert_decrypted(&second, &seen);
        assert_eq!(session.resumed(), Some(true), "{version:?} {tickets}");
        if version.version == tokio_rustls::rustls::ProtocolVersion::TLSv1_2 {
            // The first session's secret is enough.
            let mut all = decryptor(&first_keys);
            inspect(&mut all, &first.flights, 1000);
            let (seen, _) = inspect(&mut all, &second.flights, 77);
            assert_decrypted(&second, &seen);
        }
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
    // The server's reader gives early data apart, which nobody reads here.
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
    let options = Options {
        version: Some(&version::TLS13),
        early_data: true,
        ..Options::default()
    };
    let ends = Ends::new(&options);
    let wire = early(&ends);
    let keys = ends.keys();
    assert!(keys.contains("CLIENT_EARLY_TRAFFIC_SECRET"));
    let (seen, _) = inspect(&mut decryptor(&keys), &wire.flights, 50);
    assert_decrypted(&wire, &seen);
    let without = without(&keys, "CLIENT_EARLY");
    let (seen, _) = inspect(&mut decryptor(&without), &wire.flights, 50);
    assert_eq!(seen.problems, [Problem::NoEarlySecret]);
    assert!(seen.content[0] == wire.sent[0][58..]);
    assert!(seen.content[1] == wire.sent[1]);
}

#[test]
fn early_data_that_the_server_refuses() {
    let options = Options {
        version: Some(&version::TLS13),
        early_data: true,
        ..Options::default()
    };
    let ends = Ends::new(&options);
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
    let (seen, _) = inspect(&mut decryptor(&ends.keys()), &wire.flights, 50);
    assert_eq!(seen.problems, []);
    // It was sent all the same.
    assert!(seen.content[0] == [&[0x45; 58], &wire.sent[0][..]].concat());
}

#[test]
fn records_wait_for_their_keys() {
    for suite in suites() {
        let ends = Ends::new(&Options {
            suite: Some(suite),
            ..Options::default()
        });
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
        let ends = Ends::new(&Options {
            suite: Some(suite),
            ..Options::default()
        });
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
        for from in [CLIENT, SERVER] {
            session.ended(&mut all, from, &mut |event| seen.event(event));
        }
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

/// All bytes of one side, and how far each flight reaches in them.
fn stream(wire: &Wire, of: Side) -> Vec<u8> {
    let own = wire.flights.iter().filter(|(from, _)| *from == of);
    own.flat_map(|(_, bytes)| bytes.clone()).collect()
}

#[test]
fn goes_on_behind_a_gap_wherever_it_is() {
    for suite in suites() {
        let ends = Ends::new(&Options {
            suite: Some(suite),
            ..Options::default()
        });
        let mut wire = ends.connect();
        wire.carry();
        for round in 0..40u8 {
            wire.say(CLIENT, &[round; 58]);
        }
        let all_bytes = stream(&wire, CLIENT);
        let server = stream(&wire, SERVER);
        let hello = Header::read(&all_bytes).unwrap().record_len();
        for gap in [1, 20, 70, 100, 500] {
            for start in (hello..all_bytes.len() - 1200).step_by(41) {
                let mut all = decryptor(&ends.keys());
                let mut seen = Seen::default();
                let mut session = Session::new([true; 2], CLIENT);
                let sink = &mut |event: Event<'_>| seen.event(event);
                session.push(&mut all, CLIENT, &all_bytes[..hello], sink);
                session.push(&mut all, SERVER, &server, sink);
                session.push(&mut all, CLIENT, &all_bytes[hello..start], sink);
                session.gap(&mut all, CLIENT, gap as u64, sink);
                for piece in all_bytes[start + gap..].chunks(58 + 22) {
                    session.push(&mut all, CLIENT, piece, sink);
                }
                assert_eq!(seen.problems, [], "{suite:?} {start}+{gap}");
                let content = &seen.content[0];
                let missing = wire.sent[0].len() - content.len();
                // Messages within the gap, one more at each end, and one that shows the next header.
                assert!(
                    missing <= gap + 3 * 58,
                    "{suite:?} {start}+{gap}: {missing} missing"
                );
                let lost: u64 = seen.lost.iter().map(|(_, bytes)| bytes).sum();
                // A gap among handshake messages loses bytes that are no content.
                if start > hello + 400 {
                    assert!(
                        lost.abs_diff(missing as u64) <= 3,
                        "{suite:?} {start}+{gap}: {lost} of {missing}"
                    );
                }
            }
        }
    }
}

#[test]
fn starts_in_the_middle_with_tls_1_3() {
    for suite in suites().filter(|suite| suite.version() == &version::TLS13) {
        let options = Options {
            suite: Some(suite),
            ..Options::default()
        };
        let ends = Ends::new(&options);
        for _ in 0..5 {
            ends.connect().talk();
        }
        let mut wire = ends.connect();
        wire.talk();
        wire.update_keys(CLIENT);
        let before = wire.flights.len();
        let sent = wire.sent.each_ref().map(Vec::len);
        wire.talk();
        let mut all = decryptor(&ends.keys());
        let (mut seen, mut session) = (Seen::default(), Session::new([false; 2], SERVER));
        for (from, bytes) in &wire.flights[before..] {
            session.push(&mut all, *from, bytes, &mut |event| seen.event(event));
        }
        assert_eq!(seen.problems, []);
        for (content, (all, before)) in seen.content.iter().zip(wire.sent.iter().zip(sent)) {
            assert!(content == &all[before..], "{suite:?}");
        }
    }
}

#[test]
fn a_damaged_record_is_told_and_the_next_one_read() {
    let ends = Ends::new(&Options::default());
    let mut wire = ends.connect();
    wire.talk();
    let at = wire
        .flights
        .iter()
        .rposition(|(from, _)| *from == CLIENT)
        .unwrap();
    wire.flights[at].1[20] ^= 1;
    wire.say(CLIENT, &[0x77; 58]);
    let (seen, _) = inspect(&mut decryptor(&ends.keys()), &wire.flights, 100);
    assert!(matches!(seen.problems[..], [Problem::BadTag { .. }]));
    assert_eq!(seen.lost, [(CLIENT, 58)]);
    let expected = [&wire.sent[0][..116], &[0x77; 58]].concat();
    assert!(seen.content[0] == expected);
}

#[test]
fn large_content_in_many_records_and_many_messages_in_one() {
    for max_fragment in [None, Some(64)] {
        let ends = Ends::new(&Options {
            max_fragment,
            ..Options::default()
        });
        let mut wire = ends.connect();
        wire.talk();
        let large: Vec<u8> = (0..60_000u32).map(|n| ((n * n) >> 7) as u8).collect();
        wire.say(CLIENT, &large);
        wire.say(SERVER, &large);
        for piece in [1, 1448, 1 << 20] {
            let (seen, _) = inspect(&mut decryptor(&ends.keys()), &wire.flights, piece);
            assert_decrypted(&wire, &seen);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever is cut out, changed or lied about: no panic, each kind of problem once, and no
    /// content that was not sent.
    #[test]
    fn damage_is_survived(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), 0..400usize, any::<u8>(), 0..4u8), 0..6),
        piece in 1..3000usize,
        late: bool,
        version in 0..2usize,
    ) {
        thread_local! {
            static WIRES: [(Flights, [Vec<u8>; 2], String); 2] =
                [&version::TLS13, &version::TLS12].map(|version| {
                    let ends = Ends::new(&Options { version: Some(version), ..Options::default() });
                    let mut wire = ends.connect();
                    wire.talk();
                    if version.version == tokio_rustls::rustls::ProtocolVersion::TLSv1_3 {
                        wire.update_keys(CLIENT);
                    }
                    wire.talk();
                    (wire.flights, wire.sent, ends.keys())
                });
        }
        let (mut flights, sent, keys) = WIRES.with(|wires| wires[version].clone());
        let mut gaps = Vec::new();
        for (place, len, value, kind) in damage {
            let flight = place.index(flights.len());
            let bytes = &mut flights[flight].1;
            let at = place.index(bytes.len());
            let end = (at + len).min(bytes.len());
            match kind {
                0 => bytes[at..end].fill(value),
                1 => bytes[at] = value,
                2 => { bytes.truncate(at.max(1)); gaps.push((flight, (end - at) as u64)); }
                _ => { let copy = bytes[at..end].to_vec(); bytes.extend(copy); }
            }
        }
        let mut all = decryptor(if late { "" } else { &keys });
        let mut seen = Seen::default();
        let mut session = Session::new([true; 2], CLIENT);
        let sink = &mut |event: Event<'_>| seen.event(event);
        for (index, (from, bytes)) in flights.iter().enumerate() {
            for piece in bytes.chunks(piece) {
                session.push(&mut all, *from, piece, sink);
            }
            for (_, gap) in gaps.iter().filter(|(flight, _)| *flight == index) {
                session.gap(&mut all, *from, *gap, sink);
            }
        }
        all.keys.read_all(keys.as_bytes());
        session.keys_came(&mut all, sink);
        session.ended(&mut all, SERVER, sink);
        session.ended(&mut all, CLIENT, sink);
        prop_assert_eq!(all.waiting(), 0);
        for (at, problem) in seen.problems.iter().enumerate() {
            let kind = std::mem::discriminant(problem);
            let others = &seen.problems[..at];
            prop_assert!(others.iter().all(|other| std::mem::discriminant(other) != kind));
        }
        for (content, sent) in seen.content.iter().zip(&sent) {
            // Runs of one message each, some of them missing.
            let size = if sent[0] & 0x80 == 0 { 58 } else { 73 };
            for message in content.chunks(size) {
                prop_assert!(sent.chunks(size).any(|other| other == message));
            }
        }
    }

    #[test]
    fn any_bytes_are_survived(
        parts in proptest::collection::vec((any::<bool>(), any::<bool>(), proptest::collection::vec(prop_oneof![3 => any::<u8>(), 1 => Just(3u8), 1 => 20..24u8, 1 => Just(0u8)], 0..100)), 0..30),
        from_start: bool,
    ) {
        let mut all = decryptor("");
        let mut session = Session::new([from_start; 2], CLIENT);
        for (client, gap, bytes) in parts {
            let from = if client { CLIENT } else { SERVER };
            if gap {
                session.gap(&mut all, from, bytes.len() as u64 + 1, &mut |_| {});
            } else {
                session.push(&mut all, from, &bytes, &mut |_| {});
            }
        }
        session.ended(&mut all, CLIENT, &mut |_| {});
        session.ended(&mut all, SERVER, &mut |_| {});
        prop_assert_eq!(all.waiting(), 0);
    }
}
