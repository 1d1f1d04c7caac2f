//! Signals, or console events on Windows: some stop the server normally, a second one at once; SIGHUP reloads.
//!
//! A separate thread handles them, so that they work even if all other threads wait.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use authscope::platform::process;
use authscope::platform::signals::{self, SignalRequest};
use authscope::server::Log;
use tokio::sync::watch;

use crate::LAST_WORDS;
use crate::reload::Reload;

/// How long stopping may take after the time for requests in flight.
const GRACE: Duration = Duration::from_secs(3);
/// The exit code of a server that did not stop in time.
const NOT_IN_TIME: i32 = 2;

/// What signals do to a server that serves.
struct Serving {
    reload: Reload,
    /// How long a stop waits for requests in flight.
    drain: Duration,
    log: Log,
}

/// The signal handlers.
pub struct Signals {
    serving: Arc<Mutex<Option<Serving>>>,
    /// Whether a SIGHUP came before there was anything to reload.
    reload_waits: Arc<AtomicBool>,
    stop: watch::Receiver<bool>,
}

impl Signals {
    /// Installs the handlers. Until [`serve`](Self::serve), SIGHUP waits, and the others end the process as without
    /// handlers.
    pub fn install() -> io::Result<Self> {
        let (sender, stop) = watch::channel(false);
        let installed = Self {
            serving: Arc::default(),
            reload_waits: Arc::default(),
            stop,
        };
        let serving = Arc::clone(&installed.serving);
        let reload_waits = Arc::clone(&installed.reload_waits);
        signals::watch(move |told| {
            let serving = serving.lock().unwrap_or_else(PoisonError::into_inner);
            match (&*serving, told) {
                (Some(serving), SignalRequest::Reload) => serving.reload.request(),
                (None, SignalRequest::Reload) => reload_waits.store(true, Ordering::SeqCst),
                (Some(serving), SignalRequest::Stop(_)) => serving.stop(told, &sender),
                (None, SignalRequest::Stop(_)) => told.as_usual(),
            }
        })?;
        Ok(installed)
    }

    /// From now on SIGHUP reloads, and the others stop the server within `drain` and a little more. The returned
    /// future is ready when the server must stop.
    pub fn serve(self, reload: Reload, drain: Duration, log: Log) -> impl Future<Output = ()> {
        let mut serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner);
        if self.reload_waits.load(Ordering::SeqCst) {
            reload.request();
        }
        *serving = Some(Serving { reload, drain, log });
        drop(serving);
        let mut stop = self.stop;
        async move {
            // The sender is dropped only with its thread, and then the process ends.
            let _ = stop.wait_for(|stop| *stop).await;
        }
    }
}

impl Serving {
    /// Stops the server normally, and ends the process if that takes too long.
    fn stop(&self, told: SignalRequest, stop: &watch::Sender<bool>) {
        tracing::info!(signal = told.name(), "told to stop");
        let _ = stop.send(true);
        std::thread::sleep(self.drain + GRACE);
        tracing::error!("did not stop in time; ending at once");
        self.log.flush(LAST_WORDS);
        process::exit_at_once(NOT_IN_TIME);
    }
}
