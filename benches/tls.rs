//! Measures the decryption of TLS against the cipher alone: the same bytes through [`authscope::tls`] and through ring, in
//! turns. Prints rows for docs/performance.md.

#![expect(
    clippy::cast_precision_loss,
    reason = "times and rates, shown with few digits"
)]

use std::fmt::{self, Write as _};
use std::hint::black_box;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use authscope::stream::Side;
use authscope::tls::{ContentType, Decryptor, Event, Protected, Session};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use tokio_rustls::rustls::crypto::ring as provider;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, KeyLog, RootCertStore, ServerConfig, ServerConnection,
};

/// The content of a session in bytes.
const CONTENT: usize = 16 << 20;

/// Payload of a TCP segment in bytes, as on Ethernet.
const SEGMENT: usize = 1448;

/// Rounds, of which the median counts.
const ROUNDS: usize = 21;

fn main() {
    println!("| Decrypting TLS 1.3, AES-256-GCM | Layer | Ring alone | Ratio | Goal |");
    println!("| --- | --- | --- | --- | --- |");
    for (what, portion, goal) in [
        ("16 KiB a record", 16 << 10, "at least 0.5"),
        ("75 bytes a record", 75, ""),
    ] {
        let (layer, alone) = in_turns(portion);
        let records = CONTENT / portion;
        let shown = |time: Duration| {
            let rate = (records * portion) as f64 / time.as_secs_f64() / 1e6;
            let each = time.as_secs_f64() * 1e9 / records as f64;
            format!("{rate:.0} MB/s, {each:.0} ns a record")
        };
        let ratio = alone.as_secs_f64() / layer.as_secs_f64();
        println!(
            "| {what} | {} | {} | {ratio:.2} | {goal} |",
            shown(layer),
            shown(alone)
        );
    }
}

/// The median times of the layer and of ring for the content.
fn in_turns(portion: usize) -> (Duration, Duration) {
    let (mut layer, mut alone) = (layer(portion), alone(portion));
    let (mut of_layer, mut of_ring) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        of_layer.push(layer());
        of_ring.push(alone());
    }
    (median(of_layer), median(of_ring))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[derive(Default)]
struct Log(Mutex<String>);

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Log")
    }
}

impl KeyLog for Log {
    fn log(&self, label: &str, random: &[u8], secret: &[u8]) {
        let mut log = self.0.lock().expect("no panic");
        for (index, part) in [random, secret].into_iter().enumerate() {
            *log += if index == 0 { label } else { "" };
            *log += " ";
            for byte in part {
                let _ = write!(log, "{byte:02x}");
            }
        }
        *log += "\n";
    }
}

/// A session in which the client sends [`CONTENT`] bytes in portions. Returns what both sides sent, in order, and the key log.
fn session(portion: usize) -> (Vec<(Side, Vec<u8>)>, String) {
    let certified =
        rcgen::generate_simple_self_signed(["auth.example".into()]).expect("a certificate");
    let certificate = certified.cert.der().clone();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(
        certified.signing_key.serialize_der(),
    ));
    let provider = Arc::new(provider::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).expect("a certificate");
    let log = Arc::new(Log::default());
    let mut client = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    client.key_log = Arc::clone(&log) as Arc<dyn KeyLog>;
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a key");
    let name = ServerName::try_from("auth.example").expect("a name");
    let mut client = ClientConnection::new(Arc::new(client), name).expect("a client");
    let mut server = ServerConnection::new(Arc::new(server)).expect("a server");
    client.set_buffer_limit(None);
    let mut flights = Vec::new();
    while client.is_handshaking() || server.is_handshaking() || client.wants_write() {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).expect("memory");
        }
        server.read_tls(&mut &bytes[..]).expect("memory");
        server.process_new_packets().expect("TLS");
        flights.push((Side::A, bytes));
        let mut bytes = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut bytes).expect("memory");
        }
        client.read_tls(&mut &bytes[..]).expect("memory");
        client.process_new_packets().expect("TLS");
        flights.push((Side::B, bytes));
    }
    let content = vec![0x5a; portion];
    let mut bytes = Vec::new();
    for _ in 0..CONTENT / portion {
        client.writer().write_all(&content).expect("memory");
        while client.wants_write() {
            client.write_tls(&mut bytes).expect("memory");
        }
    }
    flights.push((Side::A, bytes));
    let log = log.0.lock().expect("no panic").clone();
    (flights, log)
}

/// Makes a function that decrypts a session whose records have `portion` bytes, and returns its time.
fn layer(portion: usize) -> impl FnMut() -> Duration {
    let (flights, log) = session(portion);
    let mut all = Decryptor::default();
    all.keys.read_all(log.as_bytes());
    let records = CONTENT / portion;
    move || {
        let begun = Instant::now();
        let mut session = Session::new([true; 2], Side::A);
        let mut bytes = 0;
        for (from, flight) in &flights {
            for segment in flight.chunks(SEGMENT) {
                session.push(&mut all, *from, segment, &mut |event| {
                    if let Event::Record(record) = event
                        && record.content == ContentType::APPLICATION_DATA
                        && record.protected == Protected::Opened
                    {
                        bytes += black_box(record.text).len();
                    }
                });
            }
        }
        assert_eq!(bytes, records * portion);
        begun.elapsed()
    }
}

/// Makes a function that opens as many records with ring alone, and returns its time.
fn alone(portion: usize) -> impl FnMut() -> Duration {
    let key = UnboundKey::new(&AES_256_GCM, &[7; 32]).expect("a key");
    let key = LessSafeKey::new(key);
    let nonce = |n: usize| {
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&(n as u64).to_be_bytes());
        Nonce::assume_unique_for_key(nonce)
    };
    let count = CONTENT / portion;
    let records: Vec<Vec<u8>> = (0..count)
        .map(|n| {
            // In TLS 1.3 the content is followed by its type (RFC 8446 section 5.2).
            let mut record = vec![0x5a; portion + 1];
            key.seal_in_place_append_tag(nonce(n), Aad::from([23, 3, 3, 0, 0]), &mut record)
                .expect("sealed");
            record
        })
        .collect();
    move || {
        let mut records = records.clone();
        let begun = Instant::now();
        for (n, record) in records.iter_mut().enumerate() {
            let aad = Aad::from([23, 3, 3, 0, 0]);
            black_box(key.open_in_place(nonce(n), aad, record).expect("opened"));
        }
        begun.elapsed()
    }
}
