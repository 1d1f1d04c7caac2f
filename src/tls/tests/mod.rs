//! Tests with rustls: decrypts sessions of a client and a server in memory.

use std::fmt;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex};

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

mod damage;
mod gaps;
mod handshakes;
mod waiting;

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

/// Settings of client and server. Sessions of the same `Ends` can be resumed.
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

impl Options {
    /// Settings with one cipher suite.
    fn suite(suite: SupportedCipherSuite) -> Self {
        Self {
            suite: Some(suite),
            ..Self::default()
        }
    }

    /// Settings with one version.
    fn version(version: &'static SupportedProtocolVersion) -> Self {
        Self {
            version: Some(version),
            ..Self::default()
        }
    }
}

/// Client and server with these settings, and a connection with a few messages in both directions.
fn spoken(options: &Options) -> (Ends, Wire) {
    let ends = Ends::new(options);
    let mut wire = ends.connect();
    wire.talk();
    (ends, wire)
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

/// The bytes of a connection, in order.
type Flights = Vec<(Side, Vec<u8>)>;

/// A connection and its bytes.
struct Wire {
    client: Connection,
    server: Connection,
    flights: Flights,
    /// Content that client and server sent.
    sent: [Vec<u8>; 2],
}

impl Wire {
    /// Transfers bytes until neither end has more.
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

    fn end(&mut self, side: Side) -> &mut Connection {
        match side {
            Side::A => &mut self.client,
            Side::B => &mut self.server,
        }
    }

    fn say(&mut self, from: Side, content: &[u8]) {
        self.end(from).writer().write_all(content).unwrap();
        self.sent[from.index()].extend_from_slice(content);
        self.carry();
    }

    fn update_keys(&mut self, from: Side) {
        self.end(from).refresh_traffic_keys().unwrap();
        self.carry();
    }

    /// Sends a few messages in both directions.
    fn talk(&mut self) {
        self.carry();
        for round in 0..3u8 {
            self.say(CLIENT, &[round; 58]);
            self.say(SERVER, &[0x80 | round; 73]);
        }
    }
}

/// What was decrypted of a session.
#[derive(Default)]
struct Seen {
    content: [Vec<u8>; 2],
    /// Content types of records, in order.
    records: Vec<(Side, ContentType, Protected)>,
    lost: Vec<(Side, u64)>,
    problems: Vec<Problem>,
}

impl Seen {
    /// Records an event. `wire` is what each side sent, to check the content's offset.
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Record(record) => {
                self.records
                    .push((record.from, record.content, record.protected));
                if record.content == ContentType::APPLICATION_DATA {
                    self.content[record.from.index()].extend_from_slice(record.text);
                }
                let from = record.text_at - record.at;
                let end = usize::try_from(from).expect("a place in memory") + record.text.len();
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

/// A session, its secrets, and what was decrypted.
struct Reading {
    all: Decryptor,
    session: Session,
    seen: Seen,
}

impl Reading {
    /// For a connection that is captured from its start.
    fn new(keys: &str) -> Self {
        Self::of(decryptor(keys), [true; 2], CLIENT)
    }

    fn of(all: Decryptor, from_start: [bool; 2], likely_client: Side) -> Self {
        Self {
            all,
            session: Session::new(from_start, likely_client),
            seen: Seen::default(),
        }
    }

    fn push(&mut self, from: Side, bytes: &[u8]) {
        let sink = &mut |event: Event<'_>| self.seen.event(event);
        self.session.push(&mut self.all, from, bytes, sink);
    }

    fn push_all<'a>(&mut self, flights: impl IntoIterator<Item = &'a (Side, Vec<u8>)>) {
        for (from, bytes) in flights {
            self.push(*from, bytes);
        }
    }

    fn gap(&mut self, from: Side, bytes: usize) {
        let sink = &mut |event: Event<'_>| self.seen.event(event);
        self.session.gap(&mut self.all, from, bytes as u64, sink);
    }

    /// Adds secrets later.
    fn keys(&mut self, keys: &str) {
        self.all.keys.read_all(keys.as_bytes());
        let sink = &mut |event: Event<'_>| self.seen.event(event);
        self.session.keys_came(&mut self.all, sink);
    }

    /// Ends both sides.
    fn ended(&mut self) {
        let sink = &mut |event: Event<'_>| self.seen.event(event);
        for from in [CLIENT, SERVER] {
            self.session.ended(&mut self.all, from, sink);
        }
    }

    /// Ends both sides and the connection.
    fn end(&mut self) {
        self.ended();
        let sink = &mut |event: Event<'_>| self.seen.event(event);
        self.session.finish(&mut self.all, sink);
        assert_eq!(self.all.waiting(), 0);
    }

    /// Processes flights in pieces of `piece` bytes, and ends both sides.
    fn whole(mut self, flights: &[(Side, Vec<u8>)], piece: usize) -> Self {
        for (from, bytes) in flights {
            for piece in bytes.chunks(piece) {
                self.push(*from, piece);
            }
        }
        self.end();
        self
    }
}

/// Decrypts a whole connection, in pieces of `piece` bytes.
fn inspect(keys: &str, flights: &[(Side, Vec<u8>)], piece: usize) -> (Seen, Session) {
    let Reading { seen, session, .. } = Reading::new(keys).whole(flights, piece);
    (seen, session)
}

/// Asserts that exactly one problem is reported, and its form.
macro_rules! assert_reported {
    ($seen:expr, $problem:pat) => {
        assert!(
            matches!($seen.problems[..], [$problem]),
            "{:?}",
            $seen.problems
        )
    };
}
use assert_reported;

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
