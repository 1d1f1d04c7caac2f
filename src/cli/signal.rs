//! What ends a run in order; the same a second time ends the process at once.

use super::error::Failure;
use crate::capture::Stop;
use crate::platform::signals;

/// Exit code of a process that a signal ended, as shells have it: this and the signal's number.
pub(super) const BY_SIGNAL: i32 = signals::BY_SIGNAL;

/// The one stop of this run, which signals ask for.
pub(super) fn stop_on_signals() -> Result<Stop, Failure> {
    let stop = Stop::default();
    signals::ask_to_stop(&stop.flag(), &stop.signal_number())
        .map_err(|error| Failure::Text(format!("cannot wait for signals: {error}")))?;
    Ok(stop)
}
