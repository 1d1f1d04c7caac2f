//! The client: sends one request, or several on one connection, and reads the responses. [`check`] tests whether a server
//! follows the protocol.

pub mod check;
pub mod password;
mod tls;
mod trouble;

pub use tls::{Tls, TlsError};

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use crate::hostport::HostPort;
use crate::protocol::layout::RESPONSE_LEN;
use crate::protocol::{Fault, Framing, MessageKind, Request, Response, frame};
use crate::text::trouble::Words;

/// Why there is no answer from the server.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The name of the server has no address.
    #[error(
        "cannot find the address of \"{server}\": {}; is the name right?",
        Words(source)
    )]
    Address {
        /// As it was given.
        server: HostPort,
        /// What went wrong.
        source: io::Error,
    },
    /// No connection to any of the server's addresses.
    #[error(
        "cannot connect to {}; is authscope-server running there?",
        Tried(server, tried)
    )]
    Connect {
        /// As it was given.
        server: HostPort,
        /// Each address, and what went wrong with it.
        tried: Vec<(SocketAddr, String)>,
    },
    /// The connection broke.
    #[error(
        "cannot {doing} {address}: {}; is the server still running there?",
        Words(source)
    )]
    Broken {
        /// What was being done.
        doing: &'static str,
        /// Who with.
        address: SocketAddr,
        /// What went wrong.
        source: io::Error,
    },
    /// The server closed the connection before its response was complete.
    #[error(
        "the response of {address} is cut off after {received} of {RESPONSE_LEN} bytes: it closed the connection; is it an authscope-server?"
    )]
    Closed {
        /// Who.
        address: SocketAddr,
        /// Bytes of the response received.
        received: usize,
    },
    /// The response is not one of the protocol.
    #[error(
        "the answer of {address} is not a valid response: {reason}; is it an authscope-server?"
    )]
    Invalid {
        /// Who sent it.
        address: SocketAddr,
        /// What is wrong with it.
        reason: Fault,
    },
    /// The response answers another kind of request.
    #[error("{address} answered a {} with a {}; is it an authscope-server?", asked.request(), answered.response())]
    OtherAction {
        /// Who sent it.
        address: SocketAddr,
        /// What was asked for.
        asked: crate::protocol::Action,
        /// What was answered.
        answered: crate::protocol::Action,
    },
    /// TLS cannot be used as asked.
    #[error("cannot use TLS: {0}")]
    Tls(#[from] TlsError),
    /// No encrypted connection.
    #[error("cannot make an encrypted connection to {address}: {reason}")]
    Handshake {
        /// Who with.
        address: SocketAddr,
        /// What went wrong, and what to do about it.
        reason: String,
    },
    /// Time ran out.
    #[error("{server} did not {doing} within {} s; try again later, or allow more with --timeout", seconds.as_secs_f64())]
    Timeout {
        /// Who.
        server: HostPort,
        /// What it did not do.
        doing: &'static str,
        /// How long was waited.
        seconds: Duration,
    },
}

/// The addresses that were tried, with what went wrong.
struct Tried<'a>(&'a HostPort, &'a [(SocketAddr, String)]);

impl fmt::Display for Tried<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [(address, reason)] = self.1 {
            return write!(f, "{address}: {reason}");
        }
        write!(f, "{}", self.0)?;
        for (index, (address, reason)) in self.1.iter().enumerate() {
            let separator = if index == 0 { ": " } else { ", " };
            write!(f, "{separator}{address} ({reason})")?;
        }
        Ok(())
    }
}

/// Why an attempt at one address did not lead to a connection.
enum Attempt {
    NoConnection(io::Error),
    NotTrusted(ClientError),
}

/// Connects to one address.
async fn open(
    server: &HostPort,
    address: SocketAddr,
    tls: Option<&Tls>,
) -> Result<Box<dyn Stream>, Attempt> {
    let stream = TcpStream::connect(address)
        .await
        .map_err(Attempt::NoConnection)?;
    // A request is one small write that nothing follows.
    let _ = stream.set_nodelay(true);
    match tls {
        None => Ok(Box::new(stream)),
        Some(tls) => tls
            .handshake(server, address, stream)
            .await
            .map_err(Attempt::NotTrusted),
    }
}

