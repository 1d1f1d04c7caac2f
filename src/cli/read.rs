//! `authscope read`: what is in capture files.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::error::Failure;
use super::inspect::InspectArguments;
use super::output::{OutputArguments, exit_code};
use super::run::{Plan, is_pipe};
use super::save::SaveArguments;
use super::say;
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
    let (save, output) = (&arguments.save, &arguments.output);
    let mut inspection = arguments.inspect.options(false)?;
    let query = output.query()?;
    let limits = save.stop()?;
    inspection.tls_records = query.needs().tls || save.needs()?.tls;
    let mut plan = Plan::files(&arguments.files, inspection)?;
    plan.limits = PassLimits {
        frames: [arguments.count, limits.packets]
            .into_iter()
            .flatten()
            .min(),
        duration: limits.duration,
    };
    plan.rows = !output.is_quiet();
    plan.keep = save.path().is_some();
    let answers = plan
        .looks_ahead(query.needs())
        .then(|| answers(&plan))
        .transpose()?;
    let mut saving = save.open(&plan)?;
    let mut nearest = NearestReading::default();
    let mut shown = output.open(save.path(), query, answers, &plan)?;
    let mut tee = Tee::default();
    saving.add_to(&mut tee);
    tee.add(&mut nearest);
    shown.add_to(&mut tee);
    plan.run(tee)?.conclude(|| {
        shown.say();
        saving.say();
        if let Some(nearest) = nearest.nearest() {
            let file = arguments.files[0].to_string_lossy();
            say(&format!(
                "{nearest}; try `authscope layout guess {}`",
                Escaped(&file)
            ));
        }
        exit_code([shown.has_missed(), saving.has_missed()])
    })
}

/// Reads the files once to find the responses that come later than their requests.
pub(super) fn answers(plan: &Plan<'_>) -> Result<Answers, Failure> {
    if let Some(path) = plan.paths().iter().find(|path| is_pipe(path)) {
        return Err(Failure::Text(format!(
            "reglogin.response_in looks ahead in the capture, which is not possible for {}; save it as a file first",
            Escaped(&path.to_string_lossy())
        )));
    }
    let mut answers = Answers::default();
    plan.learn(&mut answers)?;
    if answers.forgotten() > 0 {
        say(&format!(
            "the responses of {} requests are not known to filters and fields: there are too many",
            answers.forgotten()
        ));
    }
    Ok(answers)
}
