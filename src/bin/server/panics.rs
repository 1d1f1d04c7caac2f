//! Logs panics instead of writing them to standard error. A panic in a connection's task ends that connection. In any
//! other task or thread it ends the process with its own exit code, so that the service manager starts it again.

use std::panic::PanicHookInfo;

use authscope::server::{LOG_THREAD, Log, is_for_one_connection};

use crate::LAST_WORDS;

/// The exit code after a panic outside a connection's task.
const PANICKED: i32 = 70;

/// Handles all panics from now on.
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
        // The log's own thread restarts by itself.
        if thread != LOG_THREAD && !is_for_one_connection() {
            tracing::error!("ending: the server cannot go on without this");
            log.flush(LAST_WORDS);
            authscope::platform::process::exit_at_once(PANICKED);
        }
    }));
}

fn reason<'a>(panic: &'a PanicHookInfo<'_>) -> &'a str {
    panic.payload_as_str().unwrap_or("unknown")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use authscope::server::{LogSettings, spawn_for_one_connection};
    use tracing::level_filters::LevelFilter;

    use super::*;

    /// Names the thread or task in which this test panics when it runs again as a separate process.
    const PANIC_IN: &str = "AUTHSCOPE_TEST_PANIC_IN";
    const CONNECTION: &str = "a connection's task";
    const OTHER_TASK: &str = "another task";

    /// The result of such a process: its exit code and its log.
    fn panic_in(place: &str) -> (Option<i32>, String) {
        let output = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "panics::tests::only_a_connections_task_may_panic",
            ])
            .arg("--nocapture")
            .env(PANIC_IN, place)
            .output()
            .unwrap();
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), log)
    }

    /// Panics in the thread or task `place`, and waits until it is over.
    fn panic_here(place: String) {
        if ![CONNECTION, OTHER_TASK].contains(&&*place) {
            let thread = std::thread::Builder::new().name(place);
            let ended = thread.spawn(|| panic!("on purpose")).unwrap().join();
            assert!(ended.is_err());
            return;
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .unwrap();
        runtime.block_on(async {
            let (sender, ended) = tokio::sync::oneshot::channel::<()>();
            let task = async move {
                let _dropped_at_the_end = sender;
                panic!("on purpose");
            };
            if place == CONNECTION {
                spawn_for_one_connection(task);
            } else {
                tokio::spawn(task);
            }
            assert!(ended.await.is_err());
        });
    }

    #[test]
    fn only_a_connections_task_may_panic() {
        if let Ok(place) = std::env::var(PANIC_IN) {
            let log = Log::start(LogSettings {
                json: false,
                level: LevelFilter::INFO,
                rate: 0,
                colours: false,
            });
            let log = log.unwrap();
            watch(log.clone());
            panic_here(place);
            log.flush(LAST_WORDS);
            return;
        }
        for (place, expected) in [
            ("passwd-writer", Some(PANICKED)),
            (OTHER_TASK, Some(PANICKED)),
            (CONNECTION, Some(0)),
            (LOG_THREAD, Some(0)),
        ] {
            let (code, log) = panic_in(place);
            assert_eq!(code, expected, "{place}: {log}");
            let ending = log.contains("ending: the server cannot go on");
            assert_eq!(ending, expected != Some(0), "{place}: {log}");
            for part in ["ERROR", "on purpose", "panics.rs:"] {
                assert!(log.contains(part), "{part}: {log}");
            }
        }
        let (_, log) = panic_in("passwd-writer");
        assert!(log.contains("thread=\"passwd-writer\""), "{log}");
    }
}
