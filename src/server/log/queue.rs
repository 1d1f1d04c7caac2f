//! The queue of log lines and the thread that writes them.

use std::cell::RefCell;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use tracing_subscriber::fmt::MakeWriter;

use super::output::Output;
use crate::locks::lock;
use crate::server::meters;
use crate::text::escape::write_json_fragment;

/// The most lines that wait to be written: about 2 MiB.
const CAPACITY: usize = 8192;
/// Lost lines are reported at most once in this time.
const REPORT_EVERY: Duration = Duration::from_secs(1);
/// The log thread's name. A panic in it does not end the process: it starts again.
pub const THREAD: &str = "log";

/// Why a line is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// The queue was full: the output is too slow.
    QueueFull,
    /// It could not be written.
    Unwritten,
    /// There were more in this second than the log's rate allows.
    Rate,
}

impl Loss {
    pub const ALL: [Self; 3] = [Self::QueueFull, Self::Unwritten, Self::Rate];

    /// A short name for counting.
    pub const fn label(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::Unwritten => "unwritten",
            Self::Rate => "rate",
        }
    }
}

/// Lost lines since the start, by reason.
#[derive(Debug, Default)]
pub struct Losses([AtomicU64; 3]);

impl Losses {
    pub fn add(&self, loss: Loss) {
        self.0[loss as usize].fetch_add(1, Ordering::Relaxed);
        meters::log_line_lost(loss.label());
    }

    pub fn counts(&self) -> [u64; 3] {
        Loss::ALL.map(|loss| self.0[loss as usize].load(Ordering::Relaxed))
    }
}

/// The sending end of the queue. Never waits.
#[derive(Clone)]
pub struct Queue {
    lines: Sender<Vec<u8>>,
    shared: Arc<Shared>,
    /// Whether the lines are JSON.
    json: bool,
}

struct Shared {
    losses: Arc<Losses>,
    /// Lines put into the queue, and lines taken out of it and written or lost.
    queued: AtomicU64,
    handled: AtomicU64,
    /// The output for the next lines, if it is to change.
    next: Mutex<Option<Output>>,
}

impl Queue {
    /// Starts the thread that writes lines to `output`.
    pub fn start(output: Output) -> io::Result<Self> {
        let (lines, receiver) = crossbeam_channel::bounded(CAPACITY);
        let shared = Arc::new(Shared {
            losses: Arc::default(),
            queued: AtomicU64::new(0),
            handled: AtomicU64::new(0),
            next: Mutex::new(None),
        });
        let writer = Writer {
            receiver,
            shared: Arc::clone(&shared),
            output,
            told: [0; 3],
        };
        std::thread::Builder::new()
            .name(THREAD.into())
            .spawn(move || writer.run())?;
        Ok(Self {
            lines,
            shared,
            json: false,
        })
    }

    /// The same queue, for lines of JSON: control characters for terminals are escaped in them.
    pub fn for_json(&self) -> Self {
        let json = true;
        Self {
            json,
            ..self.clone()
        }
    }

    pub fn losses(&self) -> Arc<Losses> {
        Arc::clone(&self.shared.losses)
    }

    /// Sends lines to `output` from the next one on.
    pub fn switch(&self, output: Output) {
        *lock(&self.shared.next) = Some(output);
    }

    /// Adds a line if there is room.
    fn put(&self, line: Vec<u8>) {
        // Counted before, so that a flush never sees more handled than queued.
        self.shared.queued.fetch_add(1, Ordering::SeqCst);
        if self.lines.try_send(line).is_err() {
            self.shared.handled.fetch_add(1, Ordering::SeqCst);
            self.shared.losses.add(Loss::QueueFull);
        }
    }

