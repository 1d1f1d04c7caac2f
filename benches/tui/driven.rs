//! Runs a program in a pseudo-terminal, presses keys, and reads its screen.

use std::num::NonZeroU16;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::programs::PATIENCE;
use super::terminal::Terminal;

const ROWS: NonZeroU16 = NonZeroU16::new(40).unwrap();
const COLUMNS: NonZeroU16 = NonZeroU16::new(120).unwrap();

/// The interval at which a screen is read.
const LOOK: Duration = Duration::from_micros(200);
/// After this time a key counts as unanswered.
const NO_CHANGE: Duration = Duration::from_secs(5);

pub struct Driven {
    child: Child,
    terminal: Terminal,
    screen: vt100::Parser,
    /// Bytes of the terminal's output that were processed.
    taken: usize,
    began: Instant,
    /// The folder for its settings.
    _folder: tempfile::TempDir,
}

/// Whether a program can be found.
pub fn is_installed(program: &str) -> bool {
    let found = Command::new("which")
        .arg(program)
        .stdout(Stdio::null())
        .status();
    found.is_ok_and(|status| status.success())
}

impl Driven {
    /// Starts a program with its own settings, and with the pseudo-terminal as its controlling terminal.
    pub fn start(command: &[&str]) -> Self {
        let terminal = Terminal::of_size(ROWS.get(), COLUMNS.get());
        let folder = tempfile::tempdir().expect("a folder");
        let began = Instant::now();
        let child = Command::new("setsid")
            .arg("--ctty")
            .args(command)
            .env("HOME", folder.path())
            .env("XDG_CONFIG_HOME", folder.path())
            .env("XDG_CACHE_HOME", folder.path())
            .env("LC_ALL", "C.UTF-8")
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .stdin(terminal.stdio())
            .stdout(terminal.stdio())
            .stderr(terminal.stdio())
            .spawn()
            .expect("the program runs");
        Self {
            child,
            terminal,
            screen: vt100::Parser::new(ROWS, COLUMNS, 0),
            taken: 0,
            began,
            _folder: folder,
        }
    }

    fn look(&mut self) {
        let octets = self.terminal.octets_from(self.taken);
        self.taken += octets.len();
        self.screen.process(&octets);
    }

    /// The text on the screen.
    pub fn text(&mut self) -> String {
        self.look();
        self.screen.screen().contents()
    }

    /// Waits until the screen satisfies `is_there`. Returns the time since the start.
    pub fn wait_for(&mut self, is_there: impl Fn(&str) -> bool) -> Duration {
        let found = self.wait_at_most(PATIENCE, is_there);
        found.unwrap_or_else(|| panic!("{}", self.text()))
    }

    /// As [`wait_for`](Self::wait_for), but waits for at most `patience`, and then returns `None`.
    pub fn wait_at_most(
        &mut self,
        patience: Duration,
        is_there: impl Fn(&str) -> bool,
    ) -> Option<Duration> {
        let deadline = Instant::now() + patience;
        while !is_there(&self.text()) {
            if Instant::now() > deadline {
                return None;
            }
            std::thread::sleep(LOOK);
        }
        Some(self.began.elapsed())
    }

    pub fn press(&mut self, keys: &str) {
        self.terminal.press(keys);
    }

    /// The rows with a highlighted background below the first line, with their text. The selected row is one of them. If the list
    /// scrolls instead, the row is the same with another text.
    fn chosen(&mut self) -> Vec<(u16, String)> {
        self.look();
        let screen = self.screen.screen();
        let chosen = |row: u16| {
            let cells = (0..COLUMNS.get()).filter_map(|column| screen.cell(row, column));
            let marked = cells
                .filter(|cell| cell.inverse() || !matches!(cell.bgcolor(), vt100::Color::Default));
            let text: Vec<&str> = marked.map(vt100::Cell::contents).collect();
            (text.len() > usize::from(COLUMNS.get()) / 3).then(|| (row, text.concat()))
        };
        (1..ROWS.get()).filter_map(chosen).collect()
    }

    /// Presses a key that selects another row. Returns the time until the screen shows it; `None` if it never does.
    pub fn key(&mut self, key: &str) -> Option<Duration> {
        let before = self.chosen();
        let pressed = Instant::now();
        self.press(key);
        while self.chosen() == before {
            if pressed.elapsed() > NO_CHANGE {
                return None;
            }
            std::thread::sleep(LOOK);
        }
        Some(pressed.elapsed())
    }

    /// The process and its descendants.
    fn processes(&self) -> Vec<u32> {
        let mut all = vec![self.child.id()];
        let mut at = 0;
        while let Some(process) = all.get(at).copied() {
            at += 1;
            let path = format!("/proc/{process}/task/{process}/children");
            let children = std::fs::read_to_string(path).unwrap_or_default();
            all.extend(
                children
                    .split_whitespace()
                    .filter_map(|id| id.parse::<u32>().ok()),
            );
        }
        all
    }

    /// The peak memory of the process and its descendants that still run, in bytes.
    pub fn peak_bytes(&self) -> u64 {
        let peak = |process: u32| {
            let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
            let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        };
        let all: u64 = self.processes().into_iter().filter_map(peak).sum();
        all * 1024
    }

    /// The processor time used so far, in ticks of 10 ms.
    fn ticks(&self) -> u64 {
        let ticks = |process: u32| {
            let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
            let rest = stat.rsplit_once(") ")?.1;
            let fields: Vec<&str> = rest.split(' ').collect();
            let [user, system] = [11, 12].map(|at| fields.get(at)?.parse::<u64>().ok());
            Some(user? + system?)
        };
        self.processes().into_iter().filter_map(ticks).sum()
    }

    /// Whether it uses hardly any processor time during a fifth of a second.
    pub fn is_idle(&self) -> bool {
        let before = self.ticks();
        std::thread::sleep(Duration::from_millis(200));
        self.ticks().saturating_sub(before) < 3
    }

    /// Waits until it is idle. Returns the milliseconds until then.
    pub fn wait_until_idle(&self) -> f64 {
        let began = Instant::now();
        loop {
            let looked = began.elapsed();
            if self.is_idle() {
                return looked.as_secs_f64() * 1e3;
            }
            assert!(began.elapsed() < PATIENCE);
        }
    }
}

impl Drop for Driven {
    /// Ends the process and its descendants.
    fn drop(&mut self) {
        for process in self.processes().into_iter().rev() {
            let _ = Command::new("kill").arg(process.to_string()).status();
        }
        std::thread::sleep(Duration::from_millis(300));
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
