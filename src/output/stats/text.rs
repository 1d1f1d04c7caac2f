//! The summary as sections of aligned text.

use std::io::{self, Write};

use super::chart;
use super::section::Section;
use super::sentence::Sentence;
use crate::capture::Seconds;
use crate::dissect::Severity;
use crate::output::charset::Charset;
use crate::output::clock::{TimeDisplay, TimeFormat};
use crate::output::fold::{Folding, at_blanks};
use crate::output::highlight::Highlight;
use crate::session::FlowEnd;
use crate::session::summary::{
    ACTIONS, Capped, Counts, MESSAGE_TYPES, Quantiles, Summary, Tally, top_addresses, top_users,
};
use crate::text::capitalised;
use crate::text::escape::{Escaped, EscapedOctets};

/// The style of the text.
#[derive(Debug, Clone, Copy, Default)]
pub struct TextStyle {
    /// Whether findings are coloured by severity.
    pub color: bool,
    /// The characters of bars.
    pub charset: Charset,
    /// The maximum width of lines in columns; `None`: unlimited.
    pub width: Option<u16>,
}

pub(super) fn write(
    out: &mut impl Write,
    summary: &Summary,
    style: TextStyle,
    top: usize,
) -> io::Result<()> {
    let out = &mut Folding::new(out, style.width);
    overview(out, summary, style)?;
    messages(out, summary)?;
    response_times(out, summary, style)?;
    described(out, summary, style)?;
    let users = top_users(summary, top);
    let names = users
        .iter()
        .map(|(name, user)| (EscapedOctets(name).to_string(), user.counts()));
    people(
        out,
        ("Users", style),
        names.collect(),
        &summary.users,
        Tally::counts,
    )?;
    let addresses = top_addresses(summary, top);
    let clients = addresses
        .iter()
        .map(|(address, row)| (address.to_string(), row.counts()));
    people(
        out,
        ("Clients", style),
        clients.collect(),
        &summary.addresses,
        Tally::counts,
    )?;
    protocols(out, summary)?;
    conversations(out, summary, style, top)?;
    chart::rate(out, summary, style)?;
    notes(out, summary)?;
    findings(out, summary, style)
}

fn overview(out: &mut impl Write, summary: &Summary, style: TextStyle) -> io::Result<()> {
    let frames = &summary.frames;
    let mut lines = Vec::new();
    let mut labels = ["First frame", "Last frame"];
    if let Some(counts) = summary.rows {
        lines.push(("Exchanges", counts.rows.to_string()));
        labels = ["First request", "Last response"];
    } else {
        lines.extend([
            ("Frames", frames.frames.to_string()),
            ("  of watched ports or RegLogin", frames.watched.to_string()),
            ("Bytes on the wire", frames.octets.to_string()),
        ]);
    }
    if frames.cut > 0 {
        lines.push(("Frames cut by the snapshot length", frames.cut.to_string()));
    }
    for (reason, count) in frames.without_tcp.reasons() {
        lines.push(("Frames without TCP", format!("{count} ({reason})")));
    }
    if let Some([first, last]) = frames.times {
        let mut clock = TimeDisplay::new(TimeFormat::Utc);
        for (label, time) in labels.into_iter().zip([first, last]) {
            clock.see(time);
            let mut text = String::new();
            clock.write(&mut text, time);
            lines.push((label, text));
        }
        lines.push(("Duration", format!("{} s", Seconds(frames.duration()))));
    }
    if summary.rows.is_none() {
        lines.push(("Streams", summary.streams.to_string()));
    }
    // A date must fit after them.
    let labels = if style.width.is_some_and(|width| width < 72) {
        31
    } else {
        34
    };
    for (label, value) in lines {
        writeln!(out, "{label:<labels$}{value}")?;
    }
    Ok(())
}

fn messages(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    if summary.messages.iter().all(|count| *count == 0) {
        return Ok(());
    }
    let unclear = summary.outcomes.iter().any(|outcome| outcome.unclear > 0);
    let mut header = vec!["Messages", "Count", "Success", "Failure"];
    if unclear {
        header.push("Other status");
    }
    let mut section = Section::new(header);
    for (command, count) in MESSAGE_TYPES.iter().zip(summary.messages) {
        let is_known = command.kind().is_some();
        if count == 0 && !is_known {
            continue;
        }
        let mut row = vec![command.title().to_owned(), count.to_string()];
        let action = ACTIONS
            .iter()
            .position(|action| action.response() == *command);
        if let Some(action) = action {
            let outcomes = summary.outcomes[action];
            row.extend([outcomes.success, outcomes.failure].map(|count| count.to_string()));
            if unclear {
                row.push(outcomes.unclear.to_string());
            }
        }
        section.row(row);
    }
    section.write(out, 1)
}

