//! A capture of known exchanges, written for one test.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use authscope::capture::{LinkType, Timestamp};
use authscope::protocol::Action;
use authscope::synth::messages::{request, response};
use authscope::synth::{Conversation, Frame, IpForm, Link, PcapForm, Side, start_time, write_pcap};

/// Connections of one exchange each, with one server.
pub struct Scene {
    server: u8,
    now: Timestamp,
    port: u16,
    frames: Vec<Frame>,
}

/// One exchange.
#[derive(Clone, Copy)]
pub struct Exchange<'a> {
    pub host: u8,
    pub action: Action,
    pub user: &'a str,
    pub password: &'a str,
    /// What the server says: success or not, and the words; `None` where it says nothing.
    pub answer: Option<(bool, &'a str)>,
    /// Nanoseconds until it says so.
    pub after: i64,
}

pub const MILLISECOND: i64 = 1_000_000;

impl Exchange<'static> {
    /// A login of alice's that succeeds after a millisecond.
    pub const LOGIN: Self = Self {
        host: 1,
        action: Action::Login,
        user: "alice",
        password: "secret",
        answer: Some((true, "login successful")),
        after: MILLISECOND,
    };
    pub const WRONG: Option<(bool, &'static str)> = Some((false, "wrong password"));
    pub const UNKNOWN: Option<(bool, &'static str)> = Some((false, "no such user"));
}

impl Scene {
    pub fn new() -> Self {
        Self::at(1)
    }

    /// With the server 10.0.1.`server`.
    pub fn at(server: u8) -> Self {
        Self {
            server,
            now: start_time(),
            port: 20_000,
            frames: Vec::new(),
        }
    }

    /// A connection with this exchange; the next begins so many nanoseconds later.
    pub fn put(&mut self, exchange: &Exchange<'_>, then: i64) -> &mut Self {
        let client = SocketAddr::from(([10, 0, 0, exchange.host], self.port));
        let server = SocketAddr::from(([10, 0, 1, self.server], 8888));
        self.port += 1;
        let mut conversation = Conversation::new(client, server).at(self.now).step(1000);
        let Exchange {
            action,
            user,
            password,
            ..
        } = *exchange;
        conversation.handshake();
        conversation.send(Side::Client, &request(action, user, password).unwrap());
        if let Some((success, words)) = exchange.answer {
            conversation.wait(exchange.after - 1000);
            conversation.send(Side::Server, &response(action, success, words));
        }
        conversation.close(Side::Client);
        let form = IpForm::default();
        let frames = conversation.frames(&Link::ETHERNET, &form).unwrap();
        self.frames.extend(frames);
        self.now = Timestamp(self.now.0 + then);
        self
    }

    /// Writes the capture.
    pub fn save(&mut self, folder: &Path) -> PathBuf {
        self.frames.sort_by_key(|frame| frame.time);
        let path = folder.join("scene.pcap");
        let form = PcapForm::usual(LinkType::ETHERNET);
        std::fs::write(&path, write_pcap(&form, &self.frames)).unwrap();
        path
    }
}
