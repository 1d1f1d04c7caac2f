//! Shows the progress of reading files on standard error, if reading takes long.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::terminal::is_terminal;
use crate::capture;

/// How long a run may take before anything is shown.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the line is updated.
const TICK: Duration = Duration::from_millis(100);

/// The line that is shown: the channel that ends it, and the thread that draws it.
static SHOWN: Mutex<Option<(Sender<()>, JoinHandle<()>)>> = Mutex::new(None);

/// A line that shows bytes, frames, rate and time left until it is dropped.
pub(super) struct Progress(());

/// Removes the line, before anything else is printed on the terminal.
pub(super) fn clear() {
    let shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some((stop, thread)) = shown {
        drop(stop);
        let _ = thread.join();
    }
}

impl Progress {
    /// Shows the progress of reading `files`; `frames` counts the frames read. Nothing is shown if standard error is
    /// not a terminal, or if rows go to a terminal too: they would be mixed.
    pub fn start(files: Vec<Arc<capture::Progress>>, frames: Arc<AtomicU64>, rows: bool) -> Self {
        if rows && is_terminal() || !std::io::stderr().is_terminal() {
            return Self(());
        }
        let (stop, stopped) = channel::<()>();
        let began = Instant::now();
        let thread = std::thread::spawn(move || {
            let mut bar: Option<ProgressBar> = None;
            while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                if began.elapsed() < PATIENCE {
                    continue;
                }
                let read = files.iter().map(|file| file.read()).sum();
                let frames = HumanCount(frames.load(Ordering::Relaxed)).to_string();
                let shown = bar.take().unwrap_or_else(|| bar_for(&files, began));
                let shown = bar.insert(shown.with_message(frames));
                shown.set_position(read);
            }
            if let Some(bar) = bar {
                bar.finish_and_clear();
            }
        });
        *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some((stop, thread));
        Self(())
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        clear();
    }
}

/// A bar with the time left if all sizes are known, otherwise a counter.
fn bar_for(files: &[Arc<capture::Progress>], began: Instant) -> ProgressBar {
    let total: Option<u64> = files.iter().map(|file| file.total()).sum();
    let (bar, template) = match total {
        Some(total) => (
            ProgressBar::new(total),
            "{bytes} of {total_bytes} [{bar:30}] {msg} frames, {bytes_per_sec}, {eta} left",
        ),
        None => (
            ProgressBar::no_length(),
            "{bytes}, {msg} frames, {bytes_per_sec}",
        ),
    };
    bar.set_draw_target(ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.with_elapsed(began.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_told_where_all_sizes_are_known() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/captures/in-order.pcap");
        let file = capture::open(path.as_ref(), capture::ReadOptions::default()).unwrap();
        let (known, size) = (file.progress(), std::fs::metadata(path).unwrap().len());
        let unknown = Arc::default();
        let began = Instant::now();
        let both = bar_for(&[Arc::clone(&known), Arc::clone(&known)], began);
        assert_eq!(both.length(), Some(2 * size));
        assert_eq!(bar_for(&[known, unknown], began).length(), None);
    }
}
