//! One RegLogin connection of a load, frame by frame in the order of capture.

use std::collections::VecDeque;
use std::io::{self, Write};

use arrayvec::ArrayVec;
use fastrand::Rng;

use super::frames::{ACK, FIN, FrameWriter, PSH, Path, SYN, TcpFields};
use super::{Load, Truth};
use crate::protocol::Command;
use crate::protocol::layout::{DEFAULT_PORT, MAX_LEN, STATUS_FAILURE, STATUS_SUCCESS};
use crate::synth::messages::{raw_request, raw_response};

/// A connection's number, from 0, and the addresses that follow from it.
#[derive(Debug, Clone, Copy)]
pub struct Numbers {
    index: u64,
    path: Path,
}

/// Connections of one client address before the next address is used.
const PORTS: u64 = 50_000;

impl Numbers {
    pub fn of(index: u64) -> Self {
        let [.., a, b, c] = (index / PORTS + 1).to_be_bytes();
        Self {
            index,
            path: Path {
                source: [10, a, b, c],
                destination: [192, 0, 2, 1],
                source_port: 10_000 + (index % PORTS) as u16,
                destination_port: DEFAULT_PORT,
            },
        }
    }
}

#[derive(Debug, Clone)]
struct Seen {
    from_client: bool,
    fields: TcpFields,
    payload: ArrayVec<u8, MAX_LEN>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Opening,
    Exchanging,
    Closed,
}

/// A connection in progress.
#[derive(Debug)]
pub struct Connection {
    numbers: Numbers,
    stage: Stage,
    exchanges: u64,
    done: u64,
    /// Next sequence numbers of client and server.
    next: [u32; 2],
    queue: VecDeque<Seen>,
}

const CLIENT: usize = 0;
const SERVER: usize = 1;

impl Connection {
    pub fn new(numbers: Numbers, exchanges: u64) -> Self {
        // Spread over all sequence numbers, so that some connections wrap around.
        let initial = (numbers.index as u32).wrapping_mul(0x9e37_79b9);
        Self {
            numbers,
            stage: Stage::Opening,
            exchanges,
            done: 0,
            next: [initial, !initial],
            queue: VecDeque::new(),
        }
    }

    /// Writes the next frame. Returns `false` if there is none.
    pub fn frame<W: Write>(
        &mut self,
        load: &Load,
        frames: &mut FrameWriter<W>,
        random: &mut Rng,
        truth: &mut Truth,
    ) -> io::Result<bool> {
        while self.queue.is_empty() {
            if !self.fill(load, random, truth) {
                return Ok(false);
            }
        }
        if let Some(seen) = self.queue.pop_front() {
            let path = if seen.from_client {
                self.numbers.path
            } else {
                self.numbers.path.reversed()
            };
            frames.tcp(path, seen.fields, &seen.payload)?;
        }
        Ok(true)
    }

    /// Queues the next frames. Returns `false` at the end.
    fn fill(&mut self, load: &Load, random: &mut Rng, truth: &mut Truth) -> bool {
        match self.stage {
            Stage::Opening => {
                self.control(CLIENT, SYN);
                self.control(SERVER, SYN | ACK);
                self.control(CLIENT, ACK);
                self.stage = Stage::Exchanging;
            }
            Stage::Exchanging if self.done < self.exchanges => {
                self.exchange(load, random, truth);
                self.done += 1;
            }
            Stage::Exchanging if !load.open => {
                self.control(CLIENT, FIN | ACK);
                self.control(SERVER, ACK);
                self.control(SERVER, FIN | ACK);
                self.control(CLIENT, ACK);
                self.stage = Stage::Closed;
            }
            Stage::Exchanging | Stage::Closed => return false,
        }
        true
    }

    fn fields(&self, side: usize, flags: u8) -> TcpFields {
        let acknowledgment = if flags & ACK == 0 {
            0
        } else {
            self.next[1 - side]
        };
        TcpFields {
            sequence: self.next[side],
            acknowledgment,
            flags,
        }
    }

    /// Queues a segment without data.
    fn control(&mut self, side: usize, flags: u8) {
        self.queue.push_back(Seen {
            from_client: side == CLIENT,
            fields: self.fields(side, flags),
            payload: ArrayVec::new(),
        });
        let takes = u32::from(flags & (SYN | FIN) != 0);
        self.next[side] = self.next[side].wrapping_add(takes);
    }

    /// Queues a registration first, later logins. One in ten fails.
    fn exchange(&mut self, load: &Load, random: &mut Rng, truth: &mut Truth) {
        let name = format!("user{}", self.numbers.index);
        let accepted = random.u8(..10) != 0;
        let status = if accepted {
            STATUS_SUCCESS
        } else {
            STATUS_FAILURE
        };
        let (ask, answer, description) = match (self.done, accepted) {
            (0, true) => (
                Command::RegistrationRequest,
                Command::RegistrationResponse,
                "registered",
            ),
            (0, false) => (
                Command::RegistrationRequest,
                Command::RegistrationResponse,
                "user name taken",
            ),
            (_, true) => (
                Command::LoginRequest,
                Command::LoginResponse,
                "login successful",
            ),
            (_, false) => (
                Command::LoginRequest,
                Command::LoginResponse,
                "wrong password",
            ),
        };
        let request = raw_request(ask, name.as_bytes(), b"password of a user", 0);
        if self.message(CLIENT, &request, load, random, truth) {
            match ask {
                Command::RegistrationRequest => truth.registration_requests += 1,
                _ => truth.login_requests += 1,
            }
        }
        let response = raw_response(answer, status, description.as_bytes(), 0);
        if self.message(SERVER, &response, load, random, truth) {
            match answer {
                Command::RegistrationResponse => truth.registration_responses += 1,
                _ => truth.login_responses += 1,
            }
            if accepted {
                truth.successes += 1;
            } else {
                truth.failures += 1;
            }
        }
    }

    /// Queues a message's segments in the order of capture, and the ACK. Returns `false` if the message was not
    /// captured.
    fn message(
        &mut self,
        side: usize,
        octets: &[u8],
        load: &Load,
        random: &mut Rng,
        truth: &mut Truth,
    ) -> bool {
        let captured = load.gaps <= 0.0 || random.f64() >= load.gaps;
        if captured {
            self.segments(side, octets, load, random);
        } else {
            truth.lost_messages += 1;
        }
        self.next[side] = self.next[side].wrapping_add(octets.len() as u32);
        self.control(1 - side, ACK);
        captured
    }

    fn segments(&mut self, side: usize, octets: &[u8], load: &Load, random: &mut Rng) {
        let most = match load.sizes.as_slice() {
            [] => octets.len(),
            [only] => *only,
            sizes => sizes[random.usize(..sizes.len())],
        };
        let first = self.queue.len();
        let mut late = Vec::new();
        let mut base = self.fields(side, PSH | ACK);
        for piece in octets.chunks(most.max(1)) {
            let seen = Seen {
                from_client: side == CLIENT,
                fields: base,
                payload: piece.iter().copied().collect(),
            };
            base.sequence = base.sequence.wrapping_add(piece.len() as u32);
            if load.loss > 0.0 && random.f64() < load.loss {
                late.push(seen.clone());
                if random.bool() {
                    continue;
                }
            }
            self.queue.push_back(seen);
        }
        if load.reorder > 0.0 {
            for index in first + 1..self.queue.len() {
                if random.f64() < load.reorder {
                    self.queue.swap(index - 1, index);
                }
            }
        }
        self.queue.extend(late);
    }
}
