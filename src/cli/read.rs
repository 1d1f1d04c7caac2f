//! `authscope read`: what is in capture files.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::error::Failure;
use super::inspect::InspectArguments;
use super::output::{OutputArguments, exit_code};
use super::progress::Progress;
use super::save::{Inputs, SaveArguments};
use super::signal::stop_flag;
use super::source::Limited;
use crate::capture::{FrameSource, ReadOptions, open_all};
use crate::output::{Answers, Tee};
use crate::session::{self, Inspector};
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
    let query = arguments.output.query()?;
    let answers = query
        .needs()
        .responses
        .then(|| answers(arguments))
        .transpose()?;
    let save = arguments.save.path();
    let options = ReadOptions {
        keep: save.is_some(),
    };
    let stop = stop_flag()?;
    let inspection = arguments.inspect.options();
    let limits = arguments.save.stop()?;
    let count = [arguments.count, limits.packets]
        .into_iter()
        .flatten()
        .min();
    let inputs = Inputs {
        files: &arguments.files,
        count,
        duration: limits.duration,
        options: &inspection,
        stop: &stop,
    };
    let source = open_all(&arguments.files, options)?;
    source.stop_on(&stop);
    let mut tee = Tee::default();
    let whole = !arguments.files.iter().any(|path| is_pipe(path));
    let only = arguments.save.add_to(&mut tee, Some(&inputs))?;
    let watch = arguments
        .output
        .add_to(&mut tee, save, query, answers, whole)?;
    let files = source.progress();
    let source = Limited::new(source, count, Arc::clone(&stop)).lasting(limits.duration, None);
    let progress = Progress::start(files, source.frames(), !arguments.output.is_quiet());
    let source: Box<dyn FrameSource + Send> = Box::new(source);
    let inspector = Inspector::new(&inspection);
    let errors = session::run(source, inspector, &mut tee, 2)?;
    drop(progress);
    if errors.is_empty() {
        Ok(exit_code([&watch, &only]))
    } else {
        Err(Failure::Sources(errors))
    }
}

/// Whether it may still be written: nothing is then to wait for what comes later.
fn is_pipe(path: &Path) -> bool {
    path.as_os_str() == "-" || path.metadata().is_ok_and(|found| !found.is_file())
}

/// Reads the files once to find the responses that come later than their requests.
fn answers(arguments: &Arguments) -> Result<Answers, Failure> {
    for path in &arguments.files {
        if is_pipe(path) {
            return Err(Failure::Text(format!(
                "reglogin.response_in looks ahead in the capture, which is not possible for {}; save it as a file first",
                Escaped(&path.to_string_lossy())
            )));
        }
    }
    let source = open_all(&arguments.files, ReadOptions::default())?;
    let source = Box::new(Limited::new(source, arguments.count, stop_flag()?));
    let inspector = Inspector::new(&arguments.inspect.options());
    let mut answers = Answers::default();
    // What is wrong with the files is said when they are read for good.
    session::run(source, inspector, &mut answers, 2)?;
    if answers.forgotten() > 0 {
        eprintln!(
            "authscope: the responses of {} requests are not known to filters and fields: there are too many",
            answers.forgotten()
        );
    }
    Ok(answers)
}
