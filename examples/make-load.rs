//! Writes a big capture for benchmarks, and a file with its true counts.

use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;

use authscope::capture::LinkType;
use authscope::synth::load::{Load, Truth};
use authscope::synth::{ByteOrder, Link};
use clap::{Parser, ValueEnum};

/// Write a capture with many RegLogin connections to FILE, and what a right reading of it counts
/// to FILE.truth.json.
#[derive(Parser)]
#[command(name = "make-load", after_help = EXAMPLES)]
struct Arguments {
    /// The pcap file to write.
    file: PathBuf,

    /// Frames in all; the file comes close to it.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    frames: u64,

    /// RegLogin connections.
    #[arg(long, value_name = "N", default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(1..))]
    connections: u64,

    /// RegLogin connections under way at the same time.
    #[arg(long, value_name = "N", default_value_t = 500)]
    active: usize,

    /// The most bytes of a message in one segment; of several, one is drawn for each message.
    #[arg(
        long,
        value_name = "OCTETS,...",
        value_delimiter = ',',
        default_value = "1460"
    )]
    sizes: Vec<usize>,

    /// Share of segments that change places with the next one of their message.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    reorder: f64,

    /// Share of segments that are lost and sent again, so that they are seen late or twice.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    loss: f64,

    /// Share of messages that arrived and were never captured.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    gaps: f64,

    /// Share of frames that are other people's traffic.
    #[arg(long, value_name = "RATIO", default_value_t = 0.0, value_parser = background)]
    background: f64,

    /// Payload bytes of other people's TCP segments, one of them drawn for each.
    #[arg(
        long,
        value_name = "OCTETS,...",
        value_delimiter = ',',
        default_value = "0,0,0,32,100,300"
    )]
    background_sizes: Vec<usize>,

    /// Leave every RegLogin connection open.
    #[arg(long)]
    open: bool,

    /// Where the random numbers begin; the same seed and options give the same file.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Link layer.
    #[arg(long, value_enum, default_value = "ethernet")]
    link: LinkName,
}

const EXAMPLES: &str = "Examples:
  make-load bench.pcap --frames 3000000 --connections 100000
  make-load mixed.pcap --frames 10000000 --connections 500 --background 0.999
  make-load open.pcap --frames 7000000 --connections 1000000 --open
  make-load rough.pcap --sizes 20,1460 --reorder 0.1 --loss 0.05 --gaps 0.01";

#[derive(Clone, Copy, ValueEnum)]
enum LinkName {
    Ethernet,
    Null,
    LinuxCooked,
    Raw,
}

impl LinkName {
    const fn link(self) -> Link {
        match self {
            Self::Ethernet => Link::ETHERNET,
            Self::Null => Link::Null {
                order: ByteOrder::Little,
                ipv6: 30,
            },
            Self::LinuxCooked => Link::LinuxSll,
            Self::Raw => Link::Raw(LinkType::RAW),
        }
    }
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a share is a number from 0 to 1".to_owned()),
    }
}

fn background(text: &str) -> Result<f64, String> {
    match share(text) {
        Ok(ratio) if ratio < 1.0 => Ok(ratio),
        _ => Err("a ratio of background is a number from 0 to less than 1".to_owned()),
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match write(&arguments) {
        Ok(truth) => {
            eprintln!(
                "make-load: {} frames, {} bytes, {} messages in {}",
                truth.frames,
                truth.octets,
                truth.messages,
                arguments.file.display()
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!(
                "make-load: cannot write {}: {error}",
                arguments.file.display()
            );
            ExitCode::from(2)
        }
    }
}

fn write(arguments: &Arguments) -> std::io::Result<Truth> {
    let load = Load {
        frames: arguments.frames,
        connections: arguments.connections,
        sizes: arguments.sizes.clone(),
        reorder: arguments.reorder,
        loss: arguments.loss,
        gaps: arguments.gaps,
        background: arguments.background,
        background_sizes: arguments.background_sizes.clone(),
        open: arguments.open,
        active: arguments.active,
        seed: arguments.seed,
        link: arguments.link.link(),
    };
    let truth = load.write(File::create(&arguments.file)?)?;
    let mut beside = arguments.file.clone().into_os_string();
    beside.push(".truth.json");
    let text = serde_json::to_string_pretty(&truth)? + "\n";
    std::fs::write(beside, text)?;
    Ok(truth)
}
