//! `authscope read`: shows what capture files contain.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::each::{FileResult, each};
use super::error::{Failure, exit_status};
use super::inspect::InspectArguments;
use super::output::{OutputArguments, SharedOutput};
use super::run::{Plan, files};
use super::save::SaveArguments;
use super::say;
use super::signal::stop_on_signals;
use crate::capture::is_pipe;
use crate::output::forms::Part;
use crate::output::{Answers, NearestReading, Tee};
use crate::session::{Options, Remainder, Sink};
use crate::text::escape::Local;

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
  authscope read --each captures/             each by itself, one after the other
  authscope read --each --exchanges -T csv captures/ > course.csv
  tcpdump -U -w - | authscope read -          while it is being captured
  authscope read capture.pcapng -q -w explained.pcapng --annotate
  authscope read capture.pcapng -q -w for-the-report.pcapng --redact
  authscope read capture.pcapng -q -w failed.pcapng --only 'reglogin.status == 0' --stream-complete
  authscope read capture.pcapng -q -w part.pcapng -b filesize:100000")]
pub(super) struct Arguments {
    /// Capture files, pcap or pcapng, plain or compressed with gzip or zstd; a folder means the captures in it, - is
    /// standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Read every file by itself, several at the same time, and show their rows one after the other, each with its file;
    /// without it several files are read as one capture.
    #[arg(long)]
    each: bool,

    /// Stop after this many frames; with --each of every file.
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
    let inspection = arguments.inspection()?;
    if arguments.each {
        return show_each(arguments, &inspection);
    }
    let mut plan = Plan::files(&arguments.files, inspection)?;
    plan.offers_each = true;
    let mut said = Vec::new();
    let status = show(arguments, &mut plan, None, &mut said);
    for line in &said {
        say(line);
    }
    status.map(ExitCode::from)
}

impl Arguments {
    /// Whether a pager is useful: rows are text for people, and none of them has to be waited for.
    pub fn is_paged(&self) -> bool {
        let has_pipe = self.files.iter().any(|file| is_pipe(file));
        let saves_there = self.save.path().is_some_and(|path| path.as_os_str() == "-");
        self.output.is_text() && !has_pipe && !saves_there
    }

    fn inspection(&self) -> Result<Options, Failure> {
        let mut inspection = self.inspect.options(false)?;
        let needs = self.output.query()?.needs();
        inspection.tls_records = needs.tls || self.save.needs()?.tls;
        Ok(inspection)
    }
}

/// Shows the output of a plan. Returns the exit code, and adds lines to print at the end.
fn show(
    arguments: &Arguments,
    plan: &mut Plan,
    shared: Option<SharedOutput>,
    said: &mut Vec<String>,
) -> Result<u8, Failure> {
    let (save, output) = (&arguments.save, &arguments.output);
    let query = output.query()?;
    plan.limits = save.limits(arguments.count)?;
    plan.rows = !output.is_quiet();
    plan.keep = save.path().is_some();
    let answers = plan
        .looks_ahead(query.needs())
        .then(|| answers(plan))
        .transpose()?;
    let mut saving = save.open(plan)?;
    let mut nearest = NearestReading::default();
    let mut shown = output.open(save.path(), query, answers, plan, shared)?;
    let mut tee = Tee::default();
    saving.add_to(&mut tee);
    tee.add(&mut nearest);
    shown.add_to(&mut tee);
    let ended = plan.run(tee)?;
    ended.conclude(|| {
        said.extend(shown.lines());
        said.extend(saving.lines());
        if let (Some(nearest), Some(first)) = (nearest.nearest(), plan.paths().first()) {
            let file = first.to_string_lossy();
            said.push(format!(
                "{nearest}; try `authscope layout guess {}`",
                Local(&file)
            ));
        }
        exit_status([shown.has_missed(), saving.has_missed()])
    })
}

/// Shows every file separately, with all rows in one output.
fn show_each(arguments: &Arguments, inspection: &Options) -> Result<ExitCode, Failure> {
    let output = &arguments.output;
    let saves = arguments.save.path().is_some();
    let refused = "--each reads every file by itself, and -w saves one capture: use one of them";
    let refused = saves.then_some(refused);
    if let Some(refused) = refused.or_else(|| output.refuses_each()) {
        return Err(Failure::Text(refused.to_owned()));
    }
    let files: Arc<[PathBuf]> = files(&arguments.files)?.into();
    let stop = stop_on_signals()?;
    each(&files, output.is_array(), |index, lane| {
        let mut plan = Plan::one_of(&files, index, inspection, &stop);
        let part = Part {
            is_first: index == 0,
            is_last: index + 1 == files.len(),
        };
        let shared = || SharedOutput {
            out: Box::new(lane.clone()),
            part,
        };
        let mut said = Vec::new();
        let mut status = show(arguments, &mut plan, Some(shared()), &mut said);
        if matches!(status, Err(Failure::File(_)))
            && let Err(failure) = show_nothing(arguments, &plan, shared())
        {
            status = Err(failure);
        }
        FileResult { said, status }
    })
}

/// Writes the beginning and the end of the output if these belong to a file that cannot be read.
fn show_nothing(arguments: &Arguments, plan: &Plan, shared: SharedOutput) -> Result<(), Failure> {
    let output = &arguments.output;
    let mut shown = output.open(None, output.query()?, None, plan, Some(shared))?;
    let mut tee = Tee::default();
    shown.add_to(&mut tee);
    Ok(tee.end(&Remainder::default())?)
}

/// Reads the files once to find the responses that come later than their requests.
pub(super) fn answers(plan: &Plan) -> Result<Answers, Failure> {
    if let Some(path) = plan.paths().iter().find(|path| is_pipe(path)) {
        return Err(Failure::Text(format!(
            "reglogin.response_in looks ahead in the capture, which is not possible for {}; save it as a file first",
            Local(&path.to_string_lossy())
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
