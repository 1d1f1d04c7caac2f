//! `authscope read`: what is in capture files.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::error::Failure;
use super::output::OutputArguments;
use super::signal::stop_flag;
use super::source::Limited;
use crate::capture::{FrameSource, ReadOptions, open_all};
use crate::output::Tee;
use crate::protocol::layout::DEFAULT_PORT;
use crate::session::{self, Inspector, Options};

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

    /// A port where RegLogin is expected; may be given several times. On other ports it is found
    /// by its content.
    #[arg(short, long = "port", value_name = "PORT", default_values_t = [DEFAULT_PORT])]
    ports: Vec<u16>,

    /// Stop after this many frames.
    #[arg(short = 'c', long = "count", value_name = "N")]
    count: Option<u64>,

    /// Note wrong TCP checksums. They are usual where the network card fills them in.
    #[arg(long)]
    checksums: bool,

    #[command(flatten)]
    output: OutputArguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut tee = Tee::default();
    arguments
        .output
        .add_to(&mut tee, arguments.output.select())?;
    let stop = stop_flag()?;
    let source = open_all(&arguments.files, ReadOptions::default())?;
    let source: Box<dyn FrameSource + Send> = Box::new(Limited::new(source, arguments.count, stop));
    let mut inspector = Inspector::new(&Options {
        ports: arguments.ports.clone(),
        checksums: arguments.checksums,
        ..Options::default()
    });
    let errors = session::run(source, &mut inspector, &mut tee, 2)?;
    if errors.is_empty() {
        Ok(ExitCode::SUCCESS)
    } else {
        Err(Failure::Sources(errors))
    }
}
