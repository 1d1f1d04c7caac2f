//! `authscope stats`: what capture files amount to.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::error::Failure;
use super::inspect::InspectArguments;
use super::output::{When, exit_code, standard_output, text_style};
use super::run::Plan;
use crate::capture::Timestamp;
use crate::filter::{Filter, FilterOptions, Needs};
use crate::output::{Context, Group, Stats, StatsFormat};
use crate::session::summary::{GUESS_SPAN, GUESSES_PER_ADDRESS, GUESSES_PER_USER};
use crate::session::summary::{Summary, Thresholds};

/// Count what is in capture files, and say what is remarkable about it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  authscope stats capture.pcapng
  authscope stats -T json capture.pcapng | jq .findings
  authscope stats --top 100 monday.pcap.gz tuesday.pcap.gz
  authscope stats -Y 'ip.addr == 192.0.2.10' capture.pcapng
  authscope stats --guesses 5 --guess-seconds 600 capture.pcapng

docs/statistics.md explains every number and every finding.")]
pub(super) struct Arguments {
    /// Capture files, pcap or pcapng, plain or compressed with gzip or zstd; - is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Count only the frames that match, in Wireshark's display filter language; an exchange counts
    /// where its request or its response matches, a connection where any of its frames does.
    #[arg(short = 'Y', long = "display-filter", value_name = "FILTER")]
    display_filter: Option<String>,

    /// What is written.
    #[arg(
        short = 'T',
        long = "type",
        value_enum,
        value_name = "TYPE",
        default_value_t
    )]
    format: Format,

    /// Users, addresses and connections listed. [default: 10 as text, all in JSON]
    #[arg(long, value_name = "N")]
    top: Option<usize>,

    /// Stop after this many frames.
    #[arg(short = 'c', long = "count", value_name = "N")]
    count: Option<u64>,

    /// Threads at work: with 2, one inspects the next frames while the other counts the last. The
    /// answers are the same.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=2))]
    threads: u8,

    /// Failed logins with one user name within --guess-seconds that are called guessing.
    #[arg(long, value_name = "N", default_value_t = GUESSES_PER_USER, value_parser = at_least_two)]
    guesses: usize,

    /// Failed logins from one address within --guess-seconds that are called guessing.
    #[arg(long, value_name = "N", default_value_t = GUESSES_PER_ADDRESS, value_parser = at_least_two)]
    guesses_per_address: usize,

    /// Seconds of capture time in which failed logins are counted for guessing.
    #[arg(long, value_name = "SECONDS", default_value_t = (GUESS_SPAN / Timestamp::SECOND) as u32, value_parser = clap::value_parser!(u32).range(1..))]
    guess_seconds: u32,

    /// Colours by severity; auto is on a terminal where NO_COLOR is not set.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    color: When,

    #[command(flatten)]
    inspect: InspectArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Format {
    /// Sections of aligned text.
    #[default]
    Text,
    /// One object.
    Json,
}

/// Fewer than two failures are no run of them; many more than a thousand would take memory.
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

impl Arguments {
    fn filter(&self) -> Result<Option<Filter>, Failure> {
        let text = self.display_filter.as_deref();
        let filter = text
            .map(|text| Filter::parse(text, FilterOptions::default()))
            .transpose()
            .map_err(|error| Failure::Text(format!("cannot use the display filter: {error}")))?;
        if filter
            .as_ref()
            .is_some_and(|filter| filter.needs().responses)
        {
            let message = "reglogin.response_in looks ahead in the capture, which stats does not; reglogin.response_to is known with the response";
            return Err(Failure::Text(message.to_owned()));
        }
        Ok(filter)
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut inspection = arguments.inspect.options(false)?;
    let filter = arguments.filter()?;
    let needs = filter.as_ref().map_or(Needs::default(), Filter::needs);
    inspection.tls_records = needs.tls;
    let mut plan = Plan::files(&arguments.files, inspection)?;
    plan.limits.frames = arguments.count;
    plan.threads = usize::from(arguments.threads);
    plan.rows = false;
    let thresholds = Thresholds {
        guesses_per_user: arguments.guesses,
        guesses_per_address: arguments.guesses_per_address,
        guess_span: i64::from(arguments.guess_seconds) * Timestamp::SECOND,
        ..Thresholds::default()
    };
    let format = match arguments.format {
        Format::Text => StatsFormat::Text(text_style(arguments.color)),
        Format::Json => StatsFormat::Json,
    };
    let summary = Summary::new(thresholds);
    let mut stats = Stats::new(standard_output()?, summary, format, arguments.top);
    if filter.is_none() {
        // Alone it is fed without a detour.
        let ended = plan.run_alone(&mut stats)?;
        return ended.conclude(|| ExitCode::SUCCESS);
    }
    let mut selected = Group::of(Context::new(filter, needs, None, false), stats);
    let ended = plan.run_alone(&mut selected)?;
    ended.conclude(|| exit_code([selected.has_missed(), false]))
}
