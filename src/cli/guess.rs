//! `authscope layout guess`: a layout file proposed from captured traffic.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::error::Failure;
use super::run::Plan;
use super::say;
use super::terminal::print;
use crate::capture::FileError;
use crate::dissect::Protocol;
use crate::layout::guess::{self, Conversation, Proposal, Run};
use crate::output::OutputError;
use crate::session::{
    Content, FlowEnd, Followed, FrameRecord, KeyLogSource, Options, Piece, Remainder, Sink,
};
use crate::stream::{Role, Side};

/// Bytes that are examined: enough for any layout to show.
const MOST_OCTETS: usize = 32 << 20;
/// The most ports whose traffic is tried if no port is named.
const MOST_PORTS: usize = 6;
/// Exit code where nothing can be proposed.
const NOTHING: u8 = 1;

/// Propose a layout from captured traffic. What is unsure has a comment.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  authscope layout guess capture.pcapng > my.toml
  authscope layout check my.toml")]
pub(super) struct Arguments {
    /// Capture files; a folder means the captures in it, - is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The server's port; without it the one with the traffic that is explained best.
    #[arg(short, long, value_name = "PORT")]
    port: Option<u16>,

    /// A file with secrets of TLS connections in the NSS key log format; may be given several times.
    #[arg(long = "tls-keylog", value_name = "FILE")]
    key_logs: Vec<PathBuf>,
}

impl Arguments {
    fn key_logs(&self) -> Result<Vec<KeyLogSource>, Failure> {
        let open = |path: &PathBuf| {
            let opened = KeyLogSource::open(path);
            opened.map_err(|error| FileError::new(path, error).into())
        };
        self.key_logs.iter().map(open).collect()
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let options = Options {
        ports: arguments.port.into_iter().collect(),
        follow: Followed::All,
        key_logs: arguments.key_logs()?,
        ..Options::default()
    };
    let mut gathered = Gathered::default();
    let ended = Plan::files(&arguments.files, options)?.run_alone(&mut gathered)?;
    ended.conclude(|| ExitCode::SUCCESS)?;
    let (text, code) = match gathered.propose(arguments.port) {
        Ok(proposal) => (proposal.text, ExitCode::SUCCESS),
        Err(why) => {
            say(&why);
            (String::new(), ExitCode::from(NOTHING))
        }
    };
    print(&text)?;
    Ok(code)
}

/// One connection while its data is collected.
#[derive(Debug, Default)]
struct Connection {
    /// What each side sent.
    runs: [Vec<Run>; 2],
    client: Side,
    end: Option<FlowEnd>,
}

impl Connection {
    /// Bytes that both sides sent.
    fn sent(&self) -> usize {
        let runs = self.runs.iter().flatten();
        runs.map(|run| run.bytes.len()).sum()
    }

    fn conversation(mut self) -> Conversation {
        let [client, server] = match self.client {
            Side::A => [0, 1],
            Side::B => [1, 0],
        };
        Conversation {
            client: std::mem::take(&mut self.runs[client]),
            server: std::mem::take(&mut self.runs[server]),
        }
    }
}

/// What all connections carried.
#[derive(Debug, Default)]
struct Gathered {
    connections: BTreeMap<u32, Connection>,
    octets: usize,
    frame: u64,
}

impl Gathered {
    fn take(&mut self, pieces: &[Piece], ended: &[FlowEnd]) {
        for piece in pieces {
            let connection = self.connections.entry(piece.stream).or_default();
            let runs = &mut connection.runs[usize::from(piece.from == Side::B)];
            match &piece.content {
                Content::Octets { octets, .. } => {
                    if runs.is_empty() {
                        runs.push(Run::default());
                    }
                    if let Some(run) = runs.last_mut() {
                        run.pieces.push((run.bytes.len(), self.frame));
                        run.bytes.extend(octets);
                        self.octets += octets.len();
                    }
                }
                Content::Gap(_) => runs.push(Run {
                    after_gap: true,
                    ..Run::default()
                }),
            }
        }
        for end in ended {
            if let Some(connection) = self.connections.get_mut(&end.stream) {
                connection.end = Some(*end);
            }
        }
    }

    /// The best proposal, or why there is none.
    fn propose(self, port: Option<u16>) -> Result<Proposal, String> {
        let mut named = BTreeSet::new();
        let mut like_smpp = Vec::new();
        let mut by_port: HashMap<u16, (usize, Vec<Conversation>)> = HashMap::new();
        for connection in self.connections.into_values() {
            let Some(end) = connection.end else { continue };
            let own = end.ends[1].port;
            if port.is_some_and(|port| end.ends.iter().all(|end| end.port != port)) {
                continue;
            }
            if port.is_none() && end.protocol.is_named() {
                // A header of four numbers is sometimes mistaken for SMPP's.
                if end.protocol == Protocol::Smpp {
                    like_smpp.push((own, connection));
                }
                named.insert(end.protocol.name());
                continue;
            }
            let sent = connection.sent();
            let (all, conversations) = by_port.entry(port.unwrap_or(own)).or_default();
            *all += sent;
            conversations.push(connection.conversation());
        }
        for (port, connection) in like_smpp {
            if let Some((all, conversations)) = by_port.get_mut(&port) {
                *all += connection.sent();
                conversations.push(connection.conversation());
            }
        }
        let mut groups: Vec<(u16, usize, Vec<Conversation>)> = by_port
            .into_iter()
            .filter(|(_, (octets, _))| *octets > 0)
            .map(|(port, (octets, conversations))| (port, octets, conversations))
            .collect();
        groups.sort_by_key(|(port, octets, _)| (std::cmp::Reverse(*octets), *port));
        groups.truncate(MOST_PORTS);
        let proposals = groups
            .iter()
            .filter_map(|(port, _, conversations)| guess::guess(conversations, *port));
        let best = proposals.max_by_key(|proposal| proposal.explained.bytes);
        best.ok_or_else(|| {
            let ports: Vec<String> = groups.iter().map(|(port, ..)| port.to_string()).collect();
            if !ports.is_empty() {
                format!(
                    "no length of messages explains the traffic on port {}: nothing is proposed",
                    ports.join(", ")
                )
            } else if named.is_empty() {
                "no TCP connection with data to guess from".to_owned()
            } else {
                let all: Vec<&str> = named.into_iter().collect();
                format!(
                    "all that speaks here is known: {}; -p PORT guesses all the same",
                    all.join(", ")
                )
            }
        })
    }
}

impl Sink for Gathered {
    type Error = OutputError;

    fn record(&mut self, record: &FrameRecord<'_>) -> Result<ControlFlow<()>, OutputError> {
        self.frame = record.frame.number;
        self.take(record.followed, record.ended_flows);
        if let Some(placed) = record.placement
            && let Some(connection) = self.connections.get_mut(&placed.stream)
        {
            connection.client = match placed.sender {
                Role::Client => placed.side,
                Role::Server => placed.side.other(),
            };
        }
        if self.octets > MOST_OCTETS {
            return Ok(ControlFlow::Break(()));
        }
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, remainder: &Remainder<'_>) -> Result<(), OutputError> {
        self.take(remainder.followed, remainder.ended_flows);
        Ok(())
    }
}
