//! TLS sessions of our own server, recorded with their secrets, and what the inspector finds in them.
#![allow(dead_code)] // Each test crate uses its own part.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Output;

use authscope::capture::LinkType;
use authscope::synth::{ByteOrder, Conversation, Pcapng};
use serde_json::Value;

use crate::inspector::{Done, command};
use crate::programs::{Place, Server, client_at, stdout};
use crate::wire::{Flights, Tap, capture, conversation, frames};

/// What three clients and the server said to each other, in order.
pub const SAID: [&str; 6] = [
    "registration request/alice/secret/",
    "registration response///registered",
    "login request/alice/secret/",
    "login response///login successful",
    "login request/alice/wrong/",
    "login response///wrong password",
];

/// A server with a certificate of its own, and what its clients and it sent.
pub struct Sessions {
    pub place: Place,
    pub flights: Vec<Flights>,
    server: Server,
    tap: Tap,
}

impl Sessions {
    /// Clients that register, log in, and log in with a wrong password, each with its own key log.
    pub fn new() -> Self {
        let mut sessions = Self::none();
        for (number, action, password) in [
            (0, "register", "secret"),
            (1, "login", "secret"),
            (2, "login", "wrong"),
        ] {
            let output = sessions.client(action, password, &format!("keys{number}"));
            assert!(!stdout(&output).is_empty(), "{output:?}");
        }
        assert_eq!(sessions.gather(), 3);
        sessions
    }

    /// A server, and nobody who said anything yet.
    pub fn none() -> Self {
        let place = Place::new();
        let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let (certificate, key) = (place.path("cert.pem"), place.path("key.pem"));
        std::fs::write(&certificate, certified.cert.pem()).unwrap();
        std::fs::write(&key, certified.signing_key.serialize_pem()).unwrap();
        let mut command = place.command();
        command.arg("--tls-cert").arg(&certificate);
        command.arg("--tls-key").arg(&key);
        command
            .args(["--tls", "required"])
            .env_remove("SSLKEYLOGFILE");
        let server = Server::start(command);
        let tap = Tap::before(server.address);
        Self {
            place,
            flights: Vec::new(),
            server,
            tap,
        }
    }

    /// The port that leads to the server, where what is said is kept.
    pub fn address(&self) -> SocketAddr {
        self.tap.address
    }

    /// The server's own port.
    pub fn server_address(&self) -> SocketAddr {
        self.server.address
    }

    /// A client that asks this of alice's, with its secrets in the file `keys`.
    pub fn client(&self, action: &str, password: &str, keys: &str) -> Output {
        self.client_at(self.tap.address, action, password, keys)
    }

    /// The same at another address of the server.
    pub fn client_at(&self, at: SocketAddr, action: &str, password: &str, keys: &str) -> Output {
        let certificate = self.place.path("cert.pem");
        client_at(
            at,
            &[action, "alice", "--tls", "--ca-file", text(&certificate)],
            password,
            &self.place.path(keys),
        )
    }

    /// Takes what went over all connections so far, and says how many those are.
    pub fn gather(&mut self) -> usize {
        self.flights = self.tap.flights();
        self.flights.len()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.place.path(name)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub fn keys(&self, number: usize) -> Vec<u8> {
        std::fs::read(self.path(&format!("keys{number}"))).unwrap()
    }

    pub fn all_keys(&self) -> PathBuf {
        let keys: Vec<_> = (0..self.flights.len()).map(|n| self.keys(n)).collect();
        self.write("keys", &keys.concat())
    }

    pub fn talks(&self) -> Vec<Conversation> {
        let numbered = (0..).zip(&self.flights);
        numbered
            .map(|(n, flights)| conversation(n, flights))
            .collect()
    }

    /// All connections in one capture.
    pub fn capture(&self) -> PathBuf {
        let talks = self.talks();
        self.write("all.pcap", &capture(&talks.iter().collect::<Vec<_>>()))
    }

    /// The same as pcapng, with secrets in front of the packets, amid them, and behind them.
    pub fn pcapng(&self, front: &[u8], amid: &[u8], behind: &[u8]) -> PathBuf {
        let talks = self.talks();
        let frames = frames(&talks.iter().collect::<Vec<_>>());
        let mut file = Pcapng::new(ByteOrder::Little);
        file.interface(LinkType::ETHERNET, 0, Some(9), None);
        let secrets = |file: &mut Pcapng, text: &[u8]| {
            if !text.is_empty() {
                file.tls_secrets(std::str::from_utf8(text).unwrap());
            }
        };
        secrets(&mut file, front);
        for (index, frame) in frames.iter().enumerate() {
            if index == frames.len() * 9 / 10 {
                secrets(&mut file, amid);
            }
            file.nano_packet(0, frame);
        }
        secrets(&mut file, behind);
        self.write("all.pcapng", &file.finish())
    }
}

/// Runs the inspector without the environment's key log.
pub fn inspect(arguments: &[&str]) -> Done {
    let mut command = command(arguments);
    let output = command.env_remove("SSLKEYLOGFILE").output().unwrap();
    Done {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The messages as JSON objects.
pub fn messages(arguments: &[&str]) -> Vec<Value> {
    let done = inspect(&[&["read", "-T", "jsonl", "--show-passwords"], arguments].concat());
    let lines = done.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Type, user and password, or description, of each message.
pub fn said(messages: &[Value]) -> Vec<String> {
    let field = |message: &Value, name: &str| match &message[name] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let of = |message: &Value| {
        ["type", "username", "password", "description"]
            .map(|name| field(message, name))
            .join("/")
    };
    messages.iter().map(of).collect()
}
