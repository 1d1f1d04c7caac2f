//! Sessions of OpenSSL's client and server, a second implementation, are decrypted to the bytes that were sent.

use authscope::stream::Side;
use authscope::tls::{ContentType, Decryptor, Event, Problem, Session};

use crate::openssl::{self, End, Flights, Place};

const ASKS: [u8; 58] = [0x31; 58];
const ANSWERS: [u8; 73] = [0x32; 73];

/// What both sides said.
#[derive(Default)]
struct Said {
    content: [Vec<u8>; 2],
    problems: Vec<Problem>,
}

impl Said {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Record(record) if record.content == ContentType::APPLICATION_DATA => {
                self.content[usize::from(record.from == Side::B)].extend_from_slice(record.text);
            }
            Event::Problem { problem, .. } => self.problems.push(problem),
            Event::Lost { .. } | Event::Record(_) => {}
        }
    }
}

fn decrypt(all: &mut Decryptor, flights: &Flights) -> (Said, Session) {
    let mut said = Said::default();
    let mut session = Session::new([true; 2], Side::A);
    for (from, bytes) in flights {
        let from = if *from == End::Client {
            Side::A
        } else {
            Side::B
        };
        session.push(all, from, bytes, &mut |event| said.event(event));
    }
    for from in Side::BOTH {
        session.ended(all, from, &mut |event| said.event(event));
    }
    (said, session)
}

/// A session in which each side says something twice.
fn talk(place: &Place, of_server: &[&str], of_client: &[&str]) -> Flights {
    let mut server = place.serve(of_server, 1);
    let mut client = place.connect(&server, &[&["-quiet", "-no_ign_eof"], of_client].concat());
    for round in 1..=2 {
        client.say(&ASKS);
        server.hears(round * ASKS.len());
        server.say(&ANSWERS);
        client.hears(&ANSWERS.repeat(round));
    }
    client.end()
}

fn decryptor(place: &Place) -> Decryptor {
    let mut all = Decryptor::default();
    all.keys.read_all(place.keys().as_bytes());
    all
}

#[test]
fn every_suite_is_decrypted_or_named() {
    if !openssl::is_there() {
        return;
    }
    let place = Place::new();
    // One of each cipher, MAC and key exchange; all others differ in nothing that counts here.
    let suites = [
        ("-ciphersuites", "TLS_AES_128_GCM_SHA256"),
        ("-ciphersuites", "TLS_AES_256_GCM_SHA384"),
        ("-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"),
        ("-ciphersuites", "TLS_AES_128_CCM_SHA256"),
        ("-ciphersuites", "TLS_AES_128_CCM_8_SHA256"),
        ("-cipher", "ECDHE-RSA-AES128-GCM-SHA256"),
        ("-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"),
        ("-cipher", "ECDHE-RSA-CHACHA20-POLY1305"),
        ("-cipher", "DHE-RSA-AES256-GCM-SHA384"),
        ("-cipher", "DHE-RSA-CHACHA20-POLY1305"),
        ("-cipher", "AES128-GCM-SHA256"),
        ("-cipher", "ECDHE-ECDSA-AES128-CCM"),
        ("-cipher", "AES256-CCM8"),
        ("-cipher", "ECDHE-RSA-AES128-SHA"),
        ("-cipher", "DHE-RSA-AES256-SHA256"),
        ("-cipher", "ECDHE-ECDSA-AES256-SHA384"),
        ("-cipher", "AES128-SHA256"),
        ("-cipher", "ECDHE-RSA-CAMELLIA256-SHA384"),
    ];
    for (option, suite) in suites {
        // Without encrypt-then-mac too, where there is a MAC.
        let cbc = suite
            .rsplit('-')
            .next()
            .is_some_and(|last| last.starts_with("SHA"))
            && !suite.contains("GCM")
            && option == "-cipher";
        let variants: &[&[&str]] = if cbc { &[&[], &["-no_etm"]] } else { &[&[]] };
        for variant in variants {
            let version = if option == "-cipher" {
                "-tls1_2"
            } else {
                "-tls1_3"
            };
            let relaxed = format!("{suite}:@SECLEVEL=0");
            let cipher = if option == "-cipher" {
                &relaxed[..]
            } else {
                suite
            };
            let both = [&[version, option, cipher], *variant].concat();
            let flights = talk(&place, &both, &both);
            let (said, session) = decrypt(&mut decryptor(&place), &flights);
            if suite.contains("CAMELLIA") {
                let problem = Problem::Suite(session.suite().unwrap());
                assert_eq!(said.problems, [problem]);
                assert!(problem.to_string().contains("CAMELLIA_256_CBC_SHA384"));
                continue;
            }
            assert_eq!(said.problems, [], "{both:?}");
            assert!(
                said.content == [ASKS.repeat(2), ANSWERS.repeat(2)],
                "{both:?}"
            );
            assert_eq!(session.server_name(), Some("auth.example"));
        }
    }
}

