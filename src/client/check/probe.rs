//! A connection for tests: bytes as they arrive, and how the connection ends.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout_at};

use super::judge::End;
use super::run::Setup;
use crate::client::{ClientError, Stream, reach};
use crate::protocol::layout::RESPONSE_LEN;
use crate::protocol::{Framing, MessageKind, frame};

/// How long to wait for bytes that should not come.
const SETTLE: Duration = Duration::from_millis(50);
/// How long to wait for the rest of a wrong answer.
const REST: Duration = Duration::from_millis(200);
/// Between two bytes, each in a segment of its own.
const BETWEEN: Duration = Duration::from_millis(1);
/// Longer than a system delays bytes to join them.
const PAUSE: Duration = Duration::from_millis(60);
/// The most received bytes that are kept; a server that sends more is already wrong.
const MOST: usize = 64 * 1024;

/// A connection.
pub struct Probe {
    /// `None` once it was hung up.
    stream: Option<Box<dyn Stream>>,
    received: Vec<u8>,
    end: End,
    timeout: Duration,
}

impl Probe {
    /// Connects.
    pub async fn open(setup: &Setup) -> Result<Self, ClientError> {
        let deadline = Instant::now() + setup.timeout;
        let (stream, _) = reach(&setup.server, setup.tls.as_ref(), deadline).await?;
        Ok(Self {
            stream: Some(stream),
            received: Vec::new(),
            end: End::Open,
            timeout: setup.timeout,
        })
    }

    /// Sends bytes. If the server does not accept them, the answer shows it.
    pub async fn send(&mut self, octets: &[u8]) {
        let deadline = Instant::now() + self.timeout;
        if let Some(stream) = &mut self.stream {
            let sent = async {
                stream.write_all(octets).await?;
                stream.flush().await
            };
            let _ = timeout_at(deadline, sent).await;
        }
    }

    /// Sends bytes, each in a segment of its own.
    pub async fn send_one_by_one(&mut self, octets: &[u8]) {
        for octet in octets {
            self.send(&[*octet]).await;
            sleep(BETWEEN).await;
        }
    }

    /// Sends bytes one by one in the course of `time`, until the server has something to say.
    pub async fn drip(&mut self, octets: &[u8], time: Duration) {
        let between = time / u32::try_from(octets.len().max(1)).unwrap_or(u32::MAX);
        let start = Instant::now();
        let mut next = start;
        for octet in octets {
            next += between;
            if self.read(next).await || self.end != End::Open {
                return;
            }
            self.send(&[*octet]).await;
        }
    }

    /// Waits a little, so that what was sent is not joined with what follows.
    pub async fn pause() {
        sleep(PAUSE).await;
    }

    /// Says that nothing more will be sent.
    pub async fn half_close(&mut self) {
        let deadline = Instant::now() + self.timeout;
        if let Some(stream) = &mut self.stream {
            let _ = timeout_at(deadline, stream.shutdown()).await;
        }
    }

    /// Closes both sides.
    pub fn hang_up(&mut self) {
        self.stream = None;
    }

    /// Reads once, until `deadline`; whether anything came, the end included.
    async fn read(&mut self, deadline: Instant) -> bool {
        let Some(stream) = &mut self.stream else {
            return false;
        };
        if self.end != End::Open || self.received.len() >= MOST {
            return false;
        }
        let mut octets = [0; 4096];
        let Ok(read) = timeout_at(deadline, stream.read(&mut octets)).await else {
            return false;
        };
        match read {
            Ok(0) => self.end = End::Closed,
            Ok(count) => self.received.extend_from_slice(&octets[..count]),
            // On TLS, an end that the server did not announce.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => self.end = End::Closed,
            Err(_) => self.end = End::Reset,
        }
        true
    }

    /// Reads until a response is complete, or what was received cannot be one.
    pub async fn read_response(&mut self, deadline: Instant) {
        while self.received.len() < RESPONSE_LEN {
            if let Framing::Invalid(_) = frame(&self.received, MessageKind::Response) {
                return self.read_rest().await;
            }
            if !self.read(deadline).await {
                return;
            }
        }
    }

    /// Reads until the server ends the connection. If `silently`, the first byte is already wrong.
    pub async fn read_to_end(&mut self, deadline: Instant, silently: bool) {
        while self.read(deadline).await {
            if silently && !self.received.is_empty() {
                return self.read_rest().await;
            }
        }
    }

    /// Reads what is available without waiting.
    pub async fn settle(&mut self) {
        let deadline = Instant::now() + SETTLE;
        while self.read(deadline).await {}
    }

    /// Reads what still comes of something wrong.
    pub async fn read_rest(&mut self) {
        let deadline = Instant::now() + REST;
        while self.read(deadline).await {}
    }

    /// How it stands.
    pub const fn end(&self) -> End {
        self.end
    }

    /// What came, and was not taken yet.
    pub fn received(&self) -> &[u8] {
        &self.received
    }

    /// Takes at most this many of the bytes that came.
    pub fn take(&mut self, most: usize) -> Vec<u8> {
        let rest = self.received.split_off(most.min(self.received.len()));
        std::mem::replace(&mut self.received, rest)
    }
}
