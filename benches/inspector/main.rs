//! Measures the inspector in turns with tcpdump, tshark, capinfos and cat, in one run, and writes a table into
//! `docs/performance.md`. `make bench` runs it.
//!
//! The load generator makes the captures, which are read from the page cache. A time counts only after the inspector's counts
//! matched the generator's. `AUTHSCOPE_BENCH_SCALE=0.01` makes every capture a hundredth of its size, for a quick look.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "numbers of its own making"
)]

mod captures;
mod measure;
mod outputs;

#[path = "../report/mod.rs"]
mod report;

use captures::Capture;
use measure::{Timing, peak_octets, time};
use report::Report;

/// The program under test, built with the profile of benchmarks.
const AUTHSCOPE: &str = env!("CARGO_BIN_EXE_authscope");

fn main() {
    // Cargo runs benchmarks under `cargo test --benches` as well; there is nothing to test here.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let mut report = Report::start(
        "## Inspector",
        "`make bench`, all in one run, with files in the page cache; medians of five runs, in turn. Each\n\
         time counts only after the inspector's counts have matched those of the capture generator.",
    );
    filter_and_copy(&mut report);
    growth(&mut report);
    other_traffic(&mut report);
    connections_at_once(&mut report);
    open_connections(&mut report);
    outputs::against_peers(&mut report);
    report.write();
}

fn stats(capture: &Capture) -> String {
    format!("{AUTHSCOPE} stats {}", capture.path())
}

/// The command with which `tcpdump` filters and copies a capture.
fn tcpdump(capture: &Capture) -> String {
    format!(
        "tcpdump -n -r {} -w /dev/null tcp port 8888",
        capture.path()
    )
}

fn ratio(of: f64, to: f64) -> String {
    format!("{:.2}", of / to)
}

fn per_frame(timing: &Timing, capture: &Capture) -> String {
    let frames = capture.truth.frames as f64;
    format!(
        "{:.3} s, {:.0} ns a frame",
        timing.wall,
        timing.wall * 1e9 / frames
    )
}

/// Full decoding, against tools that do far less with the same file.
fn filter_and_copy(report: &mut Report) {
    let capture = Capture::base();
    let [ours, alone, tcpdump, capinfos, cat] = time(&[
        stats(&capture),
        format!("{} --threads 1", stats(&capture)),
        tcpdump(&capture),
        format!("capinfos -c {}", capture.path()),
        format!("cat {}", capture.path()),
    ]);
    let ours = ours.expect("authscope runs");
    report.row(
        &format!("`authscope stats`, {}", capture.about()),
        &per_frame(&ours, &capture),
        "1",
        "",
    );
    for (what, peer) in [
        ("`tcpdump -w /dev/null 'tcp port 8888'`", &tcpdump),
        ("`capinfos -c`", &capinfos),
        ("`cat`", &cat),
    ] {
        match peer {
            Some(peer) => report.row(
                what,
                &per_frame(peer, &capture),
                &ratio(peer.wall, ours.wall),
                "",
            ),
            None => report.row(what, "not installed", "", ""),
        }
    }
    if let Some(tcpdump) = tcpdump {
        let wall = ratio(ours.wall, tcpdump.wall);
        report.row("Wall time against tcpdump's", "", &wall, "at most 0.65");
        if let Some(alone) = alone {
            report.row(
                "The same with `--threads 1`",
                &per_frame(&alone, &capture),
                &ratio(alone.wall, tcpdump.wall),
                "at most 1.0",
            );
        }
        report.row(
            "Processor time against tcpdump's",
            &format!("{:.3} s to {:.3} s", ours.processor, tcpdump.processor),
            &ratio(ours.processor, tcpdump.processor),
            "at most 1.1",
        );
    }
}

/// Ten times the connections, and ten times the file.
fn growth(report: &mut Report) {
    let (base, few, small) = (Capture::base(), Capture::few(), Capture::small());
    let [base_time, few_time, small_time] = time(&[stats(&base), stats(&few), stats(&small)])
        .map(|timing| timing.expect("authscope runs"));
    report.row(
        &format!("Ten times the connections: {}", few.about()),
        &format!("{:.3} s to {:.3} s", base_time.wall, few_time.wall),
        &ratio(base_time.wall, few_time.wall),
        "at most 1.3",
    );
    report.row(
        &format!("Ten times the file: {}", small.about()),
        &format!("{:.3} s to {:.3} s", base_time.wall, small_time.wall),
        &ratio(base_time.wall, small_time.wall),
        "at most 11",
    );
    let mib = |octets: u64| format!("{} MiB", octets >> 20);
    let [long, short] = [&base, &small].map(|capture| peak_octets(&stats(capture)));
    if let (Some(long), Some(short)) = (long, short) {
        report.row(
            "Peak memory, long file and short",
            &format!("{} and {}", mib(long), mib(short)),
            "",
            "at most 64 MiB and open flows",
        );
    }
}

/// Traffic in which one frame in a thousand is RegLogin.
fn other_traffic(report: &mut Report) {
    let capture = Capture::other_traffic();
    let [ours, tcpdump] = time(&[stats(&capture), tcpdump(&capture)]);
    let ours = ours.expect("authscope runs");
    let (ratio, goal) = tcpdump.map_or((String::new(), "tcpdump is not installed"), |tcpdump| {
        (ratio(ours.wall, tcpdump.wall), "at most 0.65")
    });
    report.row(
        &format!("Against tcpdump, {}", capture.about()),
        &per_frame(&ours, &capture),
        &ratio,
        goal,
    );
}

/// Time with many connections in progress at once, against few, in turns.
fn connections_at_once(report: &mut Report) {
    let few = Capture::base();
    for (frames, connections, goal) in [
        (3_000_000, 100_000, "at most 1.5"),
        (10_000_000, 1_000_000, "at most 2.5"),
    ] {
        let many = Capture::at_once(frames, connections);
        let [least, timing] =
            time(&[stats(&few), stats(&many)]).map(|timing| timing.expect("authscope runs"));
        let frames = |capture: &Capture| capture.truth.frames as f64;
        let against = |of: f64, to: f64| ratio(of / frames(&many), to / frames(&few));
        report.row(
            &format!("All under way at once, against 500: {}", many.about()),
            &per_frame(&timing, &many),
            &against(timing.wall, least.wall),
            goal,
        );
        report.row(
            "The same by processor time",
            "",
            &against(timing.processor, least.processor),
            "",
        );
    }
}

/// Memory of connections that are open at the same time.
fn open_connections(report: &mut Report) {
    let (open, closed) = (Capture::open(), Capture::small());
    let Some((with, without)) = peak_octets(&stats(&open)).zip(peak_octets(&stats(&closed))) else {
        return report.row("Open connections", "GNU time is not installed", "", "");
    };
    let each = with.saturating_sub(without) / open.connections;
    report.row(
        &format!("Memory of one of {} open connections", open.connections),
        &format!("{each} bytes"),
        "",
        "under 300",
    );
}
