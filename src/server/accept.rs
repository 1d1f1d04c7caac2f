//! The listener: accepts connections within the limits, and drains them at the end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use super::address::{OpenBySource, Source};
use super::answer::{Peer, Service};
use super::health::Health;
use super::limits::{Limits, Policy};
use super::listen::Listeners;
use super::log::Refusals;
use super::meters;
use super::serve::{Server, serve};
use super::tls::Tls;
use crate::accounts::Accounts;

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
    /// Where the server says how it is.
    pub health: Arc<Health>,
}

/// Serves clients of `listeners` until `shutdown` is ready; then stops accepting, answers what is
/// in flight, and returns.
pub async fn run(
    listeners: Listeners,
    accounts: Arc<Accounts>,
    config: Config,
    shutdown: impl Future<Output = ()>,
) -> io::Result<Summary> {
    let Config {
        limits,
        policy,
        tls,
        health,
    } = config;
    let refusals = Arc::new(Refusals::default());
    refusals.tell_regularly();
    let server = Arc::new(Server {
        service: Service::new(
            accounts,
            policy,
            &limits,
            Arc::clone(&refusals),
            Arc::clone(&health),
        ),
        limits,
        tls,
        refusals: Arc::clone(&refusals),
        requests: AtomicU64::new(0),
        slow: AtomicU64::new(0),
    });
    let by_source = Arc::new(OpenBySource::default());
    let permits = Arc::new(Semaphore::new(server.limits.connections));
    let (stop, stopped) = watch::channel(false);
    let (mut connections, mut refused) = (0, 0);
    let paused = |paused| {
        if paused {
            meters::accept_paused();
        } else {
            tracing::info!("accepting again");
        }
        health.paused(paused);
    };
    health.serving();
    tokio::pin!(shutdown);
    loop {
        // First the right to a connection, then the connection: too many wait in the backlog.
        let accepted = async {
            let permit = Arc::clone(&permits)
                .acquire_owned()
                .await
                .map_err(io::Error::other)?;
            let (stream, address) = listeners.accept(paused).await?;
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
            if refusals.is_first(source, "too many connections") {
                tracing::warn!(
                    conn = peer.connection,
                    peer = %peer.address,
                    limit = server.limits.per_address,
                    "connection refused: too many from this address"
                );
            }
            continue;
        };
        let server = Arc::clone(&server);
        let counted = (permit, counted);
        tokio::spawn(serve(server, stream, peer, stopped.clone(), counted));
    }
    health.stopping();
    drop(listeners);
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
    refusals.tell();
    Ok(Summary {
        connections,
        requests: server.requests.load(Ordering::Relaxed),
        refused,
        slow: server.slow.load(Ordering::Relaxed),
        cut,
    })
}
