//! Signals that stop a run cleanly; the second one ends the process at once.

use super::error::Failure;
use crate::capture::Stop;
use crate::platform::signals;

/// Exit code of a process ended by a signal, as in shells: this number plus the signal's.
pub(super) const BY_SIGNAL: i32 = signals::BY_SIGNAL;

/// The stop flag of this run, which signals set.
pub(super) fn stop_on_signals() -> Result<Stop, Failure> {
    let stop = Stop::default();
    signals::ask_to_stop(&stop.flag(), &stop.signal_number())
        .map_err(|error| Failure::Text(format!("cannot wait for signals: {error}")))?;
    Ok(stop)
}