    /// Waits until all lines queued before are written or lost, at most for `limit`.
    pub fn flush(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        let target = self.shared.queued.load(Ordering::SeqCst);
        while self.shared.handled.load(Ordering::SeqCst) < target && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// The thread's end of the queue.
struct Writer {
    receiver: Receiver<Vec<u8>>,
    shared: Arc<Shared>,
    output: Output,
    /// Losses that were reported.
    told: [u64; 3],
}

impl Writer {
    /// Writes lines until every sender is gone. A panic costs a line, not the log.
    fn run(mut self) {
        while std::panic::catch_unwind(AssertUnwindSafe(|| self.write_lines())).is_err() {
            self.shared.handled.fetch_add(1, Ordering::SeqCst);
            self.shared.losses.add(Loss::Unwritten);
        }
    }

    fn write_lines(&mut self) {
        let mut last_report = Instant::now();
        loop {
            match self.receiver.recv_timeout(REPORT_EVERY) {
                Ok(line) => {
                    self.write(&line);
                    self.shared.handled.fetch_add(1, Ordering::SeqCst);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if last_report.elapsed() >= REPORT_EVERY {
                last_report = Instant::now();
                self.report_losses();
            }
        }
    }

    fn write(&mut self, line: &[u8]) {
        #[cfg(test)]
        assert_ne!(line, tests::FAULT, "on purpose");
        self.take_next();
        if self.output.write_line(line).is_err() {
            self.shared.losses.add(Loss::Unwritten);
        }
    }

    fn take_next(&mut self) {
        if let Some(next) = lock(&self.shared.next).take() {
            self.output = next;
        }
    }

    /// Reports how many lines were lost since the last report. If that cannot be written either, it is tried again
    /// later.
    fn report_losses(&mut self) {
        let counts = self.shared.losses.counts();
        if counts == self.told {
            return;
        }
        let lost: [u64; 3] = std::array::from_fn(|reason| counts[reason] - self.told[reason]);
        let [queue_full, unwritten, rate] = lost;
        OWN_REPORT.with_borrow_mut(|report| *report = Some(Vec::new()));
        tracing::warn!(
            lost = lost.iter().sum::<u64>(),
            queue_full,
            unwritten,
            rate,
            "log lines were lost"
        );
        let report = OWN_REPORT.with_borrow_mut(Option::take).unwrap_or_default();
        self.take_next();
        if self.output.write_line(&report).is_ok() {
            self.told = counts;
        }
    }
}

thread_local! {
    /// Collects what the log thread itself logs, which must not go through its own queue.
    static OWN_REPORT: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Whether this is the log thread reporting lost lines.
pub fn is_own_report() -> bool {
    OWN_REPORT.with_borrow(Option::is_some)
}

/// Takes one formatted line.
pub struct Line<'a> {
    queue: &'a Queue,
    octets: Vec<u8>,
}

impl io::Write for Line<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.octets.extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let mut line = std::mem::take(&mut self.octets);
        if self.queue.json {
            line = safe_for_a_terminal(line);
        }
        let line = OWN_REPORT.with_borrow_mut(|report| match report {
            Some(report) => {
                report.extend_from_slice(&line);
                None
            }
            None => Some(line),
        });
        if let Some(line) = line.filter(|line| !line.is_empty()) {
            self.queue.put(line);
        }
    }
}

/// A line of JSON without characters that a terminal interprets. Only strings can contain them.
fn safe_for_a_terminal(line: Vec<u8>) -> Vec<u8> {
    if line.is_ascii() {
        return line;
    }
    let Some(text) = line.strip_suffix(b"\n").map(str::from_utf8) else {
        return line;
    };
    let mut safe = Vec::with_capacity(line.len() + 16);
    match text.map(|text| write_json_fragment(&mut safe, text)) {
        Ok(Ok(())) => safe.push(b'\n'),
        _ => return line,
    }
    safe
}

impl<'a> MakeWriter<'a> for Queue {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        Line {
            queue: self,
            octets: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;

    use super::*;

    /// A line at which the thread panics.
    pub const FAULT: &[u8] = b"fault\n";

    fn pipe() -> (io::PipeReader, Output) {
        let (reader, writer) = io::pipe().unwrap();
        let writer: std::os::fd::OwnedFd = writer.into();
        (reader, Output::file(File::from(writer)))
    }

    #[test]
    fn a_pipe_that_nobody_reads_holds_nobody_up_and_what_is_lost_is_counted() {
        let (mut reader, output) = pipe();
        let queue = Queue::start(output).unwrap();
        // A pipe takes 64 KiB.
        let lines = 3 * CAPACITY;
        for _ in 0..lines {
            queue.put([b'x'; 127].iter().copied().chain([b'\n']).collect());
        }
        queue.flush(Duration::from_millis(50));
        let lost = queue.losses().counts()[Loss::QueueFull as usize];
        let lost = usize::try_from(lost).unwrap();
        assert!(lost >= lines - CAPACITY - 1024, "{lost}");
        let thread = std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = reader.read_to_end(&mut text);
            text.split(|octet| *octet == b'\n')
                .filter(|line| line.len() == 127)
                .count()
        });
        drop(queue);
        assert_eq!(thread.join().unwrap() + lost, lines);
    }

    #[test]
    fn a_fault_in_the_thread_costs_a_line_and_the_log_goes_on() {
        let (mut reader, output) = pipe();
        let queue = Queue::start(output).unwrap();
        for line in [b"before\n", FAULT, b"between\n", FAULT, b"behind\n"] {
            queue.put(line.to_vec());
        }
        queue.flush(Duration::from_mins(1));
        assert_eq!(queue.losses().counts()[Loss::Unwritten as usize], 2);
        drop(queue);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "before\nbetween\nbehind\n");
    }

    #[test]
    fn a_reader_that_has_gone_costs_lines_only() {
        let (reader, output) = pipe();
        drop(reader);
        let queue = Queue::start(output).unwrap();
        queue.put(b"lost\n".to_vec());
        queue.flush(Duration::from_mins(1));
        assert_eq!(queue.losses().counts()[Loss::Unwritten as usize], 1);
        let (mut reader, output) = pipe();
        queue.switch(output);
        queue.put(b"there\n".to_vec());
        queue.flush(Duration::from_mins(1));
        drop(queue);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "there\n");
    }
}
