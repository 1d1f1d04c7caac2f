//! A panic is logged, never written to standard error directly. In a connection's task it costs
//! that connection; in a thread that the server needs it ends the process, with an exit code of
//! its own, for the service manager to start it again.

use std::panic::PanicHookInfo;

use authscope::server::{LOG_THREAD, Log};

use crate::LAST_WORDS;

/// The threads that run connections' tasks. The runtime goes on after a panic in one.
pub const TASK_THREADS: &str = "connections";
/// The exit code after a panic in any other thread.
const PANICKED: i32 = 70;

/// From now on every panic goes this way.
pub fn watch(log: Log) {
    std::panic::set_hook(Box::new(move |panic| {
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or("unnamed");
        let place = panic.location().map(ToString::to_string);
        tracing::error!(
            thread,
            place,
            reason = reason(panic),
            "a fault in the server"
        );
        // The log's own thread goes on by itself.
        if ![TASK_THREADS, LOG_THREAD].contains(&thread) {
            tracing::error!("ending: the server needs this thread");
            log.flush(LAST_WORDS);
            signal_hook::low_level::exit(PANICKED);
        }
    }));
}

fn reason<'a>(panic: &'a PanicHookInfo<'_>) -> &'a str {
    panic.payload_as_str().unwrap_or("unknown")
}
