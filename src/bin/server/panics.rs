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

#[cfg(test)]
mod tests {
    use std::process::Command;

    use authscope::server::LogSettings;
    use tracing::level_filters::LevelFilter;

    use super::*;

    /// Names the thread in which this test, started anew as a process of its own, panics.
    const PANIC_IN: &str = "AUTHSCOPE_TEST_PANIC_IN";

    /// What became of such a process: its exit code and its log.
    fn panic_in(thread: &str) -> (Option<i32>, String) {
        let output = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "panics::tests::a_thread_that_is_needed_ends_the_process",
            ])
            .arg("--nocapture")
            .env(PANIC_IN, thread)
            .output()
            .unwrap();
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), log)
    }

    #[test]
    fn a_thread_that_is_needed_ends_the_process() {
        if let Ok(name) = std::env::var(PANIC_IN) {
            let log = Log::start(LogSettings {
                json: false,
                level: LevelFilter::INFO,
                rate: 0,
                colours: false,
            });
            let log = log.unwrap();
            watch(log.clone());
            let thread = std::thread::Builder::new().name(name);
            let ended = thread.spawn(|| panic!("on purpose")).unwrap().join();
            assert!(ended.is_err());
            log.flush(LAST_WORDS);
            return;
        }
        let (code, log) = panic_in("passwd-writer");
        assert_eq!(code, Some(PANICKED), "{log}");
        for part in [
            "ERROR",
            "thread=\"passwd-writer\"",
            "on purpose",
            "panics.rs:",
        ] {
            assert!(log.contains(part), "{part}: {log}");
        }
        let (code, log) = panic_in(TASK_THREADS);
        assert_eq!(code, Some(0), "{log}");
        assert!(log.contains("on purpose"), "{log}");
    }
}
