//! `authscope stats`: statistics and findings of capture files.

use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use clap_complete::engine::ArgValueCompleter;

use super::each::{FileResult, each};
use super::error::{Failure, exit_status};
use super::fail_on::{FailOn, counted};
use super::inspect::InspectArguments;
use super::query::{complete_filter, display_filter, needs_of};
use super::run::{Plan, files};
use super::say;
use super::signal::stop_on_signals;
use super::terminal::{When, standard_output, text_style};
use super::thresholds::ThresholdArguments;
use crate::filter::{Filter, FilterOptions};
use crate::output::{Context, Group, OutputError, Stats, StatsFormat, write_summary};
use crate::rows::Merged;
use crate::session::Options;
use crate::session::summary::{RowCounts, Summary};
use crate::text::escape::Local;

/// Show statistics of capture files, and findings.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  authscope stats capture.pcapng
  authscope stats -T json capture.pcapng | jq .findings
  authscope stats --top 100 monday.pcap.gz tuesday.pcap.gz
  authscope stats --each captures/
  authscope stats -Y 'ip.addr == 192.0.2.10' capture.pcapng
  authscope stats --guesses 5 --guess-seconds 600 capture.pcapng
  authscope stats --fail-on warning capture.pcapng      exit code 1 where there is a warning
  authscope stats --rows monday.jsonl tuesday.jsonl

--rows counts exchanges that `authscope read --exchanges -T jsonl` wrote (-T parquet too, where this program has it), of \
any number of captures and hosts; docs/at-scale.md has recipes.

docs/statistics.md explains every number and every finding.")]
pub(super) struct Arguments {
    /// Capture files, pcap or pcapng, plain or compressed with gzip or zstd; a folder means the captures in it, - is
    /// standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The files are exchange rows, as `authscope read --exchanges` writes them as JSON lines or Parquet, instead of
    /// captures; what rows do not tell, of frames and connections, is not counted.
    #[arg(long, conflicts_with_all = ["each", "display_filter", "count", "threads", "ports", "layout", "decode_as", "checksums", "key_logs", "ignore_vlan_tags", "max_buffer"])]
    rows: bool,

    /// Count only the frames that match, in Wireshark's display filter language; an exchange counts
    /// where its request or its response matches, a connection where any of its frames does.
    #[arg(short = 'Y', long = "display-filter", value_name = "FILTER", add = ArgValueCompleter::new(complete_filter))]
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

    /// Count every file by itself, several at the same time; without it several files are counted as one capture.
    #[arg(long)]
    each: bool,

    /// Stop after this many frames; with --each of every file.
    #[arg(short = 'c', long = "count", value_name = "N")]
    count: Option<u64>,

    /// Threads at work, up to 64. The answers are the same with any number. [default: as many as the machine has cores,
    /// at most 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    threads: Option<u8>,

    #[command(flatten)]
    thresholds: ThresholdArguments,

    /// The least severity of a note or a finding with which the exit code is 1.
    #[arg(long, value_enum, value_name = "SEVERITY")]
    fail_on: Option<FailOn>,

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

impl Arguments {
    /// An empty summary.
    fn summary(&self) -> Summary {
        Summary::new(self.thresholds.thresholds())
    }

    fn stats_format(&self) -> StatsFormat {
        match self.format {
            Format::Text => StatsFormat::Text(text_style(self.color)),
            Format::Json => StatsFormat::Json,
        }
    }

    fn filter(&self) -> Result<Option<Filter>, Failure> {
        let text = self.display_filter.as_deref();
        let filter = display_filter(text, FilterOptions::default())?;
        if needs_of(filter.as_ref()).responses {
            let message = "reglogin.response_in looks ahead in the capture, which stats does not; reglogin.response_to is known with the response";
            return Err(Failure::Text(message.to_owned()));
        }
        Ok(filter)
    }

