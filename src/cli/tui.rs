//! `authscope tui`: browses captures, or a live capture, in the terminal.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter};

use super::error::Failure;
use super::inspect::InspectArguments;
use super::interfaces::{candidates, named};
use super::query::{complete_filter, display_filter};
use super::run::files;
use super::signal::{BY_SIGNAL, stop_on_signals};
use super::terminal::When;
use crate::capture::live::{LiveOptions, LiveSource};
use crate::capture::{FrameSource, FrameStore, ReadOptions, Stop, is_pipe, open_all_until};
use crate::filter::FilterOptions;
use crate::output::OutputError;
use crate::session::PassLimits;
use crate::text::escape::{Escaped, Local};
use crate::tui::recording::Shared;
use crate::tui::source::Input;
use crate::tui::work::Material;
use crate::tui::{Start, run as show};

/// Frames of a live capture that are kept by default.
const RING: u64 = 1_000_000;

/// Browse captures or a live capture in the terminal; ? shows the keys.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  authscope tui capture.pcapng                    its exchanges; Enter shows the flow of one, ? the keys
  authscope tui capture.pcapng -Y 'reglogin.status == 0'
  authscope tui monday.pcap tuesday.pcap          as one capture, in order of time
  authscope tui -i lo                             what comes in on an interface now
  tcpdump -U -w - | authscope tui -               while it is being captured

Keys, columns and colours can be set in ~/.config/authscope/tui.toml.")]
pub(super) struct Arguments {
    /// Capture files, pcap or pcapng, plain or compressed with gzip or zstd; a folder means the captures in it, - is
    /// standard input.
    #[arg(
        required_unless_present = "interface",
        conflicts_with = "interface",
        value_name = "FILE"
    )]
    files: Vec<PathBuf>,

    /// Capture on this interface, by its name, number or description; `authscope interfaces` lists them.
    #[arg(short, long, value_name = "IFACE", add = ArgValueCandidates::new(candidates))]
    interface: Option<String>,

    /// What to capture, in libpcap's language (pcap-filter(7)). [default: the ports]
    #[arg(short, long, value_name = "BPF", requires = "interface")]
    filter: Option<String>,

    /// Of a live capture keep the newest N frames; older ones are dropped.
    #[arg(long, value_name = "N", default_value_t = RING, requires = "interface",
          value_parser = clap::value_parser!(u64).range(1000..))]
    ring: u64,

    /// Show only what matches, in Wireshark's display filter language; / changes it.
    #[arg(short = 'Y', long = "display-filter", value_name = "FILTER", add = ArgValueCompleter::new(complete_filter))]
    display_filter: Option<String>,

    /// Stop after this many frames.
    #[arg(short = 'c', long = "count", value_name = "N")]
    count: Option<u64>,

    #[command(flatten)]
    inspect: InspectArguments,
}

impl Arguments {
    /// Whether it captures on an interface.
    pub(super) const fn captures(&self) -> bool {
        self.interface.is_some()
    }

    /// What is read, as files are whose progress is not known.
    fn input(&self, source: Box<dyn FrameSource + Send>, material: Material, stop: &Stop) -> Input {
        Input {
            source,
            material,
            progress: Vec::new(),
            live: None,
            limits: PassLimits {
                frames: self.count,
                duration: None,
            },
            stop: stop.clone(),
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let is_live = arguments.interface.is_some();
    let options = arguments.inspect.options(is_live)?;
    let filter = arguments.display_filter.as_deref();
    display_filter(filter, FilterOptions::default())?;
    if !std::io::stdout().is_terminal() {
        let text = "the terminal interface needs a terminal as its standard output; `authscope read` writes elsewhere";
        return Err(Failure::Text(text.to_owned()));
    }
    if std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
        let text = "the terminal interface needs a terminal whose cursor can be moved, and TERM says it is \"dumb\"; \
                    `authscope read` writes rows on any";
        return Err(Failure::Text(text.to_owned()));
    }
    let stop = stop_on_signals()?;
    let (input, name) = if is_live {
        live(arguments, options, &stop)?
    } else {
        of_files(arguments, options, &stop)?
    };
    let start = Start {
        input,
        name,
        filter: arguments.display_filter.clone(),
        color: has_colors(),
    };
    show(start, &stop).map_err(OutputError::Standard)?;
    let signal = stop
        .signal()
        .and_then(|signal| u8::try_from(BY_SIGNAL + signal).ok());
    Ok(signal.map_or(ExitCode::SUCCESS, ExitCode::from))
}

/// Whether the terminal has colours and they are wanted.
fn has_colors() -> bool {
    let term = std::env::var("TERM").unwrap_or_default();
    When::Auto.applies() && !term.ends_with("-m") && !term.ends_with("-mono")
}

fn of_files(
    arguments: &Arguments,
    options: crate::session::Options,
    stop: &Stop,
) -> Result<(Input, String), Failure> {
    let files = files(&arguments.files)?;
    // Input that cannot be read again is kept complete, for saving.
    let keep = files.iter().any(|file| is_pipe(file));
    let source = open_all_until(&files, ReadOptions { keep }, stop)?;
    let progress = source.progress();
    let (source, store) =
        FrameStore::of(source).map_err(|error| Failure::Text(error.to_string()))?;
    let name = match &files[..] {
        [only] if only.as_os_str() == "-" => "standard input".to_owned(),
        [only] => {
            let name = only
                .file_name()
                .unwrap_or(only.as_os_str())
                .to_string_lossy();
            Local(&name).to_string()
        }
        all => format!("{} captures", all.len()),
    };
    let material = Material::new(Shared::new(store, None), options, files);
    let input = Input {
        progress,
        ..arguments.input(source, material, stop)
    };
    Ok((input, name))
}

fn live(
    arguments: &Arguments,
    options: crate::session::Options,
    stop: &Stop,
) -> Result<(Input, String), Failure> {
    let ports = options.all_ports();
    let wanted = LiveOptions {
        interface: arguments.interface.as_deref().map(named),
        ports: ports.clone(),
        filter: arguments.filter.clone(),
        last: true,
        stop: stop.clone(),
        ..LiveOptions::default()
    };
    let source = LiveSource::open(&wanted).map_err(|error| Failure::Sources(vec![error]))?;
    let counters = source.counters();
    let ports: Vec<String> = ports.iter().map(|port| format!(":{port}")).collect();
    let what = arguments.filter.clone().unwrap_or_else(|| ports.join(" "));
    let name = format!("live {} {}", Local(source.interface()), Escaped(&what));
    let spooled = FrameStore::spooling(Box::new(source));
    let (source, store) = spooled.map_err(|error| Failure::Text(error.to_string()))?;
    let shared = Shared::new(store, Some(arguments.ring));
    let material = Material::new(shared, options, Vec::new());
    let input = Input {
        live: Some((counters, arguments.ring)),
        ..arguments.input(source, material, stop)
    };
    Ok((input, name))
}
