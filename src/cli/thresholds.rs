//! The limits for password guessing: the arguments of every command that shows findings.

use clap::Args;

use crate::capture::Timestamp;
use crate::session::summary::{GUESS_SPAN, GUESSES_PER_ADDRESS, GUESSES_PER_USER, Thresholds};

#[derive(Debug, Args)]
pub(super) struct ThresholdArguments {
    /// Failed logins with one user name within --guess-seconds that are called guessing.
    #[arg(long, value_name = "N", default_value_t = GUESSES_PER_USER, value_parser = at_least_two)]
    guesses: usize,

    /// Failed logins from one address within --guess-seconds that are called guessing.
    #[arg(long, value_name = "N", default_value_t = GUESSES_PER_ADDRESS, value_parser = at_least_two)]
    guesses_per_address: usize,

    /// Seconds of capture time in which failed logins are counted for guessing.
    #[arg(long, value_name = "SECONDS", default_value_t = (GUESS_SPAN / Timestamp::SECOND) as u32, value_parser = clap::value_parser!(u32).range(1..))]
    guess_seconds: u32,
}

impl ThresholdArguments {
    /// The thresholds of a run.
    pub fn thresholds(&self) -> Thresholds {
        Thresholds {
            guesses_per_user: self.guesses,
            guesses_per_address: self.guesses_per_address,
            guess_span: i64::from(self.guess_seconds) * Timestamp::SECOND,
            ..Thresholds::default()
        }
    }
}

/// One failure is not a series, and many more than a thousand would take too much memory.
fn at_least_two(text: &str) -> Result<usize, String> {
    let range = 2..=1000;
    match text.parse() {
        Ok(count) if range.contains(&count) => Ok(count),
        _ => Err(format!(
            "takes a number from {} to {}",
            range.start(),
            range.end()
        )),
    }
}
