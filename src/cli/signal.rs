//! The signals that end a run in order; the same one again ends the process at once.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::{SigId, flag, low_level};

use super::error::Failure;
use crate::capture::Stop;

/// Exit code of a process that a signal ended, as shells have it: this and the signal's number.
pub(super) const BY_SIGNAL: i32 = 128;

/// What ends the process where Ctrl-C comes a second time.
static AT_ONCE: Mutex<Vec<SigId>> = Mutex::new(Vec::new());

/// Ctrl-C ends no more than the reading from now on: the pager on the terminal is its user's to leave.
pub(super) fn outlive_interrupts() -> std::io::Result<()> {
    // Without a handler the first one would end the process.
    flag::register(SIGINT, Arc::default())?;
    let mut at_once = AT_ONCE.lock().unwrap_or_else(PoisonError::into_inner);
    for id in at_once.drain(..) {
        low_level::unregister(id);
    }
    Ok(())
}

/// The one stop of this run, which signals ask for.
pub(super) fn stop_on_signals() -> Result<Stop, Failure> {
    let stop = Stop::default();
    let asks = |signal: i32| {
        flag::register_usize(signal, stop.signal_number(), signal.unsigned_abs() as usize)?;
        flag::register(signal, stop.flag())
    };
    let all = || {
        for signal in [SIGINT, SIGTERM, SIGQUIT] {
            // In this order the first signal sets the flag, the next one finds it set.
            let again = Arc::new(AtomicBool::new(false));
            let id = flag::register_conditional_shutdown(
                signal,
                BY_SIGNAL + signal,
                Arc::clone(&again),
            )?;
            if signal == SIGINT {
                let at_once = AT_ONCE.lock();
                at_once.unwrap_or_else(PoisonError::into_inner).push(id);
            }
            flag::register(signal, again)?;
            asks(signal)?;
        }
        // A terminal that goes away may say so several times.
        if !is_ignored(SIGHUP) {
            asks(SIGHUP)?;
        }
        Ok(())
    };
    let done: std::io::Result<()> = all();
    done.map_err(|error| Failure::Text(format!("cannot wait for signals: {error}")))?;
    Ok(stop)
}

/// Whether whoever started the process wants it to ignore a signal, as `nohup` does with SIGHUP.
/// Told on Linux only.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
