//! Writes large captures for benchmarks, with the counts that a reader should find.
//!
//! A [`Load`] specifies the traffic; the result is a pcap file and a [`Truth`]. The same options and seed give the same
//! bytes.

#![expect(
    clippy::cast_precision_loss,
    reason = "probabilities and rates that the generator chooses"
)]

mod background;
mod connection;
mod frames;

use std::io::{self, Write};

use serde::Serialize;

use super::Link;
use background::Background;
use connection::{Connection, Numbers};
use frames::FrameWriter;

/// The traffic to generate.
#[derive(Debug, Clone)]
pub struct Load {
    /// Approximate number of frames. The number of exchanges is chosen to come close to it.
    pub frames: u64,
    /// Number of RegLogin connections, at least one.
    pub connections: u64,
    /// Segment sizes in bytes. For each message one is drawn, which limits its segments.
    pub sizes: Vec<usize>,
    /// Fraction of segments that are swapped with the next segment of the same message.
    pub reorder: f64,
    /// Fraction of segments that are lost and retransmitted: half of them before the capture, so that they appear late;
    /// half of them after it, so that they appear twice.
    pub loss: f64,
    /// Fraction of messages that arrived but were not captured.
    pub gaps: f64,
    /// Fraction of frames that are background traffic: TCP to port 443, and DNS.
    pub background: f64,
    /// Payload sizes of background TCP segments in bytes; one is drawn for each segment.
    pub background_sizes: Vec<usize>,
    /// Whether every RegLogin connection stays open.
    pub open: bool,
    /// Number of RegLogin connections that are active at the same time.
    pub active: usize,
    /// Seed of the random numbers.
    pub seed: u64,
    /// Link layer of every frame.
    pub link: Link,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            frames: 1_000_000,
            connections: 30_000,
            sizes: vec![1460],
            reorder: 0.0,
            loss: 0.0,
            gaps: 0.0,
            background: 0.0,
            background_sizes: vec![0, 0, 0, 32, 100, 300],
            open: false,
            active: 500,
            seed: 1,
            link: Link::ETHERNET,
        }
    }
}

/// The counts that a correct reader finds in the capture.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Truth {
    /// Frames of every kind.
    pub frames: u64,
    /// Length of the file in bytes.
    pub octets: u64,
    /// TCP connections, including background traffic.
    pub streams: u64,
    /// Frames of background traffic.
    pub background_frames: u64,
    /// RegLogin messages of all types.
    pub messages: u64,
    /// Messages by type.
    pub registration_requests: u64,
    /// Messages by type.
    pub registration_responses: u64,
    /// Messages by type.
    pub login_requests: u64,
    /// Messages by type.
    pub login_responses: u64,
    /// Responses of either type that say success.
    pub successes: u64,
    /// Responses of either type that say failure.
    pub failures: u64,
    /// Messages that were sent but not captured. They are not in the other counts.
    pub lost_messages: u64,
}

/// Frames of a connection besides its exchanges: three to open it, four to close it.
const OPEN_FRAMES: u64 = 3;
const CLOSE_FRAMES: u64 = 4;

impl Load {
    /// Average number of frames of an exchange: the segments of request and response, and an ACK for each.
    fn frames_per_exchange(&self) -> f64 {
        let segments = |len: usize| -> f64 {
            if self.sizes.is_empty() {
                return 1.0;
            }
            let sum: usize = self
                .sizes
                .iter()
                .map(|size| len.div_ceil((*size).max(1)))
                .sum();
            sum as f64 / self.sizes.len() as f64
        };
        let data = segments(crate::protocol::layout::REQUEST_LEN)
            + segments(crate::protocol::layout::RESPONSE_LEN);
        data * (1.0 - self.gaps) * (1.0 + self.loss / 2.0) + 2.0
    }

    /// Number of exchanges in all connections together.
    #[allow(clippy::cast_sign_loss)] // Not below zero.
    fn exchanges(&self) -> u64 {
        let close = if self.open { 0 } else { CLOSE_FRAMES };
        let ours = self.frames as f64 * (1.0 - self.background);
        let opening = (self.connections * (OPEN_FRAMES + close)) as f64;
        ((ours - opening) / self.frames_per_exchange()).max(0.0) as u64
    }

    /// Writes the capture to `out`. Segment sizes of zero count as one; without sizes, each message is one segment.
    ///
    /// # Errors
    ///
    /// If writing fails.
    pub fn write(&self, out: impl Write) -> io::Result<Truth> {
        let mut random = fastrand::Rng::with_seed(self.seed);
        let mut frames = FrameWriter::new(out, &self.link)?;
        let mut truth = Truth::default();
        let mut background = Background::new(&self.background_sizes);
        let exchanges = self.exchanges();
        let mut connections = 0;
        let begin = |index: &mut u64| {
            let share = exchanges / self.connections.max(1);
            let more = u64::from(*index < exchanges % self.connections.max(1));
            *index += 1;
            Connection::new(Numbers::of(*index - 1), share + more)
        };
        let active = self.connections.min(self.active.max(1) as u64);
        let mut under_way: Vec<Connection> = (0..active).map(|_| begin(&mut connections)).collect();
        truth.streams = active;
        while !under_way.is_empty() {
            while self.background > 0.0 && random.f64() < self.background {
                background.frame(&mut frames, &mut random)?;
                truth.background_frames += 1;
            }
            let index = random.usize(..under_way.len());
            if under_way[index].frame(self, &mut frames, &mut random, &mut truth)? {
                continue;
            }
            // The connection has ended.
            if connections < self.connections {
                under_way[index] = begin(&mut connections);
                truth.streams += 1;
            } else {
                under_way.swap_remove(index);
            }
        }
        truth.streams += background.streams();
        (truth.frames, truth.octets) = frames.finish()?;
        truth.messages = truth.registration_requests
            + truth.registration_responses
            + truth.login_requests
            + truth.login_responses;
        Ok(truth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(load: &Load) -> (Vec<u8>, Truth) {
        let mut file = Vec::new();
        let truth = load.write(&mut file).unwrap();
        (file, truth)
    }

    #[test]
    fn the_same_seed_gives_the_same_octets() {
        let load = Load {
            frames: 5000,
            connections: 100,
            sizes: vec![20, 1460],
            reorder: 0.1,
            loss: 0.1,
            gaps: 0.01,
            background: 0.5,
            ..Load::default()
        };
        let (file, truth) = written(&load);
        assert_eq!((file.clone(), truth), written(&load));
        let other = Load { seed: 2, ..load };
        assert_ne!(file, written(&other).0);
    }

    #[test]
    fn comes_close_to_the_frames_asked_for() {
        for (background, open, gaps) in [(0.0, false, 0.0), (0.999, false, 0.0), (0.5, true, 0.1)] {
            let load = Load {
                frames: 100_000,
                connections: 10,
                background,
                open,
                gaps,
                ..Load::default()
            };
            let (file, truth) = written(&load);
            assert!(
                truth.frames.abs_diff(100_000) < 15_000,
                "{} frames",
                truth.frames
            );
            assert_eq!(truth.octets, file.len() as u64);
            assert_eq!(
                truth.messages,
                truth.successes
                    + truth.failures
                    + truth.registration_requests
                    + truth.login_requests
            );
        }
    }
}
