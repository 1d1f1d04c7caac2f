//! The client: one request, or several on one connection, each with its response.

pub mod password;
mod tls;

pub use tls::{Tls, TlsError};

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};

use crate::protocol::layout::RESPONSE_LEN;
use crate::protocol::{DecodeError, Framing, Kind, Request, Response, frame};

/// Why there is no answer from the server.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The name of the server has no address.
    #[error(
        "cannot find the address of \"{server}\": {source}; write it as HOST:PORT, such as 127.0.0.1:8888 or [::1]:8888"
    )]
    Address {
        /// As it was given.
        server: String,
        /// What went wrong.
        source: io::Error,
    },
    /// No connection.
    #[error("cannot connect to {address}: {source}; is authscope-server running there?")]
    Connect {
        /// Where to.
        address: SocketAddr,
        /// What went wrong.
        source: io::Error,
    },
    /// The connection broke.
    #[error("cannot {doing} {address}: {source}")]
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
        "{address} closed the connection after {received} of {RESPONSE_LEN} octets of its response; is it an authscope-server?"
    )]
    Closed {
        /// Who.
        address: SocketAddr,
        /// Octets of the response received.
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
        reason: DecodeError,
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
    #[error("{server} did not answer within {} s while the client was to {doing}; try again later, or allow more with --timeout", seconds.as_secs_f64())]
    Timeout {
        /// Who.
        server: String,
        /// What was being done.
        doing: &'static str,
        /// How long was waited.
        seconds: Duration,
    },
}

/// A connection, encrypted or not.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A connection to a server. Everything on it together has to be done before its deadline.
pub struct Client {
    stream: Box<dyn Stream>,
    address: SocketAddr,
    server: String,
    timeout: Duration,
    deadline: Instant,
}

impl Client {
    /// Connects to `server`, given as `HOST:PORT`; tries each of its addresses.
    pub async fn connect(server: &str, timeout: Duration) -> Result<Self, ClientError> {
        Self::connect_with(server, None, timeout).await
    }

    /// Connects as [`connect`](Self::connect) does; with `tls`, encrypted.
    pub async fn connect_with(
        server: &str,
        tls: Option<&Tls>,
        timeout: Duration,
    ) -> Result<Self, ClientError> {
        let deadline = Instant::now() + timeout;
        let late = |_| ClientError::Timeout {
            server: server.to_owned(),
            doing: "connect",
            seconds: timeout,
        };
        let unknown = |source| ClientError::Address {
            server: server.to_owned(),
            source,
        };
        let addresses = timeout_at(deadline, lookup_host(server))
            .await
            .map_err(late)?
            .map_err(unknown)?;
        let mut last = unknown(io::Error::new(io::ErrorKind::NotFound, "no address"));
        for address in addresses {
            match timeout_at(deadline, TcpStream::connect(address))
                .await
                .map_err(late)?
            {
                Ok(stream) => {
                    // A request is one small write that nothing follows.
                    let _ = stream.set_nodelay(true);
                    let stream: Box<dyn Stream> = match tls {
                        None => Box::new(stream),
                        Some(tls) => timeout_at(deadline, tls.handshake(server, address, stream))
                            .await
                            .map_err(late)??,
                    };
                    return Ok(Self {
                        stream,
                        address,
                        server: server.to_owned(),
                        timeout,
                        deadline,
                    });
                }
                Err(source) => last = ClientError::Connect { address, source },
            }
        }
        Err(last)
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
        sent.map_err(|_| self.late("send its request"))?
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
            match frame(&octets[..received], Kind::Response) {
                Framing::Complete(len) => return Response::decode(&octets[..len]).map_err(invalid),
                Framing::Invalid(reason) => return Err(invalid(reason)),
                Framing::Need(_) => {}
            }
            let read = timeout_at(self.deadline, self.stream.read(&mut octets[received..]))
                .await
                .map_err(|_| self.late("receive the response"))?;
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
