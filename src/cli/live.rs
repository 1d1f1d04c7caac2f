//! `authscope live`: captures on an interface and shows rows at once.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use clap_complete::engine::ArgValueCandidates;

use super::drops::Drops;
use super::error::{Failure, exit_code};
use super::inspect::InspectArguments;
use super::interfaces::{called, candidates, named};
use super::output::OutputArguments;
use super::run::Plan;
use super::save::SaveArguments;
use super::{say, say_as_is};
use crate::capture::live::{LiveCounters, LiveOptions, interfaces};
use crate::output::{Tally, Tee};
use crate::text::escape::{Escaped, Local};

/// Bytes in the unit of `--buffer-size`.
const MIB: u32 = 1 << 20;

/// Capture on a network interface and show it as it happens; Ctrl-C ends it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  authscope live                              port 8888 on the loopback interface
  authscope live eth0 tcp port 9999           the interface by its name, then a capture filter
  authscope live -i eth0 -p 8888 -p 9999 --messages
  authscope live -i any -f 'tcp port 8888 and host 192.0.2.1'
  authscope live -w saved.pcapng              show it and save it
  authscope live -w saved.pcapng --annotate   with comments for other programs
  authscope live -q -w day.pcapng -b duration:3600,files:24     the last 24 hours
  authscope live -q -w one.pcapng -a duration:60,packets:1000   a minute at the most
  authscope live -B 256 -T jsonl > rows       when frames were dropped

Capturing needs the right to do so: run it with sudo, or give that right once
to authscope-capture, the program that authscope then goes on as:
  sudo setcap cap_net_raw=ep \"$(command -v authscope-capture)\"")]
pub(super) struct Arguments {
    /// The interface, where one has the first word's name; the rest is what to capture, as -f has it.
    #[arg(value_name = "IFACE or BPF", add = ArgValueCandidates::new(candidates), conflicts_with = "filter")]
    words: Vec<String>,

    /// The interface, by its name, number or description; `authscope interfaces` lists them. [default: loopback]
    #[arg(short, long, value_name = "IFACE", add = ArgValueCandidates::new(candidates))]
    interface: Option<String>,

    /// What to capture, in libpcap's language (pcap-filter(7)). [default: the ports]
    #[arg(short, long, value_name = "BPF")]
    filter: Option<String>,

    /// Snapshot length: the most bytes captured of a frame.
    #[arg(short, long = "snapshot-length", value_name = "BYTES",
          default_value_t = LiveOptions::SNAPLEN, value_parser = clap::value_parser!(u32).range(1..=i64::from(LiveOptions::SNAPLEN)))]
    snaplen: u32,

    /// The kernel's buffer, where frames wait to be read, and as much memory behind it, at least
    /// 16 MiB: a larger one bridges longer bursts, one of less than 8 shows rows up to 40 ms later.
    #[arg(short = 'B', long, value_name = "MIB", default_value_t = LiveOptions::BUFFER / MIB,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(LiveOptions::MOST_BUFFER / MIB)))]
    buffer_size: u32,

    /// Do not ask the interface for frames that are for other hosts.
    #[arg(long, alias = "no-promiscuous-mode")]
    no_promiscuous: bool,

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

/// Words that are complete capture filters.
const WHOLE_FILTERS: [&str; 16] = [
    "arp",
    "broadcast",
    "ether",
    "icmp",
    "icmp6",
    "igmp",
    "ip",
    "ip6",
    "ipv6",
    "multicast",
    "pppoes",
    "sctp",
    "tcp",
    "udp",
    "vlan",
    "mpls",
];

