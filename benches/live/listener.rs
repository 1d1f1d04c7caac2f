//! Starts a capturing program, waits until it captures, and ends it by its process id.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::AUTHSCOPE;

/// The time to wait until the last packets are captured.
const REST: Duration = Duration::from_millis(500);

/// A running capture. It is ended with this value at the latest.
pub struct Listener {
    child: Child,
    errors: BufReader<ChildStderr>,
}

impl Listener {
    /// Starts a program and waits until it says that it captures.
    ///
    /// # Errors
    ///
    /// What it said instead.
    pub fn start(command: &mut Command) -> Result<Self, String> {
        let spawned = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.map_err(|error| error.to_string())?;
        let errors = child.stderr.take().expect("its standard error");
        let mut listener = Self {
            child,
            errors: BufReader::new(errors),
        };
        let mut said = String::new();
        while !["listening on", "capturing on"]
            .iter()
            .any(|words| said.contains(words))
        {
            let read = listener.errors.read_line(&mut said);
            if read.map_err(|error| error.to_string())? == 0 {
                return Err(said.trim_end().to_owned());
            }
        }
        Ok(listener)
    }

    /// Its standard output, if that was piped.
    pub fn output(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Ends it with SIGINT after a short wait. Returns what it has said since the start.
    pub fn end(mut self) -> String {
        std::thread::sleep(REST);
        let process = Pid::from_child(&self.child);
        kill_process(process, Signal::INT).expect("it still runs");
        let mut said = String::new();
        self.errors
            .read_to_string(&mut said)
            .expect("what it says is read");
        let status = self.child.wait().expect("it ends");
        assert!(status.success(), "{status}: {said}");
        said
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `authscope live` on loopback and this port, with these arguments.
pub fn authscope(port: u16, arguments: &[&str]) -> Command {
    let mut command = Command::new(AUTHSCOPE);
    command.args(["live", "-p", &port.to_string()]);
    command.args(arguments);
    command
}

/// tcpdump on the same, with these arguments.
pub fn tcpdump(port: u16, arguments: &[&str]) -> Command {
    let mut command = Command::new("tcpdump");
    command.args(["-i", "lo", "-n"]).args(arguments);
    if rustix::process::geteuid().is_root() {
        // Otherwise it changes to a user who cannot write into this benchmark's folder.
        command.args(["-Z", "root"]);
    }
    command.args(["tcp", "port", &port.to_string()]);
    command
}

/// Whether the inspector can capture.
///
/// # Errors
///
/// The reason, if it cannot.
pub fn can_capture() -> Result<(), String> {
    let listener = Listener::start(authscope(1, &["-q"]).stdout(Stdio::null()))?;
    listener.end();
    Ok(())
}

/// The last number before `words` in a program's output.
pub fn number_before(words: &str, said: &str) -> Option<u64> {
    let (before, _) = said.rsplit_once(words)?;
    before.split_whitespace().last()?.parse().ok()
}
