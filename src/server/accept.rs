//! The listener: accepts connections within the limits, and drains them at the end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use super::address::{OpenBySource, Source};
use super::answer::{Peer, Service};
use super::limits::{Limits, Policy};
use super::meters;
use super::serve::{Server, serve};
use super::tls::Tls;
use crate::accounts::Accounts;

/// How long accepting pauses when the system has no more descriptors or memory for it.
const PAUSE: Duration = Duration::from_millis(250);

/// What the server did, said when it stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Connections accepted.
    pub connections: u64,
    /// Requests answered.
    pub requests: u64,
    /// Connections refused because their address had too many.
    pub refused: u64,
    /// Connections closed because a request, or the reading of a response, took too long.
    pub slow: u64,
    /// Connections that were cut off because they did not end in time.
    pub cut: usize,
}

/// How the server behaves.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// What clients may use up.
    pub limits: Limits,
    /// What clients may do and know.
    pub policy: Policy,
    /// Whether connections are encrypted.
    pub tls: Tls,
}

/// Serves clients of `listener` until `shutdown` is ready; then stops accepting, answers what is
/// in flight, and returns.
pub async fn run(
    listener: TcpListener,
    accounts: Arc<Accounts>,
    config: Config,
    shutdown: impl Future<Output = ()>,
) -> io::Result<Summary> {
    let Config {
        limits,
        policy,
        tls,
    } = config;
    let server = Arc::new(Server {
        service: Service::new(accounts, policy, &limits),
        limits,
        tls,
        requests: AtomicU64::new(0),
        slow: AtomicU64::new(0),
    });
    let by_source = Arc::new(OpenBySource::default());
    let permits = Arc::new(Semaphore::new(server.limits.connections));
    let (stop, stopped) = watch::channel(false);
    let (mut connections, mut refused) = (0, 0);
    tokio::pin!(shutdown);
    loop {
        // First the right to a connection, then the connection: too many wait in the backlog.
        let accepted = async {
            let permit = Arc::clone(&permits)
                .acquire_owned()
                .await
                .map_err(io::Error::other)?;
            let (stream, address) = accept(&listener).await?;
            io::Result::Ok((permit, stream, address))
        };
        let (permit, stream, address) = tokio::select! {
            accepted = accepted => accepted?,
            () = &mut shutdown => break,
        };
        connections += 1;
        let peer = Peer {
            connection: connections,
            address,
        };
        let source = Source::from(address.ip());
        let Some(counted) = by_source.enter(source, server.limits.per_address) else {
            refused += 1;
            meters::connection_refused();
            tracing::warn!(
                conn = peer.connection,
                peer = %peer.address,
                limit = server.limits.per_address,
                "connection refused: too many from this address"
            );
            continue;
        };
        let server = Arc::clone(&server);
        let counted = (permit, counted);
        tokio::spawn(serve(server, stream, peer, stopped.clone(), counted));
    }
    drop(listener);
    tracing::info!(
        open = server.limits.connections - permits.available_permits(),
        "shutting down"
    );
    // Nobody listening means that no connection is open.
    let _ = stop.send(true);
    let all = u32::try_from(server.limits.connections).unwrap_or(u32::MAX);
    let drained = timeout(server.limits.drain, permits.acquire_many(all)).await;
    let cut = match drained {
        Ok(_) => 0,
        Err(_) => server.limits.connections - permits.available_permits(),
    };
    Ok(Summary {
        connections,
        requests: server.requests.load(Ordering::Relaxed),
        refused,
        slow: server.slow.load(Ordering::Relaxed),
        cut,
    })
}

/// Waits for a connection. A connection that broke before it was accepted is passed over; when
/// the system has no room for another, accepting pauses. Other errors end the server.
async fn accept(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let mut paused = false;
    loop {
        let error = match listener.accept().await {
            Ok(accepted) => {
                if paused {
                    tracing::info!("accepting again");
                }
                return Ok(accepted);
            }
            Err(error) => error,
        };
        match rustix::io::Errno::from_io_error(&error) {
            Some(
                rustix::io::Errno::MFILE
                | rustix::io::Errno::NFILE
                | rustix::io::Errno::NOBUFS
                | rustix::io::Errno::NOMEM,
            ) => {
                meters::accept_paused();
                if !paused {
                    tracing::error!(%error, "no room for another connection; accepting pauses");
                }
                paused = true;
                tokio::time::sleep(PAUSE).await;
            }
            Some(
                rustix::io::Errno::BADF | rustix::io::Errno::INVAL | rustix::io::Errno::NOTSOCK,
            ) => {
                return Err(error);
            }
            _ => tracing::debug!(%error, "a connection broke before it was accepted"),
        }
    }
}