impl Arguments {
    /// The interface and the capture filter, if they are named.
    fn what(&self) -> Result<(Option<String>, Option<String>), Failure> {
        let mut interface = self.interface.as_deref().map(named);
        let mut words = &self.words[..];
        if let (None, [first, rest @ ..]) = (&interface, words) {
            let all = interfaces().map_err(|error| Failure::Sources(vec![error]))?;
            let name = called(&all, first).map(|one| one.name.clone());
            let name = name.or_else(|| (first == "any").then(|| first.clone()));
            if name.is_some() {
                (interface, words) = (name, rest);
            } else if rest.is_empty()
                && !first.contains(char::is_whitespace)
                && !WHOLE_FILTERS.contains(&first.as_str())
            {
                return Err(Failure::Text(format!(
                    "no interface is called \"{}\", and it is no capture filter; `authscope interfaces` lists the interfaces",
                    Local(first)
                )));
            }
        }
        let filter = (!words.is_empty()).then(|| words.join(" "));
        Ok((interface, filter.or_else(|| self.filter.clone())))
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let (chosen, filter) = arguments.what()?;
    let mut inspection = arguments.inspect.options(true)?;
    let query = arguments.output.query()?;
    if query.needs().responses {
        let message = "reglogin.response_in looks ahead, which is not possible live; reglogin.response_to is known with the response";
        return Err(Failure::Text(message.to_owned()));
    }
    let (save, output) = (&arguments.save, &arguments.output);
    inspection.tls_records = query.needs().tls || save.needs()?.tls;
    let ports = inspection.all_ports();
    let wanted = LiveOptions {
        interface: chosen,
        ports: ports.clone(),
        filter: filter.clone(),
        buffer: arguments.buffer_size * MIB,
        snaplen: arguments.snaplen,
        promiscuous: !arguments.no_promiscuous,
        ..LiveOptions::default()
    };
    let mut plan = Plan::live(wanted, inspection)?;
    plan.limits = save.limits(arguments.count)?;
    let (interface, counters) = plan.interface().unwrap_or_default();
    let mut saving = save.open(&plan)?;
    let mut shown = output.open(save.path(), query, None, &plan, None)?;
    let mut tally = Tally::default();
    saving.say_where();
    say(&format!(
        "capturing on {}, {}; Ctrl-C ends it",
        Local(&interface),
        what(filter.as_deref(), &ports)
    ));
    let mut tee = Tee::default();
    saving.add_to(&mut tee);
    shown.add_to(&mut tee);
    tee.add(&mut tally);
    // After the rows, so that they are complete when it prints a line.
    tee.add(Drops::new(Arc::clone(&counters)));
    let ended = plan.run(tee)?;
    say_as_is(&summary(&tally, &counters));
    if tally.frames == 0 && counters.dropped() == 0 {
        say(&advice(filter.is_some(), &interface));
    }
    ended.conclude(|| {
        let lines = shown.lines().into_iter().chain(saving.lines());
        lines.for_each(|line| say(&line));
        exit_code([shown.has_missed(), saving.has_missed()])
    })
}

/// Describes what is captured, for the first line on standard error.
fn what(filter: Option<&str>, ports: &[u16]) -> String {
    if let Some(filter) = filter {
        let filter = filter.trim();
        return match filter {
            "" => "everything (-f \"\")".to_owned(),
            filter => format!("{} (-f)", Escaped(filter)),
        };
    }
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    let noun = if ports.len() == 1 { "port" } else { "ports" };
    format!(
        "TCP {noun} {} (-p PORT, or -f tcp for all)",
        ports.join(", ")
    )
}

/// What to try where nothing was captured.
fn advice(is_filtered: bool, interface: &str) -> String {
    let mut tries = Vec::new();
    if is_filtered {
        tries.push("a wider filter (-f tcp)");
    } else {
        tries.push("-f tcp captures every port");
    }
    if interface != "any" {
        tries.push("-i any (Linux) captures on every interface, `authscope interfaces` lists them");
    }
    format!(
        "nothing was captured on {}: was there traffic on it? {}",
        Local(interface),
        tries.join("; ")
    )
}

/// The summary at the end of the capture.
fn summary(tally: &Tally, counters: &LiveCounters) -> String {
    let dropped = counters.dropped();
    let interface = match counters.interface_dropped() {
        0 => String::new(),
        frames => format!(", {frames} by the interface"),
    };
    format!("{tally}\n  {dropped} frames dropped by the kernel{interface}")
}
