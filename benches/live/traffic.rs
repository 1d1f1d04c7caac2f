//! Sends requests and responses over loopback at a given rate, from threads that each hold both ends of their connections.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use authscope::protocol::Action;
use authscope::protocol::layout::{REQUEST_LEN, RESPONSE_LEN};
use authscope::synth::messages;

/// Open connections of a sender.
const CONNECTIONS: usize = 64;

/// At high rates, the exchanges that are due within this time are sent together.
const TICK: Duration = Duration::from_millis(1);

/// The messages, and a free port of 127.0.0.1 to send them to.
pub struct Traffic {
    listener: TcpListener,
    /// The most payload bytes of a segment.
    segment: usize,
    requests: Vec<Vec<u8>>,
    response: Vec<u8>,
}

/// What was sent.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    /// Requests with their responses.
    pub exchanges: u64,
    pub took: Duration,
}

impl Sent {
    pub fn per_second(self) -> f64 {
        self.exchanges as f64 / self.took.as_secs_f64()
    }
}

impl Traffic {
    /// Traffic in segments of at most so many bytes.
    pub fn in_segments_of(segment: usize) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let request = |n| {
            let action = if n % 10 == 0 {
                Action::Register
            } else {
                Action::Login
            };
            messages::request(action, &format!("user{n}"), "password of a user").expect("it fits")
        };
        Self {
            listener,
            segment,
            requests: (0..CONNECTIONS).map(request).collect(),
            response: messages::response(Action::Login, true, "login successful"),
        }
    }

    pub fn port(&self) -> u16 {
        self.listener.local_addr().expect("its address").port()
    }

    /// The number of segments with data in an exchange.
    pub fn segments_of_an_exchange(&self) -> usize {
        REQUEST_LEN.div_ceil(self.segment) + RESPONSE_LEN.div_ceil(self.segment)
    }

    /// Sends `rate` exchanges per second for `time` from `senders` threads, or as many as they can.
    pub fn send(&self, senders: usize, rate: f64, time: Duration) -> Sent {
        let share = rate / senders as f64;
        std::thread::scope(|scope| {
            let connections = (0..senders).map(|_| self.connections()).collect::<Vec<_>>();
            let started = Instant::now();
            let senders: Vec<_> = connections
                .into_iter()
                .map(|connections| scope.spawn(|| self.send_over(connections, share, time)))
                .collect();
            let exchanges = senders.into_iter().map(ScopedJoinHandle::join);
            Sent {
                exchanges: exchanges.map(|sent| sent.expect("a sender ends")).sum(),
                took: started.elapsed(),
            }
        })
    }

    /// Sends over the connections in turns. Returns the number of exchanges.
    fn send_over(&self, mut connections: Vec<[TcpStream; 2]>, rate: f64, time: Duration) -> u64 {
        let started = Instant::now();
        let mut exchanges: u64 = 0;
        loop {
            let now = started.elapsed();
            if now >= time {
                return exchanges;
            }
            #[allow(clippy::cast_sign_loss)] // Not below zero.
            let due = (now.as_secs_f64() * rate) as u64 + 1;
            while exchanges < due && started.elapsed() < time {
                let index = exchanges as usize % CONNECTIONS;
                self.exchange(&mut connections[index], &self.requests[index]);
                exchanges += 1;
            }
            let next = Duration::from_secs_f64(exchanges as f64 / rate).max(now + TICK);
            std::thread::sleep(next.saturating_sub(started.elapsed()));
        }
    }

    fn connections(&self) -> Vec<[TcpStream; 2]> {
        self.requests.iter().map(|_| self.connect()).collect()
    }

    fn connect(&self) -> [TcpStream; 2] {
        let address = self.listener.local_addr().expect("its address");
        let client = TcpStream::connect(address).expect("a connection");
        let (server, _) = self.listener.accept().expect("a connection");
        [client, server].map(|end| {
            end.set_nodelay(true).expect("no delay");
            end
        })
    }

    fn exchange(&self, [client, server]: &mut [TcpStream; 2], request: &[u8]) {
        self.write(client, request);
        server
            .read_exact(&mut [0; REQUEST_LEN])
            .expect("a request comes");
        self.write(server, &self.response);
        client
            .read_exact(&mut [0; RESPONSE_LEN])
            .expect("a response comes");
    }

    /// Writes a message. Each piece is a separate segment, because Nagle's algorithm is off.
    fn write(&self, end: &mut TcpStream, message: &[u8]) {
        for piece in message.chunks(self.segment) {
            end.write_all(piece).expect("a message is sent");
        }
    }
}
