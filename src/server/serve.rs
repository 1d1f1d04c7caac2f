//! Serves an accepted connection, with or without TLS, and logs its end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::accept::Config;
use super::address::{Counted, OpenBySource, SourceAddress};
use super::admission::{Admission, Place, Slot};
use super::answer::Peer;
use super::connection::Connection;
use super::end::End;
use super::meters;
use super::proxy;
use super::service::Service;
use super::tls::{HANDSHAKE, TlsMode, handshake_error};

/// What all connections share.
pub struct Server {
    pub service: Service,
    pub config: Config,
    pub admission: Arc<Admission>,
    pub by_source: Arc<OpenBySource>,
    /// Connections refused because their address had too many.
    pub refused: AtomicU64,
    /// Requests answered on connections that have ended.
    pub requests: AtomicU64,
    /// Connections that were too slow.
    pub slow: AtomicU64,
}

/// Serves one connection to its end. Its `place` is given back then.
pub async fn serve(
    server: Arc<Server>,
    mut stream: TcpStream,
    mut peer: Peer,
    stop: watch::Receiver<bool>,
    place: Place,
) {
    tracing::debug!(conn = peer.connection, peer = %peer.address, "connection opened");
    meters::connection_opened();
    // A response is one small write that nothing follows; it must not wait for an acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(conn = peer.connection, %error, "cannot set TCP_NODELAY");
    }
    bound_unsent(&stream, peer);
    let (answered, end) = tokio::select! {
        biased;
        () = place.slot().has_to_go() => (0, End::MadeRoom),
        ended = async {
            match server.admit(&mut stream, &mut peer, &place).await {
                Ok(_counted) => server.begin(stream, peer, stop, place.slot()).await,
                Err(end) => (0, end),
            }
        } => ended,
    };
    server.requests.fetch_add(answered, Ordering::Relaxed);
    if matches!(end, End::TooSlow(_) | End::NotReading) {
        server.slow.fetch_add(1, Ordering::Relaxed);
    }
    meters::connection_closed(&end);
    let source = SourceAddress::from(peer.address.ip());
    if end.is_refusal() && server.service.lines.is_first_refusal(source, end.label()) {
        tracing::info!(
            conn = peer.connection,
            peer = %peer.address,
            requests = answered,
            outcome = %end,
            "connection refused"
        );
    } else {
        tracing::debug!(
            conn = peer.connection,
            peer = %peer.address,
            requests = answered,
            reason = %end,
            "connection closed"
        );
    }
    drop(place);
}

/// The kernel's buffer for a connection's unsent answers, in bytes; the kernel takes twice as much, for its own
/// needs. If a client does not read, the server stops reading from it too.
const UNSENT: usize = 16 * 1024;

fn bound_unsent(stream: &TcpStream, peer: Peer) {
    if let Err(error) = socket2::SockRef::from(stream).set_send_buffer_size(UNSENT) {
        tracing::debug!(conn = peer.connection, %error, "cannot set SO_SNDBUF");
    }
}

impl Server {
    /// Open connections.
    pub fn open(&self) -> usize {
        self.admission.open()
    }

    /// Finds out whose connection it is, and counts it for as long as the result lives.
    async fn admit(
        &self,
        stream: &mut TcpStream,
        peer: &mut Peer,
        place: &Place,
    ) -> Result<Option<Counted>, End> {
        if self.config.proxies.contain(peer.address.ip()) {
            let header = timeout(self.config.limits.request, proxy::read_header(stream)).await;
            let header = header.map_err(|_| End::TooSlow(None))?;
            let client = header.map_err(|error| End::NotAdmitted(error.to_string()))?;
            // A proxy can also connect for itself.
            if let Some(client) = client {
                let proxy = peer.address;
                tracing::debug!(conn = peer.connection, %proxy, %client, "behind a proxy");
                peer.address = client;
            }
        }
        let address = peer.address.ip();
        if self.config.limits.exempt.contain(address) {
            place.keep();
            return Ok(None);
        }
        let source = SourceAddress::from(address);
        if let Some(counted) = self.by_source.enter(source, self.config.limits.per_address) {
            return Ok(Some(counted));
        }
        self.refused.fetch_add(1, Ordering::Relaxed);
        meters::connection_refused();
        if self
            .service
            .lines
            .is_first_refusal(source, "too many connections")
        {
            tracing::warn!(
                conn = peer.connection,
                peer = %peer.address,
                limit = self.config.limits.per_address,
                "connection refused: too many from this address"
            );
        }
        Err(End::NotAdmitted("too many from this address".into()))
    }

    /// Finds out whether the connection is encrypted, and serves it.
    async fn begin(
        &self,
        stream: TcpStream,
        peer: Peer,
        mut stop: watch::Receiver<bool>,
        slot: &Slot,
    ) -> (u64, End) {
        if let Some(acceptor) = self.config.tls.acceptor() {
            match self.first_octet(&stream, &mut stop).await {
                // Boxed, so that a plain connection does not pay for its size.
                Ok(Some(HANDSHAKE)) => {
                    return Box::pin(self.encrypted(&acceptor, stream, peer, stop, slot)).await;
                }
                Ok(_) => {}
                Err(end) => return (0, end),
            }
        }
        let refuse_plain = self.config.tls.mode() == TlsMode::Required;
        self.exchange(stream, peer, stop, slot, refuse_plain).await
    }

    /// The first byte, left where it is; `None` at the end of the stream.
    async fn first_octet(
        &self,
        stream: &TcpStream,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<Option<u8>, End> {
        let mut octet = [0];
        let peeked = timeout(self.config.limits.idle, async {
            tokio::select! {
                biased;
                peeked = stream.peek(&mut octet) => peeked.map_err(End::Broken),
                _ = stop.wait_for(|stop| *stop) => Err(End::Shutdown),
            }
        });
        let len = peeked.await.map_err(|_| End::Idle)??;
        Ok((len > 0).then_some(octet[0]))
    }

    async fn encrypted(
        &self,
        acceptor: &TlsAcceptor,
        stream: TcpStream,
        peer: Peer,
        stop: watch::Receiver<bool>,
        slot: &Slot,
    ) -> (u64, End) {
        let stream = match timeout(self.config.limits.request, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return (0, End::Handshake(handshake_error(&error))),
            Err(_) => return (0, End::TooSlow(None)),
        };
        let (_, session) = stream.get_ref();
        tracing::debug!(
            conn = peer.connection,
            version = session
                .protocol_version()
                .and_then(|version| version.as_str()),
            "encrypted"
        );
        meters::encrypted();
        self.exchange(stream, peer, stop, slot, false).await
    }

    async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        peer: Peer,
        stop: watch::Receiver<bool>,
        slot: &Slot,
        refuse_plain: bool,
    ) -> (u64, End) {
        let mut connection = Connection {
            stream,
            peer,
            service: &self.service,
            caller: self.service.caller(peer.address.ip()),
            slot,
            limits: &self.config.limits,
            refuse_plain,
            answered: 0,
            unsent: Vec::new(),
        };
        let end = connection.serve(stop).await;
        // With TLS this shows that nothing was truncated. A client that is gone does not receive it.
        let farewell: Result<io::Result<()>, _> =
            timeout(self.config.limits.request, connection.stream.shutdown()).await;
        if let Ok(Err(error)) = farewell {
            tracing::debug!(conn = peer.connection, %error, "cannot close in order");
        }
        (connection.answered, end)
    }
}