#[test]
fn older_versions_are_named() {
    if !openssl::is_there() {
        return;
    }
    let place = Place::new();
    let both = ["-tls1_1", "-cipher", "ECDHE-RSA-AES128-SHA:@SECLEVEL=0"];
    let (said, _) = decrypt(&mut decryptor(&place), &talk(&place, &both, &both));
    assert_eq!(said.content, [vec![], vec![]] as [Vec<u8>; 2]);
    let said: Vec<_> = said.problems.iter().map(ToString::to_string).collect();
    assert_eq!(said, ["not decrypted: TLS 1.1 is not supported"]);
}

#[test]
fn padding_small_records_and_another_group_are_followed() {
    if !openssl::is_there() {
        return;
    }
    let place = Place::new();
    let padded = ["-tls1_3", "-record_padding", "512", "-groups", "P-384"];
    let of_client = [
        "-tls1_3",
        "-record_padding",
        "333",
        "-groups",
        "X25519:P-384",
    ];
    let flights = talk(&place, &padded, &of_client);
    let (said, _) = decrypt(&mut decryptor(&place), &flights);
    assert_eq!(said.problems, []);
    assert!(said.content == [ASKS.repeat(2), ANSWERS.repeat(2)]);
    let small = ["-max_send_frag", "512", "-split_send_frag", "64"];
    let flights = talk(&place, &small, &small);
    let (said, _) = decrypt(&mut decryptor(&place), &flights);
    assert_eq!(said.problems, []);
    assert!(said.content == [ASKS.repeat(2), ANSWERS.repeat(2)]);
}

#[test]
fn keys_are_updated_three_times() {
    if !openssl::is_there() {
        return;
    }
    let place = Place::new();
    let mut server = place.serve(&["-tls1_3"], 1);
    let mut client = place.connect(&server, &["-tls1_3"]);
    client.say(&ASKS);
    server.hears(ASKS.len());
    for round in 2..=4 {
        let before = client.sent(End::Client);
        // K asks the server to update its keys too, which it does when it says something.
        client.say(b"K\n");
        client.sends_beyond(End::Client, before);
        client.say(&ASKS);
        server.hears(round * ASKS.len());
        let before = client.sent(End::Server);
        server.say(&ANSWERS);
        client.sends_beyond(End::Server, before + ANSWERS.len());
    }
    let flights = client.end();
    let (said, session) = decrypt(&mut decryptor(&place), &flights);
    assert_eq!(said.problems, []);
    assert!(said.content == [ASKS.repeat(4), ANSWERS.repeat(3)]);
    assert_eq!(session.key_updates(), 6);
}

#[test]
fn a_session_is_resumed_and_negotiated_anew() {
    if !openssl::is_there() {
        return;
    }
    let place = Place::new();
    for version in ["-tls1_2", "-tls1_3"] {
        let mut server = place.serve(&[version], 2);
        for (round, argument) in [(1, "-sess_out"), (2, "-sess_in")] {
            let arguments = ["-quiet", "-no_ign_eof", version, argument, "session"];
            let mut client = place.connect(&server, &arguments);
            client.say(&ASKS);
            server.hears(round * ASKS.len());
            server.say(&ANSWERS);
            client.hears(&ANSWERS);
            let flights = client.end();
            let (said, session) = decrypt(&mut decryptor(&place), &flights);
            assert_eq!(said.problems, []);
            assert!(said.content == [ASKS.to_vec(), ANSWERS.to_vec()]);
            assert_eq!(session.resumed(), Some(round == 2), "{version}");
        }
    }
    let arguments = ["-tls1_2", "-client_renegotiation"];
    let server = place.serve(&arguments, 1);
    let mut client = place.connect(&server, &["-tls1_2"]);
    client.say(&ASKS);
    server.hears(ASKS.len());
    let before = client.sent(End::Server);
    client.say(b"R\n");
    client.sends_beyond(End::Server, before + 1000);
    client.say(&ASKS);
    server.hears(2 * ASKS.len());
    let (said, _) = decrypt(&mut decryptor(&place), &client.end());
    assert_eq!(said.problems, [Problem::Renegotiated]);
    assert!(said.content[0] == ASKS.repeat(2));
}
