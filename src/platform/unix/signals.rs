//! Signals that end a run or a server normally; the same one again ends the process at once.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex, PoisonError};

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGXFSZ};
use signal_hook::flag::{register, register_conditional_shutdown};
use signal_hook::{SigId, flag, low_level};

/// The number that stands for Ctrl-C in exit codes.
pub const INTERRUPT: i32 = SIGINT;

/// Exit code of a process ended by a signal, as in shells: this number plus the signal's.
pub const BY_SIGNAL: i32 = 128;

/// The handlers that end the process at the second Ctrl-C.
static AT_ONCE: Mutex<Vec<SigId>> = Mutex::new(Vec::new());

/// From now on Ctrl-C only stops reading: the user leaves the pager on the terminal.
pub fn outlive_interrupts() -> io::Result<()> {
    // Without a handler the first one would end the process.
    flag::register(SIGINT, Arc::default())?;
    let mut at_once = AT_ONCE.lock().unwrap_or_else(PoisonError::into_inner);
    for id in at_once.drain(..) {
        low_level::unregister(id);
    }
    Ok(())
}

/// Signals that end programs put their number into `number` and set `stop`; the same one again ends the process.
pub fn ask_to_stop(stop: &Arc<AtomicBool>, number: &Arc<AtomicUsize>) -> io::Result<()> {
    let asks = |signal: i32| {
        flag::register_usize(signal, Arc::clone(number), signal.unsigned_abs() as usize)?;
        flag::register(signal, Arc::clone(stop))
    };
    for signal in [SIGINT, SIGTERM, SIGQUIT] {
        // In this order, the first signal sets the flag, and the next one finds it set.
        let again = Arc::new(AtomicBool::new(false));
        let id =
            flag::register_conditional_shutdown(signal, BY_SIGNAL + signal, Arc::clone(&again))?;
        if signal == SIGINT {
            let at_once = AT_ONCE.lock();
            at_once.unwrap_or_else(PoisonError::into_inner).push(id);
        }
        flag::register(signal, again)?;
        asks(signal)?;
    }
    // A terminal that closes may send the signal several times.
    if !is_ignored(SIGHUP) {
        asks(SIGHUP)?;
    }
    Ok(())
}

/// Whether the parent process asked to ignore a signal, as `nohup` does with SIGHUP. Known on Linux only.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// A signal's request to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalRequest {
    /// To stop, by the signal of this number.
    Stop(i32),
    /// To read its files again.
    Reload,
}

impl SignalRequest {
    /// The signal's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        let number = match self {
            Self::Stop(number) => number,
            Self::Reload => SIGHUP,
        };
        low_level::signal_name(number).unwrap_or("a signal")
    }

    /// Executes the signal's default action.
    pub fn as_usual(self) {
        if let Self::Stop(number) = self {
            let _ = low_level::emulate_default_handler(number);
        }
    }
}

/// Calls `each` for each request, on a separate thread, so that it works even if other threads wait. The second
/// signal that stops ends the process at once.
pub fn watch(mut each: impl FnMut(SignalRequest) + Send + 'static) -> io::Result<()> {
    let stopping = Arc::new(AtomicBool::new(false));
    // In the handlers themselves, in this order: they work even if no thread runs any more.
    for signal in [SIGINT, SIGTERM] {
        register_conditional_shutdown(signal, BY_SIGNAL + signal, Arc::clone(&stopping))?;
    }
    for signal in [SIGINT, SIGTERM] {
        register(signal, Arc::clone(&stopping))?;
    }
    // A file size limit is an error to report, not a reason to die.
    register(SIGXFSZ, Arc::default())?;
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            for signal in signals.forever() {
                each(match signal {
                    SIGHUP => SignalRequest::Reload,
                    signal => SignalRequest::Stop(signal),
                });
            }
        })?;
    Ok(())
}

/// A flag that is set when the process is to be suspended, as by Ctrl-Z.
pub fn suspends() -> io::Result<Arc<AtomicBool>> {
    let suspends = Arc::new(AtomicBool::new(false));
    flag::register(SIGTSTP, Arc::clone(&suspends))?;
    Ok(suspends)
}

/// Stops the process as Ctrl-Z does; returns when it is continued.
pub fn suspend() -> io::Result<()> {
    low_level::emulate_default_handler(SIGTSTP)
}