/// Connects to the first address of `server` that takes the connection: they are tried in turn, and each gets an equal
/// share of the time that is left.
async fn reach(
    server: &HostPort,
    tls: Option<&Tls>,
    deadline: Instant,
) -> Result<(Box<dyn Stream>, SocketAddr), ClientError> {
    let unknown = |source| ClientError::Address {
        server: server.clone(),
        source,
    };
    let place = server.clone();
    let resolving = tokio::task::spawn_blocking(move || place.resolve());
    let addresses = timeout_at(deadline, resolving)
        .await
        .map_err(|_| unknown(io::ErrorKind::TimedOut.into()))?
        .map_err(|error| unknown(error.into()))?
        .map_err(unknown)?;
    let mut tried = Vec::new();
    for (index, &address) in addresses.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
        let attempt = tokio::time::timeout(share, open(server, address, tls)).await;
        match attempt {
            Ok(Ok(stream)) => return Ok((stream, address)),
            Ok(Err(Attempt::NoConnection(error))) => {
                tried.push((address, Words(&error).to_string()));
            }
            // The server was reached, but its certificate is not trusted: another address would not help.
            Ok(Err(Attempt::NotTrusted(error))) => return Err(error),
            Err(_) => {
                let seconds = (share.as_secs_f64() * 10.0).round() / 10.0;
                tried.push((address, format!("no answer within {seconds} s")));
            }
        }
    }
    Err(ClientError::Connect {
        server: server.clone(),
        tried,
    })
}

/// A connection, encrypted or not.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A connection to a server. Everything on it together has to be done before its deadline.
pub struct Client {
    stream: Box<dyn Stream>,
    address: SocketAddr,
    server: HostPort,
    timeout: Duration,
    deadline: Instant,
}

impl Client {
    /// Connects to `server`, with `tls` encrypted. Its addresses are tried in turn, and each gets
    /// an equal share of the time that is left.
    pub async fn connect(
        server: &HostPort,
        tls: Option<&Tls>,
        timeout: Duration,
    ) -> Result<Self, ClientError> {
        let deadline = Instant::now() + timeout;
        let (stream, address) = reach(server, tls, deadline).await?;
        Ok(Self {
            stream,
            address,
            server: server.clone(),
            timeout,
            deadline,
        })
    }

    /// Gives what is done from now on as much time as connecting had.
    pub fn restart_clock(&mut self) {
        self.deadline = Instant::now() + self.timeout;
    }

    /// Ready when the server has closed the connection, before anything was sent on it.
    pub async fn closed(&mut self) {
        // Bytes that nobody has asked for are no better than the end.
        let _ = self.stream.read(&mut [0]).await;
    }

    /// Sends a request and waits for its response.
    pub async fn ask(&mut self, request: &Request) -> Result<Response, ClientError> {
        self.send(request).await?;
        let response = self.receive().await?;
        if response.action == request.action {
            return Ok(response);
        }
        Err(ClientError::OtherAction {
            address: self.address,
            asked: request.action,
            answered: response.action,
        })
    }

    /// Sends a request. Responses come in the order of the requests.
    pub async fn send(&mut self, request: &Request) -> Result<(), ClientError> {
        let octets = request.encode();
        let sent = timeout_at(self.deadline, async {
            self.stream.write_all(octets.as_ref()).await?;
            self.stream.flush().await
        })
        .await;
        sent.map_err(|_| self.late("take the request"))?
            .map_err(self.broken("send a request to"))
    }

    /// Receives one response.
    pub async fn receive(&mut self) -> Result<Response, ClientError> {
        let invalid = |reason| ClientError::Invalid {
            address: self.address,
            reason,
        };
        let mut octets = [0; RESPONSE_LEN];
        let mut received = 0;
        loop {
            match frame(&octets[..received], MessageKind::Response) {
                Framing::Complete(len) => return Response::decode(&octets[..len]).map_err(invalid),
                Framing::Invalid(reason) => return Err(invalid(reason)),
                Framing::Need(_) => {}
            }
            let read = timeout_at(self.deadline, self.stream.read(&mut octets[received..]))
                .await
                .map_err(|_| self.late("answer"))?;
            let read = match read {
                // On TLS, an end that the server did not announce.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
                read => read.map_err(self.broken("receive the response of"))?,
            };
            if read == 0 {
                return Err(ClientError::Closed {
                    address: self.address,
                    received,
                });
            }
            received += read;
        }
    }

    fn late(&self, doing: &'static str) -> ClientError {
        ClientError::Timeout {
            server: self.server.clone(),
            doing,
            seconds: self.timeout,
        }
    }

    fn broken(&self, doing: &'static str) -> impl FnOnce(io::Error) -> ClientError {
        let address = self.address;
        move |source| ClientError::Broken {
            doing,
            address,
            source,
        }
    }
}
