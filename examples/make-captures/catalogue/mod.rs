//! The generated captures: the contents of each and the expected results.

mod attacks;
mod containers;
mod encapsulations;
mod ip;
mod lab;
mod links;
mod mistakes;
mod pairs;
mod protocols;
mod proxied;
mod receiver;
mod smpp;
mod tcp;
mod tcp_trouble;
mod vlans;
mod wrong;

use std::net::SocketAddr;

use authscope::capture::LinkType;
use authscope::protocol::{Action, Command};
use authscope::synth::messages::{request, response};
use authscope::synth::{
    Conversation, Frame, IpForm, Link, PcapForm, Side, SynthError, Timed, frames, write_pcap,
};
use serde_json::{Map, Value, json};

/// An expected message: the frame (from 1) that made its last byte available, its TCP stream (from
/// 0), the sender and the command.
pub type Message = (usize, usize, Side, Command);

/// One capture file and its expected results.
pub struct Case {
    /// File name in `captures/`.
    pub file: &'static str,
    /// The contents, in a sentence.
    pub holds: &'static str,
    /// The expected results besides the counts, in words.
    pub answer: &'static str,
    /// The file.
    pub octets: Vec<u8>,
    /// Frames in it.
    pub frames: usize,
    /// TCP connections in it.
    pub streams: usize,
    /// RegLogin messages, in order of frames.
    pub messages: Vec<Message>,
    /// Streams of other protocols: TCP stream and the protocol's name.
    pub others: Vec<(usize, &'static str)>,
    /// Whether the file is truncated or damaged on purpose.
    pub damaged: bool,
    /// The number of frames for tshark if it differs, with the reason in `answer`.
    pub tshark_frames: Option<usize>,
}

impl Case {
    /// An undamaged capture with only RegLogin.
    fn new(
        file: &'static str,
        [holds, answer]: [&'static str; 2],
        octets: Vec<u8>,
        [frames, streams]: [usize; 2],
        messages: &[Message],
    ) -> Self {
        Self {
            file,
            holds,
            answer,
            octets,
            frames,
            streams,
            messages: messages.to_vec(),
            others: Vec::new(),
            damaged: false,
            tshark_frames: None,
        }
    }

    fn others(mut self, others: &[(usize, &'static str)]) -> Self {
        self.others = others.to_vec();
        self
    }

    fn damaged(mut self) -> Self {
        self.damaged = true;
        self
    }

    fn tshark_frames(mut self, frames: usize) -> Self {
        self.tshark_frames = Some(frames);
        self
    }
}

/// All generated captures, in the order of the README's table.
pub fn all() -> Result<Vec<Case>, SynthError> {
    let mut cases = Vec::new();
    lab::add(&mut cases)?;
    containers::add(&mut cases)?;
    links::add(&mut cases)?;
    ip::add(&mut cases)?;
    tcp::add(&mut cases)?;
    tcp_trouble::add(&mut cases)?;
    protocols::add(&mut cases)?;
    wrong::add(&mut cases)?;
    attacks::add(&mut cases)?;
    pairs::add(&mut cases)?;
    receiver::add(&mut cases)?;
    encapsulations::add(&mut cases)?;
    vlans::add(&mut cases)?;
    proxied::add(&mut cases)?;
    mistakes::add(&mut cases)?;
    Ok(cases)
}

/// The expected results as JSON, a line a message.
pub fn expected_json(cases: &[Case]) -> String {
    let files: Vec<String> = cases.iter().map(expected).collect();
    format!("{{\n{}\n}}\n", files.join(",\n"))
}

fn expected(case: &Case) -> String {
    let messages: Vec<String> = case
        .messages
        .iter()
        .map(|(frame, stream, side, command)| {
            let from = match side {
                Side::Client => "client",
                Side::Server => "server",
            };
            let message = json!({
                "frame": frame,
                "stream": stream,
                "from": from,
                "type": command.name(),
            });
            format!("\n      {message}")
        })
        .collect();
    let others: Map<String, Value> = case
        .others
        .iter()
        .map(|(stream, name)| (stream.to_string(), json!(name)))
        .collect();
    format!(
        "  {}: {{\n    \"frames\": {}, \"streams\": {}, \"damaged\": {}, \"tshark_frames\": {}, \
         \"others\": {},\n    \"messages\": [{}]\n  }}",
        json!(case.file),
        case.frames,
        case.streams,
        case.damaged,
        case.tshark_frames.unwrap_or(case.frames),
        json!(others),
        messages.join(",")
    )
}

const BEGIN: &str = "<!-- generated table: begin -->\n";
const END: &str = "<!-- generated table: end -->";

/// The README with a new table.
pub fn readme(text: &str, cases: &[Case]) -> Result<String, String> {
    let (before, rest) = text
        .split_once(BEGIN)
        .ok_or("README.md has no line that begins the generated table")?;
    let (_, after) = rest
        .split_once(END)
        .ok_or("README.md has no line that ends the generated table")?;
    let rows: Vec<String> = cases.iter().map(row).collect();
    let head = "| file | what it holds | frames | streams | messages | the right answer |\n\
                | --- | --- | --- | --- | --- | --- |\n";
    Ok([before, BEGIN, head, &rows.concat(), END, after].concat())
}

fn row(case: &Case) -> String {
    let Case {
        file,
        holds,
        answer,
        frames,
        streams,
        messages,
        ..
    } = case;
    let messages = messages.len();
    format!("| `{file}` | {holds} | {frames} | {streams} | {messages} | {answer} |\n")
}

/// The server of most captures, from the block of addresses for documentation (RFC 5737).
fn server() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 8888))
}

/// A client of that server.
fn client(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 10], port))
}

