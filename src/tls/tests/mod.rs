//! Sessions of rustls, client against server in memory, decrypted.

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
    /// Ends that agree on one suite.
    fn of(suite: SupportedCipherSuite) -> Self {
        Self::new(&Options {
            suite: Some(suite),
            ..Options::default()
        })
    }

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

/// Pushes flights in pieces of `piece` bytes, and ends both sides.
fn inspect(all: &mut Decryptor, flights: &[(Side, Vec<u8>)], piece: usize) -> (Seen, Session) {
    let mut seen = Seen::default();
    let mut session = Session::new([true; 2], CLIENT);
    for (from, bytes) in flights {
        for piece in bytes.chunks(piece) {
            session.push(all, *from, piece, &mut |event| seen.event(event));
        }
    }
    end(&mut session, all, &mut seen);
    (seen, session)
}

/// Ends both sides, behind which nothing comes.
fn end(session: &mut Session, all: &mut Decryptor, seen: &mut Seen) {
    for from in [CLIENT, SERVER] {
        session.ended(all, from, &mut |event| seen.event(event));
    }
    session.finish(all, &mut |event| seen.event(event));
    assert_eq!(all.waiting(), 0);
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
