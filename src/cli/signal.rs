//! Ctrl-C and SIGTERM: a flag that ends the run; a second one ends the process at once.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::TERM_SIGNALS;
use signal_hook::flag;

use super::error::Failure;

/// Exit code of a process that a second signal ended, as shells count SIGINT.
const INTERRUPTED: i32 = 130;

/// A flag that is set once the process is asked to end.
pub(super) fn stop_flag() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in TERM_SIGNALS {
        // In this order the first signal sets the flag, the next finds it set.
        flag::register_conditional_shutdown(*signal, INTERRUPTED, Arc::clone(&stop))
            .and_then(|_| flag::register(*signal, Arc::clone(&stop)))
            .map_err(|error| Failure::Text(format!("cannot wait for signals: {error}")))?;
    }
    Ok(stop)
}
