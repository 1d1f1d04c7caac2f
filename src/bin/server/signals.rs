//! Signals: SIGINT and SIGTERM stop the server in order, a second one at once; SIGHUP reloads.
//!
//! They are handled on a thread of their own, so that they work whatever the other threads wait
//! for.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use authscope::server::Log;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag::{register, register_conditional_shutdown};
use signal_hook::low_level;
use tokio::sync::watch;

use crate::LAST_WORDS;
use crate::reload::Reload;

/// Beyond the time for requests in flight: how long the rest of the way to the end may take.
const GRACE: Duration = Duration::from_secs(3);
/// The exit code of a process that SIGINT ended, as a shell tells it.
const INTERRUPTED: i32 = 130;
/// The exit code of a process that SIGTERM ended.
const TERMINATED: i32 = 143;
/// The exit code of a server that did not get to the end in time.
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
    /// Installs the handlers. Until [`serve`](Self::serve), SIGHUP waits and the others end the
    /// process as they would without handlers.
    pub fn install() -> io::Result<Self> {
        let stopping = Arc::new(AtomicBool::new(false));
        // In the handlers themselves, in this order: they work even if no thread runs any more.
        for (signal, status) in [(SIGINT, INTERRUPTED), (SIGTERM, TERMINATED)] {
            register_conditional_shutdown(signal, status, Arc::clone(&stopping))?;
        }
        for signal in [SIGINT, SIGTERM] {
            register(signal, Arc::clone(&stopping))?;
        }
        // A file that may not grow is an error to answer, not a reason to die.
        register(SIGXFSZ, Arc::default())?;
        let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        let (sender, stop) = watch::channel(false);
        let installed = Self {
            serving: Arc::default(),
            reload_waits: Arc::default(),
            stop,
        };
        let serving = Arc::clone(&installed.serving);
        let reload_waits = Arc::clone(&installed.reload_waits);
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                for signal in signals.forever() {
                    let serving = serving.lock().unwrap_or_else(PoisonError::into_inner);
                    match &*serving {
                        Some(serving) if signal == SIGHUP => serving.reload.request(),
                        None if signal == SIGHUP => reload_waits.store(true, Ordering::SeqCst),
                        Some(serving) => serving.stop(signal, &sender),
                        None => {
                            let _ = low_level::emulate_default_handler(signal);
                        }
                    }
                }
            })?;
        Ok(installed)
    }

    /// From now on SIGHUP reloads, and the others stop the server within `drain` and a little
    /// more. The result is ready when it is to stop.
    pub fn serve(self, reload: Reload, drain: Duration, log: Log) -> impl Future<Output = ()> {
        let mut serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner);
        if self.reload_waits.load(Ordering::SeqCst) {
            reload.request();
        }
        *serving = Some(Serving { reload, drain, log });
        drop(serving);
        let mut stop = self.stop;
        async move {
            // The sender is gone only where the thread is, and then the process ends.
            let _ = stop.wait_for(|stop| *stop).await;
        }
    }
}

impl Serving {
    /// Lets the server stop in order, and ends the process where it has not stopped in time.
    fn stop(&self, signal: i32, stop: &watch::Sender<bool>) {
        let signal = low_level::signal_name(signal).unwrap_or("a signal");
        tracing::info!(signal, "told to stop");
        let _ = stop.send(true);
        std::thread::sleep(self.drain + GRACE);
        tracing::error!("did not stop in time; ending at once");
        self.log.flush(LAST_WORDS);
        low_level::exit(NOT_IN_TIME);
    }
}
