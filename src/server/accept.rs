//! The listener: accepts connections within the limits, and drains them at the end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::admission::Admission;
use super::answer::Peer;
use super::control::{self, Control};
use super::health::Health;
use super::limits::{Policy, ServerLimits};
use super::listen::Listeners;
use super::log::ClientLines;
use super::log::audit::Audit;
use super::meters;
use super::networks::Networks;
use super::rules::PasswordRules;
use super::serve::{Server, serve};
use super::service::Service;
use super::task;
use super::tls::Tls;
use crate::accounts::{Accounts, Failures};

/// How long the end waits for the store to record the last logins.
const LAST_LOGINS: Duration = Duration::from_secs(1);

/// What the server did, logged when it stops.
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
#[derive(Clone, Default)]
pub struct Config {
    /// What clients may use up.
    pub limits: ServerLimits,
    /// What clients may do and know.
    pub policy: Policy,
    /// Whether connections are encrypted.
    pub tls: Tls,
    /// The server's state, for health checks.
    pub health: Arc<Health>,
    /// Proxies whose connections must begin with a PROXY header.
    pub proxies: Networks,
    /// Which lines about clients are logged.
    pub lines: Arc<ClientLines>,
    /// What remembers failed logins for several servers together.
    pub failures: Option<Arc<dyn Failures>>,
    /// Which passwords may be chosen.
    pub rules: Arc<PasswordRules>,
    /// The audit stream, if there is one.
    pub audit: Option<Audit>,
    /// The control channel, if there is one.
    pub control: Option<Arc<Control>>,
}

/// Serves clients of `listeners` until `shutdown` is ready; then stops accepting, answers what is
/// in flight, and returns.
pub async fn run(
    listeners: Listeners,
    accounts: Arc<Accounts>,
    mut config: Config,
    shutdown: impl Future<Output = ()>,
) -> io::Result<Summary> {
    config.lines.tell_regularly();
    let control = config.control.take();
    let health = Arc::clone(&config.health);
    let admission = Admission::new(config.limits.connections);
    let server = Arc::new(Server {
        service: Service::new(accounts, &config),
        config,
        admission: Arc::clone(&admission),
        by_source: Arc::default(),
        refused: AtomicU64::new(0),
        requests: AtomicU64::new(0),
        slow: AtomicU64::new(0),
    });
    let controlling =
        control.map(|control| tokio::spawn(control::serve(control, Arc::clone(&server))));
    let relieving = tokio::spawn(Arc::clone(&admission).relieve());
    let keeping = tokio::spawn(keep_logins(Arc::clone(&server)));
    let (stop, stopped) = watch::channel(false);
    let mut connections = 0;
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
        let accepted = async {
            let (stream, address) = listeners.accept(paused).await?;
            // Too many wait here and in the system's backlog.
            let place = admission.enter(connections + 1).await;
            io::Result::Ok((place, stream, address))
        };
        let (place, stream, address) = tokio::select! {
            accepted = accepted => accepted?,
            () = &mut shutdown => break,
        };
        connections += 1;
        let peer = Peer {
            connection: connections,
            address,
        };
        let server = Arc::clone(&server);
        task::spawn(serve(server, stream, peer, stopped.clone(), place));
    }
    relieving.abort();
    if let Some(controlling) = controlling {
        controlling.abort();
    }
    health.stopping();
    drop(listeners);
    tracing::info!(open = admission.open(), "shutting down");
    // Nobody listening means that no connection is open.
    let _ = stop.send(true);
    let drained = timeout(server.config.limits.drain, admission.drained()).await;
    let cut = match drained {
        Ok(()) => 0,
        Err(_) => admission.open(),
    };
    keeping.abort();
    tell_last_logins(&server.service).await;
    server.service.lines.tell();
    Ok(Summary {
        connections,
        requests: server.requests.load(Ordering::Relaxed),
        refused: server.refused.load(Ordering::Relaxed),
        slow: server.slow.load(Ordering::Relaxed),
        cut,
    })
}

async fn keep_logins(server: Arc<Server>) {
    let service = &server.service;
    service.logins.keep(&service.accounts).await;
}

/// If this takes too long, only the list of last logins is incomplete.
async fn tell_last_logins(service: &Service) {
    let telling = service.logins.tell(&service.accounts);
    let _ = timeout(LAST_LOGINS, telling).await;
}