    /// The failure for `--fail-on`, if there is one.
    fn failure(&self, summary: &Summary) -> Option<String> {
        let fail_on = self.fail_on?;
        let notes = counted(fail_on, |severity| summary.notes(severity).iter().sum());
        let findings = summary.findings();
        let findings = counted(fail_on, |severity| {
            let of_severity = findings.iter().filter(|one| one.severity == severity);
            of_severity.count() as u64
        });
        let failures = [
            notes,
            findings.map(|findings| format!("findings: {findings}")),
        ];
        let failures: Vec<String> = failures.into_iter().flatten().collect();
        (!failures.is_empty()).then(|| failures.join("; "))
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if arguments.rows {
        return of_rows(arguments);
    }
    let mut inspection = arguments.inspect.options(false)?;
    let filter = arguments.filter()?;
    inspection.tls_records = needs_of(filter.as_ref()).tls;
    if arguments.each {
        return count_each(arguments, &inspection);
    }
    let mut plan = Plan::files(&arguments.files, inspection)?;
    plan.threads = arguments.threads.map_or_else(threads, usize::from);
    plan.offers_each = true;
    let mut said = Vec::new();
    let status = count(arguments, &mut plan, standard_output(), None, &mut said);
    for line in &said {
        say(line);
    }
    status.map(ExitCode::from)
}

/// Threads at work unless told otherwise. With more, the one that counts has no time left.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(4))
}

/// Counts what a plan reads. Returns the exit code, and adds lines to print at the end.
fn count(
    arguments: &Arguments,
    plan: &mut Plan,
    out: impl Write,
    file: Option<String>,
    said: &mut Vec<String>,
) -> Result<u8, Failure> {
    let filter = arguments.filter()?;
    let needs = needs_of(filter.as_ref());
    plan.limits.frames = arguments.count;
    plan.rows = false;
    let (summary, format) = (arguments.summary(), arguments.stats_format());
    let mut stats = Stats::new(out, summary, format, arguments.top).of(file);
    let mut missed = false;
    let ended = if filter.is_none() {
        // A single sink is fed directly.
        plan.run_alone(&mut stats)?
    } else {
        let context = Context::new(filter, needs, None, false).reading(plan.origin());
        let mut selected = Group::of(context, &mut stats);
        let ended = plan.run_alone(&mut selected)?;
        missed = selected.has_missed();
        ended
    };
    ended.conclude(|| {
        let failure = arguments.failure(stats.summary());
        let failed = failure.is_some();
        said.extend(failure);
        exit_status([missed, failed])
    })
}

/// Counts every file separately.
fn count_each(arguments: &Arguments, inspection: &Options) -> Result<ExitCode, Failure> {
    let files: Arc<[PathBuf]> = files(&arguments.files)?.into();
    let stop = stop_on_signals()?;
    let is_array = arguments.format == Format::Json;
    each(&files, is_array, |index, lane| {
        let mut plan = Plan::one_of(&files, index, inspection, &stop);
        let mut said = Vec::new();
        let out = BufWriter::new(lane);
        let file = files[index].to_string_lossy().into_owned();
        let status = count(arguments, &mut plan, out, Some(file), &mut said);
        FileResult { said, status }
    })
}

/// Counts exchange rows.
fn of_rows(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut rows = Merged::open(&arguments.files)?;
    let mut summary = arguments.summary();
    summary.rows = Some(RowCounts::default());
    while let Some(row) = rows.next_row()? {
        summary.exchange(&row);
    }
    summary.interrupted = !rows.interrupted.is_empty();
    for path in &rows.interrupted {
        say(&format!(
            "the rows in \"{}\" end where writing them was interrupted",
            Local(&path.to_string_lossy())
        ));
    }
    for path in &rows.disordered {
        say(&format!(
            "the rows in \"{}\" are not in order of time: guessing can be missed or seen where there is none",
            Local(&path.to_string_lossy())
        ));
    }
    if rows.other_protocols > 0 {
        say(&format!(
            "{} exchanges of other protocols than RegLogin are not counted",
            rows.other_protocols
        ));
    }
    let mut out = standard_output();
    let format = arguments.stats_format();
    let written = write_summary(&mut out, &summary, format, arguments.top);
    written
        .and_then(|()| out.flush())
        .map_err(OutputError::from)?;
    let failure = arguments.failure(&summary);
    if let Some(line) = &failure {
        say(line);
    }
    Ok(ExitCode::from(exit_status([false, failure.is_some()])))
}