/// Writes the sections of layouts: messages by kind, outcomes, and response times.
fn described(out: &mut impl Write, summary: &Summary, style: TextStyle) -> io::Result<()> {
    for counts in &summary.described {
        let name = counts.layout.name();
        let mut section = Section::new([name, "Count"]);
        for (kind, count) in counts.by_kind() {
            section.row([Escaped(kind).to_string(), count.to_string()]);
        }
        let outcomes = counts.outcomes;
        let more = [
            ("responses: success", outcomes.success),
            ("responses: failure", outcomes.failure),
            ("responses: other outcome", outcomes.unclear),
            ("requests without a response", counts.unanswered),
        ];
        for (what, count) in more.into_iter().filter(|(_, count)| *count > 0) {
            section.row([what.to_owned(), count.to_string()]);
        }
        section.write(out, 1)?;
        if let Some(q) = counts.times.quantiles() {
            let mut section = Section::new(TIMES);
            section.row(distribution(name.to_owned(), &q));
            section.fit(style.width, &LEAST_WANTED);
            section.write(out, 1)?;
            chart::histogram(out, &[(name, &counts.times)], style)?;
        }
    }
    Ok(())
}

/// The headings of response times.
const TIMES: [&str; 7] = [
    "Response time (ms)",
    "Count",
    "Min",
    "Median",
    "90%",
    "99%",
    "Max",
];

/// Columns of response times that may be hidden, the least important first: 90%, Min, 99%.
const LEAST_WANTED: [usize; 3] = [4, 2, 5];

/// A row of response times.
fn distribution(name: String, q: &Quantiles) -> Vec<String> {
    let mut row = vec![name, q.count.to_string()];
    row.extend([q.min, q.p50, q.p90, q.p99, q.max].map(milliseconds));
    row
}

fn response_times(out: &mut impl Write, summary: &Summary, style: TextStyle) -> io::Result<()> {
    let mut section = Section::new(TIMES);
    let mut all = Vec::new();
    for (action, times) in ACTIONS.iter().zip(&summary.times) {
        let Some(q) = times.quantiles() else { continue };
        let noun = capitalised(action.noun());
        section.row(distribution(noun.clone(), &q));
        all.push((noun, times));
    }
    if all.is_empty() {
        return Ok(());
    }
    section.fit(style.width, &LEAST_WANTED);
    section.write(out, 1)?;
    let all: Vec<_> = all.iter().map(|(noun, times)| (&**noun, *times)).collect();
    chart::histogram(out, &all, style)
}

/// Nanoseconds as milliseconds with three decimals.
fn milliseconds(nanoseconds: i64) -> String {
    let (sign, microseconds) = microseconds(nanoseconds);
    format!("{sign}{}.{:03}", microseconds / 1000, microseconds % 1000)
}

/// Nanoseconds as seconds with six decimals.
pub(super) fn seconds(nanoseconds: i64) -> String {
    let (sign, microseconds) = microseconds(nanoseconds);
    format!(
        "{sign}{}.{:06}",
        microseconds / 1_000_000,
        microseconds % 1_000_000
    )
}

/// The sign and the absolute value of a duration, rounded to microseconds. Zero has no sign.
const fn microseconds(nanoseconds: i64) -> (&'static str, u64) {
    let size = nanoseconds.unsigned_abs();
    let microseconds = size / 1000 + (size % 1000 >= 500) as u64;
    let sign = if nanoseconds < 0 && microseconds > 0 {
        "-"
    } else {
        ""
    };
    (sign, microseconds)
}

fn people<K: std::hash::Hash + Eq, V: Default>(
    out: &mut impl Write,
    (title, style): (&str, TextStyle),
    mut rows: Vec<(String, Counts)>,
    all: &Capped<K, V>,
    counts: fn(&V) -> Counts,
) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let left_out = all.len() - rows.len();
    if let Some(others) = all.others() {
        rows.push(("(all others)".to_owned(), counts(others)));
    }
    let mut section = Section::new([
        title,
        "Requests",
        "Registered",
        "Refused",
        "Logged in",
        "Failed",
        "No answer",
    ]);
    for (name, counts) in rows {
        let Counts {
            successes,
            failures,
            unanswered,
            ..
        } = counts;
        let numbers = [
            counts.requests(),
            successes[0],
            failures[0],
            successes[1],
            failures[1],
            unanswered,
        ];
        section.row(std::iter::once(name).chain(numbers.map(|count| count.to_string())));
    }
    section.fit(style.width, &[1, 6, 3, 2]);
    section.write(out, 1)?;
    more(out, left_out)
}

