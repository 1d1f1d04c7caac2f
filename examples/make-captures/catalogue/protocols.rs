//! Recognising protocols: RegLogin on other ports, other protocols on its port.

use std::net::SocketAddr;

use authscope::protocol::Command::{RegistrationRequest, RegistrationResponse};
use authscope::synth::Side::{Client, Server};
use authscope::synth::{Conversation, SynthError, Timed, merge};

use super::{Case, EXCHANGE, client, ethernet, exchange, exchange_between, smpp};

fn server_on(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], port))
}

/// A conversation with a server on `port` that sends the given bytes. `true`: the client sends.
fn talk(from: u16, port: u16, steps: &[(bool, Vec<u8>)]) -> Conversation {
    let mut talk = Conversation::new(client(from), server_on(port));
    talk.handshake();
    for (from_client, octets) in steps {
        talk.deliver(if *from_client { Client } else { Server }, octets);
    }
    talk.close(Client);
    talk
}

/// A client hello (TLS 1.2, one cipher suite, the server's name), a server hello and a fatal alert.
fn tls() -> Vec<(bool, Vec<u8>)> {
    let record = |kind: u8, body: &[u8]| {
        let mut octets = vec![kind, 3, 1];
        octets.extend_from_slice(&(body.len() as u16).to_be_bytes());
        octets.extend_from_slice(body);
        octets
    };
    let handshake = |kind: u8, body: &[u8]| {
        let mut octets = vec![kind, 0];
        octets.extend_from_slice(&(body.len() as u16).to_be_bytes());
        octets.extend_from_slice(body);
        record(22, &octets)
    };
    let name = b"server.example";
    let name_len = name.len() as u8;
    let mut extension = vec![0, 0, 0, name_len + 5, 0, name_len + 3, 0, 0, name_len];
    extension.extend_from_slice(name);
    let mut client_hello = vec![3, 3];
    client_hello.extend_from_slice(&[0x5a; 32]); // random
    client_hello.extend_from_slice(&[0, 0, 2, 0xc0, 0x2f, 1, 0]); // session, suites, compression
    client_hello.extend_from_slice(&[0, extension.len() as u8]);
    client_hello.extend_from_slice(&extension);
    let mut server_hello = vec![3, 3];
    server_hello.extend_from_slice(&[0xa5; 32]);
    server_hello.extend_from_slice(&[0, 0xc0, 0x2f, 0]);
    vec![
        (true, handshake(1, &client_hello)),
        (false, handshake(2, &server_hello)),
        (true, record(21, &[2, 40])),
    ]
}

fn http() -> Vec<(bool, Vec<u8>)> {
    let get = b"GET /login?user=alice HTTP/1.1\r\nHost: server.example:8888\r\n\r\n";
    let answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    vec![(true, get.to_vec()), (false, answer.to_vec())]
}

fn ssh() -> Vec<(bool, Vec<u8>)> {
    vec![
        (false, b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()),
        (true, b"SSH-2.0-PuTTY_Release_0.80\r\n".to_vec()),
    ]
}

/// Adds a capture without RegLogin messages.
fn foreign(
    cases: &mut Vec<Case>,
    file: &'static str,
    text: [&'static str; 2],
    (port, name): (u16, &'static str),
    steps: &[(bool, Vec<u8>)],
) -> Result<(), SynthError> {
    let segments = talk(40_601, port, steps).segments().to_vec();
    cases.push(
        Case::new(file, text, ethernet(&segments)?, [segments.len(), 1], &[]).others(&[(0, name)]),
    );
    Ok(())
}

pub fn add(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    for (file, holds, port) in [
        (
            "reglogin-on-port-5555.pcap",
            "A registration on port 5555, which nobody named.",
            5555,
        ),
        (
            "reglogin-on-port-2775.pcap",
            "A registration on port 2775, which is SMPP's.",
            2775,
        ),
        (
            "reglogin-on-port-443.pcap",
            "A registration on port 443, which is HTTPS's.",
            443,
        ),
    ] {
        let found = exchange_between(client(40_600), server_on(port))?;
        cases.push(Case::new(
            file,
            [holds, "Found without being told the port."],
            ethernet(found.segments())?,
            [11, 1],
            &EXCHANGE,
        ));
    }
    smpp_alone(cases)?;
    foreign(
        cases,
        "tls-on-port-8888.pcap",
        [
            "A TLS ClientHello, a ServerHello and an alert on port 8888.",
            "TLS, nothing claimed.",
        ],
        (8888, "TLS"),
        &tls(),
    )?;
    foreign(
        cases,
        "http-on-port-8888.pcap",
        [
            "An HTTP request and its answer on port 8888.",
            "HTTP, nothing claimed.",
        ],
        (8888, "HTTP"),
        &http(),
    )?;
    foreign(
        cases,
        "ssh-on-port-2222.pcap",
        ["The banners of SSH on port 2222.", "SSH, nothing claimed."],
        (2222, "SSH"),
        &ssh(),
    )?;
    together(cases)
}

fn smpp_alone(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let session = smpp::session();
    for (file, holds, port) in [
        (
            "smpp-every-pdu-on-port-2775.pcap",
            "Every PDU of SMPP v3.4 in one session, on its own port.",
            2775,
        ),
        (
            "smpp-every-pdu-on-port-8888.pcap",
            "Every PDU of SMPP v3.4 in one session, on port 8888.",
            8888,
        ),
    ] {
        let text = [holds, "SMPP, nothing claimed."];
        foreign(cases, file, text, (port, "SMPP"), &session)?;
    }
    let bind = |last: usize| smpp::bind("esme", "secret", "", &"4".repeat(last));
    let lookalikes = [
        (true, smpp::pdu(1, 0, 1, &bind(58 - 16 - 17))),
        (true, smpp::pdu(2, 0, 2, &bind(73 - 16 - 17))),
        (
            true,
            smpp::pdu(3, 0, 3, &smpp::query(&"7".repeat(30), "44770010")),
        ),
        (
            true,
            smpp::pdu(
                4,
                0,
                4,
                &smpp::short_message("4477001", "4477002", &"hello ".repeat(5)[..26]),
            ),
        ),
    ];
    foreign(
        cases,
        "smpp-lengths-of-reglogin.pcap",
        [
            "SMPP on port 8888 with the lengths and commands of RegLogin: bind_receiver of 58 \
             bytes, bind_transmitter of 73, query_sm of 58, submit_sm of 73.",
            "SMPP, nothing claimed: status 0 and a small sequence number begin no user name.",
        ],
        (8888, "SMPP"),
        &lookalikes,
    )
}

fn together(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let ours = exchange(40_601)?;
    let conversations = [
        talk(40_602, 8888, &smpp::session()[1..7]),
        talk(40_603, 8888, &tls()),
        talk(40_604, 8888, &http()),
    ];
    let [first, second, third] = &conversations;
    let segments: Vec<Timed> = merge(&[&ours, first, second, third]);
    cases.push(
        Case::new(
            "several-protocols-on-port-8888.pcap",
            [
                "RegLogin, SMPP, TLS and HTTP on port 8888 at the same time, a frame of each in \
                 turn.",
                "Each stream is what it is: 0 RegLogin, 1 SMPP, 2 TLS, 3 HTTP.",
            ],
            ethernet(&segments)?,
            [segments.len(), 4],
            &[
                (13, 0, Client, RegistrationRequest),
                (21, 0, Server, RegistrationResponse),
            ],
        )
        .others(&[(1, "SMPP"), (2, "TLS"), (3, "HTTP")]),
    );
    Ok(())
}
