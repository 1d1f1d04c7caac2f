//! Reloads while the server runs: reopens the log file, and reads certificate and key again. What cannot be reloaded
//! stays as it was.

use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use authscope::platform::process::ServiceState;
use authscope::server::{self, Audit, Log, Tls};

/// How long to wait if nothing changes by itself.
const LONG: Duration = Duration::from_hours(24);

/// What can be reloaded.
pub struct Reloadable {
    pub log: Log,
    pub tls: Tls,
    pub audit: Option<Audit>,
}

/// Asks for reloads.
#[derive(Clone)]
pub struct Reload(SyncSender<()>);

impl Reload {
    /// Starts the thread that reloads, because reading files can take time. It also warns when the certificate is
    /// about to expire.
    pub fn start(reloadable: Reloadable) -> io::Result<Self> {
        // Further requests while one waits are merged with it.
        let (sender, requests) = sync_channel(1);
        std::thread::Builder::new()
            .name("reload".into())
            .spawn(move || {
                use std::sync::mpsc::RecvTimeoutError::{Disconnected, Timeout};
                loop {
                    let wait = reloadable.tls.next_look().unwrap_or(LONG);
                    match requests.recv_timeout(wait) {
                        Ok(()) => reloadable.reload(),
                        Err(Timeout) => reloadable.tls.tell(),
                        Err(Disconnected) => return,
                    }
                }
            })?;
        Ok(Self(sender))
    }

    /// Asks for a reload, and does not wait for it.
    pub fn request(&self) {
        let _ = self.0.try_send(());
    }
}

impl Reloadable {
    fn reload(&self) {
        crate::notify(ServiceState::Reloading);
        let mut succeeded = true;
        let log_file = self.log.reopen().unwrap_or_else(|error| {
            tracing::error!("{error}; the log goes on as before");
            succeeded = false;
            false
        });
        if let Some(Err(error)) = self.audit.as_ref().map(Audit::reopen) {
            tracing::error!("{error}; the audit stream goes on as before");
            succeeded = false;
        }
        let certificate = self.tls.reload().unwrap_or_else(|error| {
            tracing::error!("{error}; the old certificate stays in use");
            succeeded = false;
            false
        });
        if certificate {
            self.tls.tell();
        }
        server::reloaded(succeeded);
        if succeeded {
            tracing::info!(log_file, certificate, "reloaded");
        }
        crate::notify(ServiceState::Ready);
    }
}