fn more(out: &mut impl Write, left_out: usize) -> io::Result<()> {
    if left_out > 0 {
        writeln!(out, "({left_out} more; --top shows them)")?;
    }
    Ok(())
}

fn protocols(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    let mut section = Section::new(["Protocols", "Streams"]);
    for (protocol, streams) in summary.all_protocols() {
        if streams > 0 {
            section.row([protocol.to_string(), streams.to_string()]);
        }
    }
    if section.is_empty() {
        return Ok(());
    }
    section.write(out, 1)
}

fn conversations(
    out: &mut impl Write,
    summary: &Summary,
    style: TextStyle,
    top: usize,
) -> io::Result<()> {
    let largest = summary.conversations.largest();
    if largest.is_empty() {
        return Ok(());
    }
    let mut section = Section::new([
        "Connections",
        "Server",
        "Protocol",
        "Stream",
        "Frames to server",
        "to client",
        "Bytes to server",
        "to client",
        "Duration (s)",
    ]);
    // If lines must fit, the middle of long addresses is left out.
    let end = |end: &dyn std::fmt::Display| match style.width {
        Some(_) => style.charset.shortened(&end.to_string(), END).into_owned(),
        None => end.to_string(),
    };
    let shown = largest.iter().take(top);
    for flow in shown.clone() {
        let FlowEnd {
            ends: [client, server],
            frames: [asked, answered],
            octets: [sent, received],
            times: [first, last],
            ..
        } = flow;
        section.row([
            end(client),
            end(server),
            flow.protocol.to_string(),
            flow.stream.to_string(),
            asked.to_string(),
            answered.to_string(),
            sent.to_string(),
            received.to_string(),
            seconds(last.since(*first)),
        ]);
    }
    let left_out = summary.conversations.count() - shown.count() as u64;
    section.fit(style.width, &[6, 7, 8, 2, 4, 5]);
    section.write(out, 3)?;
    if left_out > 0 {
        writeln!(out, "({left_out} smaller ones)")?;
    }
    Ok(())
}

fn notes(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    // Exchange rows have no notes.
    if summary.rows.is_some() {
        return Ok(());
    }
    let mut section = Section::new(["Notes", "Count"]);
    for severity in Severity::ALL.into_iter().rev() {
        let count: u64 = summary.notes(severity).iter().sum();
        if count > 0 {
            section.row([capitalised(severity.name()), count.to_string()]);
        }
    }
    if section.is_empty() {
        return Ok(());
    }
    section.write(out, 1)
}

fn findings(out: &mut impl Write, summary: &Summary, style: TextStyle) -> io::Result<()> {
    let (findings, limits) = (summary.findings(), summary.limits());
    writeln!(out, "\nFindings")?;
    if findings.is_empty() {
        writeln!(out, "None.")?;
    }
    for finding in &findings {
        let highlight = Highlight::of_severity(finding.severity).style();
        let (start, end) = if style.color {
            (
                highlight.render().to_string(),
                highlight.render_reset().to_string(),
            )
        } else {
            (String::new(), String::new())
        };
        let severity = finding.severity.name();
        let frames: Vec<String> = finding.frames.iter().map(ToString::to_string).collect();
        let word = if frames.len() == 1 { "frame" } else { "frames" };
        let text = format!(
            "[{severity}] {}: {} ({word} {})",
            finding.what.name(),
            Sentence(finding),
            frames.join(", ")
        );
        writeln!(out, "{start}{}{end}", wrapped(&text, style))?;
    }
    for limit in &limits {
        writeln!(out, "{}", wrapped(&format!("Note: {limit}."), style))?;
    }
    Ok(())
}

/// A paragraph, wrapped at the style's width.
fn wrapped(text: &str, style: TextStyle) -> String {
    match style.width {
        Some(width) => textwrap::fill(text, at_blanks(width.into()).subsequent_indent("  ")),
        None => text.to_owned(),
    }
}

/// The maximum width of an address with its port if lines must fit, in columns.
const END: usize = 24;
