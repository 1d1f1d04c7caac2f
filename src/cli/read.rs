//! `authscope read`: what is in capture files.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::error::Failure;
use super::inspect::InspectArguments;
use super::output::{OutputArguments, add_save};
use super::progress::Progress;
use super::signal::stop_flag;
use super::source::Limited;
use crate::capture::{FrameSource, ReadOptions, WriteOptions, open_all};
use crate::output::Tee;
use crate::session::{self, Inspector};

/// Show what is in capture files.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  authscope read capture.pcapng               every frame of port 8888 and all RegLogin
  authscope read capture.pcapng --messages    the messages only
  authscope read -T jsonl capture.pcapng.zst  an object for each message
  authscope read monday.pcap tuesday.pcap     as one capture, in order of time
  tcpdump -U -w - | authscope read -          while it is being captured")]
pub(super) struct Arguments {
    /// Capture files, pcap or pcapng, plain or compressed with gzip or zstd; - is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Stop after this many frames.
    #[arg(short = 'c', long = "count", value_name = "N")]
    count: Option<u64>,

    /// Save the frames that were read as pcapng; - is standard output, in place of rows.
    #[arg(short = 'w', long = "write", value_name = "FILE")]
    save: Option<PathBuf>,

    #[command(flatten)]
    inspect: InspectArguments,

    #[command(flatten)]
    output: OutputArguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let save = arguments.save.as_deref();
    let options = ReadOptions {
        keep: save.is_some(),
    };
    let source = open_all(&arguments.files, options)?;
    let stop = stop_flag()?;
    source.stop_on(&stop);
    let files = source.progress();
    let source = Limited::new(source, arguments.count, stop);
    let progress = Progress::start(files, source.frames(), !arguments.output.is_quiet());
    let source: Box<dyn FrameSource + Send> = Box::new(source);
    let mut tee = Tee::default();
    add_save(&mut tee, save, &arguments.files, &WriteOptions::default())?;
    arguments.output.add_to(&mut tee, save)?;
    let mut inspector = Inspector::new(&arguments.inspect.options());
    let errors = session::run(source, &mut inspector, &mut tee, 2)?;
    drop(progress);
    if errors.is_empty() {
        Ok(ExitCode::SUCCESS)
    } else {
        Err(Failure::Sources(errors))
    }
}
