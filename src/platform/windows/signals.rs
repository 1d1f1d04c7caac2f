//! Ctrl-C, Ctrl-Break, a console that closes, log-off and shutdown end a run or a server in order; a second one ends the
//! process at once. Where the console closes, the system waits five seconds for that.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use tokio::signal::windows;

/// The number that stands for Ctrl-C in exit codes, as on other systems.
pub const INTERRUPT: i32 = 2;
/// That of a process that is to end.
const TERMINATE: i32 = 15;

/// Exit code of a process that a signal ended, as shells of other systems have it: this and the signal's number.
pub const BY_SIGNAL: i32 = 128;

/// Whether a second Ctrl-C ends no more than the first.
static OUTLIVES_INTERRUPTS: AtomicBool = AtomicBool::new(false);

/// Ctrl-C ends no more than the reading from now on: the pager on the console is its user's to leave.
#[allow(clippy::unnecessary_wraps, reason = "as on other systems")]
pub fn outlive_interrupts() -> io::Result<()> {
    OUTLIVES_INTERRUPTS.store(true, Ordering::SeqCst);
    Ok(())
}

/// Calls `each` with what a console or the system tells the process, on a thread of its own.
fn listen(mut each: impl FnMut(SignalRequest) + Send + 'static) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let (installed, outcome) = channel();
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            runtime.block_on(async {
                let install = || {
                    Ok((
                        windows::ctrl_c()?,
                        windows::ctrl_break()?,
                        windows::ctrl_close()?,
                        windows::ctrl_logoff()?,
                        windows::ctrl_shutdown()?,
                    ))
                };
                let (mut c, mut pause, mut close, mut logoff, mut shutdown) = match install() {
                    Ok(all) => {
                        let _ = installed.send(Ok(()));
                        all
                    }
                    Err(error) => {
                        let _ = installed.send(Err(error));
                        return;
                    }
                };
                loop {
                    each(tokio::select! {
                        Some(()) = c.recv() => SignalRequest::Stop(INTERRUPT),
                        Some(()) = pause.recv() => SignalRequest::Stop(INTERRUPT),
                        Some(()) = close.recv() => SignalRequest::Stop(TERMINATE),
                        Some(()) = logoff.recv() => SignalRequest::Stop(TERMINATE),
                        Some(()) = shutdown.recv() => SignalRequest::Stop(TERMINATE),
                        else => return,
                    });
                }
            });
        })?;
    outcome
        .recv()
        .unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
}

/// What ends programs puts a number into `number` and sets `stop`; Ctrl-C again ends the process.
pub fn ask_to_stop(stop: &Arc<AtomicBool>, number: &Arc<AtomicUsize>) -> io::Result<()> {
    let (stop, number) = (Arc::clone(stop), Arc::clone(number));
    let mut again = false;
    listen(move |told| {
        let SignalRequest::Stop(signal) = told else {
            return;
        };
        if again && !OUTLIVES_INTERRUPTS.load(Ordering::SeqCst) {
            std::process::exit(BY_SIGNAL + signal);
        }
        again = true;
        number.store(signal.unsigned_abs() as usize, Ordering::SeqCst);
        stop.store(true, Ordering::SeqCst);
    })
}

/// What would end this process is for the one that it started, on the same console.
pub(super) fn leave_to_others() -> io::Result<()> {
    listen(|_| {})
}

/// What a server is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalRequest {
    /// To stop; the number is that of other systems' signal.
    Stop(i32),
    /// To read its files anew. The control channel asks for that here.
    Reload,
}

impl SignalRequest {
    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stop(INTERRUPT) => "Ctrl-C",
            Self::Stop(_) => "the console or the system is closing",
            Self::Reload => "reload",
        }
    }

    /// Does what it does to a program that knows nothing of it.
    pub fn as_usual(self) {
        if let Self::Stop(number) = self {
            std::process::exit(BY_SIGNAL + number);
        }
    }
}

/// Calls `each` for what a server is told, on a thread of its own, so that it works whatever other threads wait for. What
/// stops it a second time ends the process at once.
pub fn watch(mut each: impl FnMut(SignalRequest) + Send + 'static) -> io::Result<()> {
    let (sender, told) = channel();
    std::thread::Builder::new()
        .name("told".into())
        .spawn(move || {
            for told in told {
                each(told);
            }
        })?;
    let mut again = false;
    listen(move |told| {
        if let (true, SignalRequest::Stop(number)) = (again, told) {
            std::process::exit(BY_SIGNAL + number);
        }
        again = true;
        let _ = sender.send(told);
    })
}

/// A flag that is never set: a console stops no process for a while.
#[allow(clippy::unnecessary_wraps, reason = "as on other systems")]
pub fn suspends() -> io::Result<Arc<AtomicBool>> {
    Ok(Arc::default())
}

/// Nothing.
#[allow(clippy::unnecessary_wraps, reason = "as on other systems")]
pub const fn suspend() -> io::Result<()> {
    Ok(())
}
