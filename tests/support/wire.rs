//! Records the bytes of a connection between two programs, and makes a capture of them.
#![allow(dead_code)] // Each test crate uses its own part.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use authscope::capture::{LinkType, Timestamp};
use authscope::synth::{Conversation, Frame, IpForm, Link, PcapForm, Side, start_time, write_pcap};

/// Which end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Client,
    Server,
}

/// What was read from one end and written to the other, in order.
pub type Flights = Vec<(End, Vec<u8>)>;

/// Bytes of a segment's payload.
const SEGMENT: usize = 1448;

/// Carries what one end sends to the other until it ends, and keeps it.
pub fn relay(
    from: End,
    mut reader: impl Read,
    mut writer: impl Write,
    flights: &Mutex<Flights>,
    close: impl FnOnce(),
) {
    let mut buffer = [0; 4096];
    while let Ok(len) = reader.read(&mut buffer) {
        if len == 0 {
            break;
        }
        let flight = (from, buffer[..len].to_vec());
        flights.lock().expect("no panic").push(flight);
        if writer.write_all(&buffer[..len]).is_err() {
            break;
        }
    }
    close();
}

/// A port of loopback that leads to a server, one connection after the other.
pub struct Tap {
    pub address: SocketAddr,
    connections: Arc<Mutex<Vec<Arc<Mutex<Flights>>>>>,
    _accepting: JoinHandle<()>,
}

impl Tap {
    pub fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port of loopback");
        let address = listener.local_addr().expect("bound");
        let connections = Arc::<Mutex<Vec<_>>>::default();
        let kept = Arc::clone(&connections);
        let accepting = thread::spawn(move || {
            for near in listener.incoming() {
                let (Ok(near), Ok(far)) = (near, TcpStream::connect(server)) else {
                    return;
                };
                let flights = Arc::<Mutex<Flights>>::default();
                kept.lock().expect("no panic").push(Arc::clone(&flights));
                for (from, reader, writer) in
                    [(End::Client, &near, &far), (End::Server, &far, &near)]
                {
                    let (reader, writer) = (reader.try_clone(), writer.try_clone());
                    let (reader, writer) = (reader.expect("open"), writer.expect("open"));
                    let (flights, end) = (Arc::clone(&flights), writer.try_clone());
                    let end = end.expect("open");
                    thread::spawn(move || {
                        relay(from, reader, writer, &flights, || {
                            let _ = end.shutdown(Shutdown::Write);
                        });
                    });
                }
            }
        });
        Self {
            address,
            connections,
            _accepting: accepting,
        }
    }

    /// What went over the connections so far, each by itself.
    pub fn flights(&self) -> Vec<Flights> {
        let connections = self.connections.lock().expect("no panic");
        let kept = |flights: &Arc<Mutex<Flights>>| flights.lock().expect("no panic").clone();
        connections.iter().map(kept).collect()
    }
}

/// A connection to port 8888 in which this is said; `number` tells it from others.
pub fn conversation(number: u16, flights: &Flights) -> Conversation {
    conversation_on(8888, number, flights)
}

/// The same to another port.
pub fn conversation_on(port: u16, number: u16, flights: &Flights) -> Conversation {
    let start = Timestamp(start_time().0 + i64::from(number) * 1_000_000_000);
    let client = SocketAddr::from(([10, 0, 0, 1], 20_000 + number));
    let server = SocketAddr::from(([10, 0, 1, 1], port));
    let mut talk = Conversation::new(client, server).at(start);
    talk.handshake();
    for (from, bytes) in flights {
        for part in bytes.chunks(SEGMENT) {
            talk.deliver(side(*from), part);
        }
    }
    talk.close(Side::Client);
    talk
}

pub const fn side(end: End) -> Side {
    match end {
        End::Client => Side::Client,
        End::Server => Side::Server,
    }
}

/// The frames of conversations, in order of time.
pub fn frames(talks: &[&Conversation]) -> Vec<Frame> {
    let segments = authscope::synth::merge(talks);
    authscope::synth::frames(&segments, &Link::ETHERNET, &IpForm::default()).expect("they fit")
}

/// A capture of conversations.
pub fn capture(talks: &[&Conversation]) -> Vec<u8> {
    write_pcap(&PcapForm::usual(LinkType::ETHERNET), &frames(talks))
}
