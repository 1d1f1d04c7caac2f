//! `authscope stats`: what capture files amount to.

use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::each::{Done, each};
use super::error::Failure;
use super::fail_on::{FailOn, counted};
use super::inspect::InspectArguments;
use super::output::{When, exit_status, standard_output, text_style};
use super::run::{Plan, files};
use super::say;
use super::signal::stop_on_signals;
use super::thresholds::ThresholdArguments;
use crate::filter::{Filter, FilterOptions, Needs};
use crate::output::{Context, Group, Stats, StatsFormat};
use crate::session::Options;
use crate::session::summary::Summary;

/// Count what is in capture files, and say what is remarkable about it.
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

docs/statistics.md explains every number and every finding.")]
pub(super) struct Arguments {
    /// Capture files, pcap or pcapng, plain or compressed with gzip or zstd; a folder means the captures in it, - is
    /// standard input.
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

    /// Count every file by itself, several at the same time; without it several files are counted as one capture.
    #[arg(long)]
    each: bool,

    /// Stop after this many frames; with --each of every file.
    #[arg(short = 'c', long = "count", value_name = "N")]
    count: Option<u64>,

    /// Threads at work: with 2, one inspects the next frames while the other counts the last. The
    /// answers are the same.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=2))]
    threads: u8,

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

    /// What is a failure, if anything is.
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
    let mut inspection = arguments.inspect.options(false)?;
    let filter = arguments.filter()?;
    inspection.tls_records = filter.is_some_and(|filter| filter.needs().tls);
    if arguments.each {
        return count_each(arguments, &inspection);
    }
    let mut plan = Plan::files(&arguments.files, inspection)?;
    plan.threads = usize::from(arguments.threads);
    plan.offers_each = true;
    let mut said = Vec::new();
    let status = count(arguments, &mut plan, standard_output()?, None, &mut said);
    for line in &said {
        say(line);
    }
    status.map(ExitCode::from)
}

/// Counts what a plan reads; gives the exit code, and adds what is to be said of it.
fn count(
    arguments: &Arguments,
    plan: &mut Plan,
    out: impl Write,
    file: Option<String>,
    said: &mut Vec<String>,
) -> Result<u8, Failure> {
    let filter = arguments.filter()?;
    let needs = filter.as_ref().map_or(Needs::default(), Filter::needs);
    plan.limits.frames = arguments.count;
    plan.rows = false;
    let format = match arguments.format {
        Format::Text => StatsFormat::Text(text_style(arguments.color)),
        Format::Json => StatsFormat::Json,
    };
    let summary = Summary::new(arguments.thresholds.thresholds());
    let mut stats = Stats::new(out, summary, format, arguments.top).of(file);
    let mut missed = false;
    let ended = if filter.is_none() {
        // Alone it is fed without a detour.
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

/// Counts every file by itself.
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
        Done { said, status }
    })
}
