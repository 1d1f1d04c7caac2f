//! Runs the terminal interface in a real terminal, sends keys and reads the screen.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::inspector::command;
use crate::programs::PATIENCE;
use crate::terminal::Terminal;

/// Rows and columns, where nothing else is asked for.
const USUAL: (u16, u16) = (24, 80);

/// A running interface and the terminal that it has.
pub struct Running {
    pub child: Child,
    pub terminal: Terminal,
    /// Where settings would be, and what is saved.
    pub folder: tempfile::TempDir,
    size: (u16, u16),
}

/// How it is started.
#[derive(Default)]
pub struct Started<'a> {
    pub size: Option<(u16, u16)>,
    pub variables: &'a [(&'a str, &'a str)],
    /// A file that comes in through a pipe as standard input; keys are then read from the terminal by its name.
    pub piped: Option<&'a str>,
}

impl Running {
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_as(arguments, &Started::default())
    }

    pub fn start_with(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let started = Started {
            variables,
            ..Started::default()
        };
        Self::start_as(arguments, &started)
    }

    pub fn start_as(arguments: &[&str], started: &Started<'_>) -> Self {
        let size = started.size.unwrap_or(USUAL);
        let terminal = Terminal::of_size(size.0, size.1);
        let folder = tempfile::tempdir().expect("a folder");
        let inner = command(&[&["tui"], arguments].concat());
        let mut command = match started.piped {
            None => inner,
            Some(path) => behind_a_pipe(&inner, path),
        };
        command
            .env("LC_ALL", "C.UTF-8")
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .env("XDG_CONFIG_HOME", folder.path())
            .envs(started.variables.iter().copied())
            .stdin(terminal.stdio())
            .stdout(terminal.stdio())
            .stderr(terminal.stdio());
        let child = command.spawn().expect("the inspector runs");
        Self {
            child,
            terminal,
            folder,
            size,
        }
    }

    /// The screen now.
    pub fn parsed(&self) -> vt100::Parser {
        let [rows, columns] =
            [self.size.0, self.size.1].map(|one| one.try_into().expect("above 0"));
        let mut parser = vt100::Parser::new(rows, columns, 0);
        parser.process(self.terminal.screen().as_bytes());
        parser
    }

    /// What is on the screen now.
    pub fn screen(&self) -> String {
        self.parsed().screen().contents()
    }

    pub fn wait_for(&self, what: &str) {
        self.wait_until(what, |screen| screen.contains(what));
    }

    /// Waits until the screen is as it should be.
    pub fn wait_until(&self, what: &str, is_so: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(&self.screen()) {
            assert!(Instant::now() < deadline, "{what:?}: {}", self.screen());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn press(&mut self, keys: &str) {
        self.terminal.press(keys);
    }

    /// Gives the terminal another size and says so.
    pub fn resize(&mut self, rows: u16, columns: u16) {
        self.size = (rows, columns);
        self.terminal.resize(rows, columns);
        self.signal("-WINCH");
    }

    pub fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// A path in its folder.
    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    /// Waits for the end; the exit code.
    pub fn ended(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("its status") {
                return status.code();
            }
            assert!(Instant::now() < deadline, "{}", self.screen());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Holds that the terminal is as it was.
    pub fn is_given_back(&self) {
        assert!(self.terminal.echoes());
        // What was written last may be on its way.
        self.terminal.wait_until("given back", |written| {
            let last = |text: &str| written.rfind(text);
            last("\u{1b}[?1049l") > last("\u{1b}[?1049h")
                && last("\u{1b}[?25h") > last("\u{1b}[?25l")
                && last("\u{1b}[?1000l") > last("\u{1b}[?1000h")
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The same command in a session of its own, which has its standard input as its terminal, with a file piped into it.
fn behind_a_pipe(inner: &Command, path: &str) -> Command {
    let mut command = Command::new("setsid");
    command.args(["--ctty", "sh", "-c", "cat \"$0\" | \"$@\"", path]);
    command.arg(inner.get_program()).args(inner.get_args());
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command.env("TZ", "UTC");
    command
}
