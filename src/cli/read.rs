//! `authscope read`: what is in capture files.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::error::{Failure, conclude};
use super::inspect::InspectArguments;
use super::output::{OutputArguments, exit_code};
use super::reading::{Reading, is_pipe};
use super::save::SaveArguments;
use super::signal::stop_on_signals;
use crate::output::{Answers, NearestReading, Tee};
use crate::session::PassLimits;
use crate::text::escape::Escaped;

/// Show what is in capture files.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  authscope read capture.pcapng               every frame of port 8888 and all RegLogin
  authscope read capture.pcapng --messages    the messages only
  authscope read capture.pcapng -Y 'reglogin.status == 0'
  authscope read -T fields -e frame.number -e reglogin.username capture.pcapng
  authscope read -T jsonl capture.pcapng.zst  an object for each message
  authscope read monday.pcap tuesday.pcap     as one capture, in order of time
  tcpdump -U -w - | authscope read -          while it is being captured
  authscope read capture.pcapng -q -w explained.pcapng --annotate
  authscope read capture.pcapng -q -w for-the-report.pcapng --redact
  authscope read capture.pcapng -q -w failed.pcapng --only 'reglogin.status == 0' --stream-complete
  authscope read capture.pcapng -q -w part.pcapng -b filesize:100000")]
pub(super) struct Arguments {
    /// Capture files, pcap or pcapng, plain or compressed with gzip or zstd; - is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Stop after this many frames.
    #[arg(short = 'c', long = "count", value_name = "N")]
    count: Option<u64>,

    #[command(flatten)]
    save: SaveArguments,

    #[command(flatten)]
    inspect: InspectArguments,

    #[command(flatten)]
    output: OutputArguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut inspection = arguments.inspect.options(false)?;
    let query = arguments.output.query()?;
    let stop = stop_on_signals()?;
    let limits = arguments.save.stop()?;
    let counts = [arguments.count, limits.packets];
    inspection.tls_records = query.needs().tls || arguments.save.needs()?.tls;
    let reading = Reading {
        limits: PassLimits {
            frames: counts.into_iter().flatten().min(),
            duration: limits.duration,
        },
        rows: !arguments.output.is_quiet(),
        ..Reading::of(&arguments.files, inspection.clone(), &stop)
    };
    reading.spare_inputs()?;
    let answers = query
        .needs()
        .responses
        .then(|| answers(&reading))
        .transpose()?;
    let save = arguments.save.path();
    let mut tee = Tee::default();
    let saving = arguments
        .save
        .add_to(&mut tee, Some(&reading), &inspection.key_logs)?;
    let nearest = NearestReading::default();
    tee.add(nearest.clone());
    let whole = reading.can_be_repeated();
    let shown = arguments
        .output
        .add_to(&mut tee, save, query, answers, whole, &inspection)?;
    let passed = reading.run(&mut tee, save.is_some())?;
    tee.finish()?;
    shown.say();
    saving.say();
    if let Some(nearest) = nearest.nearest() {
        let file = arguments.files[0].to_string_lossy();
        eprintln!(
            "authscope: {nearest}; try `authscope layout guess {}`",
            Escaped(&file)
        );
    }
    conclude(passed, exit_code([&shown.watch, &saving.watch]))
}

/// Reads the files once to find the responses that come later than their requests.
fn answers(reading: &Reading<'_>) -> Result<Answers, Failure> {
    for path in reading.files {
        if is_pipe(path) {
            return Err(Failure::Text(format!(
                "reglogin.response_in looks ahead in the capture, which is not possible for {}; save it as a file first",
                Escaped(&path.to_string_lossy())
            )));
        }
    }
    let mut answers = Answers::default();
    reading.first_pass(&mut answers)?;
    if answers.forgotten() > 0 {
        eprintln!(
            "authscope: the responses of {} requests are not known to filters and fields: there are too many",
            answers.forgotten()
        );
    }
    Ok(answers)
}