/// Server and client over IPv6 (RFC 3849).
fn ends_ipv6(port: u16) -> (SocketAddr, SocketAddr) {
    let host = |last| [0x2001, 0xdb8, 0, 0, 0, 0, 0, last];
    (
        SocketAddr::from((host(10), port)),
        SocketAddr::from((host(1), 8888)),
    )
}

/// A conversation of the usual client and server.
fn conversation(port: u16) -> Conversation {
    Conversation::new(client(port), server())
}

/// A file as tcpdump writes it, on Ethernet.
fn ethernet(segments: &[Timed]) -> Result<Vec<u8>, SynthError> {
    let frames = frames(segments, &Link::ETHERNET, &IpForm::default())?;
    Ok(usual(LinkType::ETHERNET, &frames))
}

/// The frames of [`exchange`].
const EXCHANGE_FRAMES: usize = 11;

/// The messages of [`exchange`] without trouble: they end in frames 4 and 6.
const EXCHANGE: [Message; 2] = [
    (4, 0, Side::Client, Command::RegistrationRequest),
    (6, 0, Side::Server, Command::RegistrationResponse),
];

fn registration_request() -> Result<Vec<u8>, SynthError> {
    request(Action::Register, "alice", "correct horse")
}

fn registration_response() -> Vec<u8> {
    response(Action::Register, true, "user alice is registered")
}

fn login_request() -> Result<Vec<u8>, SynthError> {
    request(Action::Login, "alice", "correct horse")
}

fn login_response() -> Vec<u8> {
    response(Action::Login, true, "user alice is logged in")
}

/// The simplest conversation: handshake (3 frames), request, ACK, response, ACK, close (4).
fn exchange_between(from: SocketAddr, to: SocketAddr) -> Result<Conversation, SynthError> {
    let mut plain = Conversation::new(from, to);
    plain
        .handshake()
        .deliver(Side::Client, &registration_request()?)
        .deliver(Side::Server, &registration_response())
        .close(Side::Client);
    Ok(plain)
}

/// The simplest conversation of the usual client and server.
fn exchange(port: u16) -> Result<Conversation, SynthError> {
    exchange_between(client(port), server())
}

/// A file as tcpdump writes it.
fn usual(link: LinkType, frames: &[Frame]) -> Vec<u8> {
    write_pcap(&PcapForm::usual(link), frames)
}
