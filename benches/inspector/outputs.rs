//! Measures each output form against the fastest other program with a similar output.

use super::captures::Capture;
use super::measure::{Timing, peak_octets, time};
use super::report::Report;
use super::{AUTHSCOPE, per_frame, ratio};

/// Measures every output.
pub fn against_peers(report: &mut Report) {
    let capture = Capture::small();
    let path = capture.path();
    let ours = |arguments: &str| format!("{AUTHSCOPE} read {arguments} {path}");
    let tshark = |arguments: &str| format!("tshark -n -r {path} {arguments}");
    let smpp = tshark(
        "-Y smpp -T fields -e frame.number -e tcp.stream -e smpp.command_id -e smpp.system_id \
         -e smpp.password",
    );
    let against = |report: &mut Report, of: &str, to: (&str, &str), goal: &str| {
        compare(report, &capture, &ours(of), to, goal);
    };
    against(
        report,
        "-T jsonl --messages",
        ("`tshark -T fields` with SMPP", &smpp),
        "at most 0.01",
    );
    let text = tshark("");
    let packets = ("`tshark`", text.as_str());
    against(report, "", packets, "at most 0.35");
    against(report, "-T text", packets, "at most 0.2");
    let fields = ours(
        "-T fields -e frame.number -e frame.time_epoch -e ip.src -e tcp.srcport -e ip.dst \
         -e tcp.dstport -e tcp.stream -e frame.len -e reglogin.type -e reglogin.username",
    );
    against(
        report,
        "-T csv",
        ("`authscope read -T fields` with ten of them", &fields),
        "at most 1.5",
    );
    let hex = format!("tcpdump -n -X -r {path}");
    against(report, "-V", ("`tcpdump -X`", &hex), "at most 0.2");
    let octets = format!("tcpdump -n -x -r {path}");
    against(report, "-x", ("`tcpdump -x`", &octets), "");
    let ngrep = format!("ngrep -q -x -I {path} ^ tcp port 8888");
    against(report, "-x", ("`ngrep -x`", &ngrep), "");
    let tcpflow = format!("tcpflow -c -D -X /dev/null -r {path} tcp port 8888");
    against(report, "-x", ("`tcpflow -c -D`", &tcpflow), "");
}

fn compare(
    report: &mut Report,
    capture: &Capture,
    ours: &str,
    (peer, peers): (&str, &str),
    goal: &str,
) {
    let [own, other] = time(&[ours.to_owned(), peers.to_owned()]);
    let own = own.expect("authscope runs");
    let arguments = ours.strip_prefix(AUTHSCOPE).unwrap_or(ours);
    let shown = arguments.trim_end_matches(&capture.path().to_string());
    let figure = |command: &str, timing: &Timing| {
        let peak = peak_octets(command).map(|octets| format!(", {} MiB", octets >> 20));
        format!("{}{}", per_frame(timing, capture), peak.unwrap_or_default())
    };
    let what = format!("`authscope {}`, {}", shown.trim(), capture.about());
    report.row(&what, &figure(ours, &own), "1", "");
    match other {
        Some(other) => report.row(
            &format!("The same against {peer}"),
            &figure(peers, &other),
            &ratio(own.wall, other.wall),
            goal,
        ),
        None => report.row(
            &format!("The same against {peer}"),
            "not installed",
            "",
            goal,
        ),
    }
}
