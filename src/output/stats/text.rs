//! The summary as sections of aligned text.

use std::io::{self, Write};

use comfy_table::{Cell, CellAlignment, Table, TableStyle};

use super::sentence::{Sentence, Span};
use crate::capture::Seconds;
use crate::dissect::Severity;
use crate::output::charset::Charset;
use crate::output::clock::{Clock, TimeFormat};
use crate::output::tone::Tone;
use crate::session::FlowEnd;
use crate::session::summary::{
    ACTIONS, Capped, Counts, MESSAGE_TYPES, Summary, top_addresses, top_users,
};
use crate::text::escape::{Escaped, EscapedOctets};

/// How the text looks.
#[derive(Debug, Clone, Copy, Default)]
pub struct TextStyle {
    /// Whether findings are coloured by severity.
    pub color: bool,
    /// What bars are drawn with.
    pub charset: Charset,
}

/// Columns of the longest bar.
const BAR: u64 = 40;

pub(super) fn write(
    out: &mut impl Write,
    summary: &Summary,
    style: TextStyle,
    top: usize,
) -> io::Result<()> {
    overview(out, summary)?;
    messages(out, summary)?;
    response_times(out, summary)?;
    described(out, summary)?;
    let users = top_users(summary, top);
    let names = users
        .iter()
        .map(|(name, user)| (EscapedOctets(name).to_string(), user.counts));
    people(out, "Users", names.collect(), &summary.users, |user| {
        user.counts
    })?;
    let addresses = top_addresses(summary, top);
    let clients = addresses
        .iter()
        .map(|(address, row)| (address.to_string(), row.counts));
    people(
        out,
        "Clients",
        clients.collect(),
        &summary.addresses,
        |row| row.counts,
    )?;
    protocols(out, summary)?;
    conversations(out, summary, top)?;
    rate(out, summary, style)?;
    notes(out, summary)?;
    findings(out, summary, style)
}

/// A section's table: its title stands over the first column.
struct Section(Table);

impl Section {
    fn new(header: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let mut table = Table::new();
        table.load_style(TableStyle::new());
        table.force_no_tty();
        let header: Vec<Cell> = header
            .into_iter()
            .map(|title| Cell::new_owned(title.into()))
            .collect();
        table.set_header(header);
        Self(table)
    }

    fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        let cells = cells.into_iter().map(|text| Cell::new_owned(text.into()));
        self.0.add_row(cells.collect::<Vec<_>>());
    }

    /// Writes the table with all but its first `left` columns aligned to the right.
    fn write(mut self, out: &mut impl Write, left: usize) -> io::Result<()> {
        for (index, column) in self.0.column_iter_mut().enumerate() {
            column.set_padding((0, 2));
            if index >= left {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        writeln!(out)?;
        for line in self.0.lines() {
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

fn overview(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    let frames = &summary.frames;
    let mut lines = vec![
        ("Frames", frames.frames.to_string()),
        ("  of watched ports or RegLogin", frames.watched.to_string()),
        ("Octets on the wire", frames.octets.to_string()),
    ];
    if frames.cut > 0 {
        lines.push(("Frames cut by the snapshot length", frames.cut.to_string()));
    }
    for (reason, count) in frames.without_tcp.reasons() {
        lines.push(("Frames without TCP", format!("{count} ({reason})")));
    }
    if let Some([first, last]) = frames.times {
        let mut clock = Clock::new(TimeFormat::Utc);
        for (label, time) in [("First frame", first), ("Last frame", last)] {
            clock.see(time);
            let mut text = String::new();
            clock.write(&mut text, time);
            lines.push((label, text));
        }
        lines.push(("Duration", format!("{} s", Seconds(frames.duration()))));
    }
    lines.push(("Streams", summary.streams.to_string()));
    for (label, value) in lines {
        writeln!(out, "{label:<34}{value}")?;
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

/// What layouts describe: messages by kind, with what responses say, and how long answers took.
fn described(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
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
            let mut row = vec![name.to_owned(), q.count.to_string()];
            row.extend([q.min, q.p50, q.p90, q.p99, q.max].map(seconds));
            section.row(row);
            section.write(out, 1)?;
        }
    }
    Ok(())
}

/// Columns of response times.
const TIMES: [&str; 7] = [
    "Response time (s)",
    "Count",
    "Min",
    "Median",
    "90%",
    "99%",
    "Max",
];

fn response_times(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    let mut section = Section::new(TIMES);
    for (action, times) in ACTIONS.iter().zip(&summary.times) {
        let Some(q) = times.quantiles() else { continue };
        let mut noun = action.noun().to_owned();
        noun[..1].make_ascii_uppercase();
        let mut row = vec![noun, q.count.to_string()];
        row.extend([q.min, q.p50, q.p90, q.p99, q.max].map(seconds));
        section.row(row);
    }
    if section.0.is_empty() {
        return Ok(());
    }
    section.write(out, 1)
}

/// Nanoseconds as seconds with six decimals.
fn seconds(nanoseconds: i64) -> String {
    let size = nanoseconds.unsigned_abs();
    let microseconds = size / 1000 + u64::from(size % 1000 >= 500);
    let sign = if nanoseconds < 0 && microseconds > 0 {
        "-"
    } else {
        ""
    };
    format!(
        "{sign}{}.{:06}",
        microseconds / 1_000_000,
        microseconds % 1_000_000
    )
}

fn people<K: std::hash::Hash + Eq, V: Default>(
    out: &mut impl Write,
    title: &str,
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
    if section.0.is_empty() {
        return Ok(());
    }
    section.write(out, 1)
}

fn conversations(out: &mut impl Write, summary: &Summary, top: usize) -> io::Result<()> {
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
        "Octets to server",
        "to client",
        "Duration (s)",
    ]);
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
            client.to_string(),
            server.to_string(),
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
    section.write(out, 3)?;
    if left_out > 0 {
        writeln!(out, "({left_out} smaller ones)")?;
    }
    Ok(())
}

fn rate(out: &mut impl Write, summary: &Summary, style: TextStyle) -> io::Result<()> {
    let bars = summary.rate.bars();
    if bars.len() < 2 {
        return Ok(());
    }
    let has_messages =
        summary.messages.iter().any(|count| *count > 0) || !summary.described.is_empty();
    let (value, what): (fn(&_) -> u64, _) = if has_messages {
        (
            |bar: &crate::session::summary::Bar| bar.messages,
            "messages",
        )
    } else {
        (|bar: &crate::session::summary::Bar| bar.frames, "frames")
    };
    let most = bars.iter().map(value).max().unwrap_or_default();
    let width = Span(i64::try_from(summary.rate.width()).unwrap_or(i64::MAX));
    let mut section = Section::new([
        "From (s)".to_owned(),
        "Frames".to_owned(),
        "Messages".to_owned(),
        "Failures".to_owned(),
        format!("{what} in {width} each"),
    ]);
    for (index, bar) in bars.iter().enumerate() {
        section.row([
            seconds(i64::try_from(index as u64 * summary.rate.width()).unwrap_or(i64::MAX)),
            bar.frames.to_string(),
            bar.messages.to_string(),
            bar.failures.to_string(),
            style.charset.bar(value(bar), most, BAR),
        ]);
    }
    for column in section.0.column_iter_mut().take(4) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    section.write(out, 5)
}

fn notes(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    let mut section = Section::new(["Notes", "Count"]);
    for severity in Severity::ALL.into_iter().rev() {
        let count: u64 = summary.notes(severity).iter().sum();
        if count > 0 {
            let mut name = severity.name().to_owned();
            name[..1].make_ascii_uppercase();
            section.row([name, count.to_string()]);
        }
    }
    if section.0.is_empty() {
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
        let tone = Tone::of_severity(finding.severity).style();
        let (start, end) = if style.color {
            (tone.render().to_string(), tone.render_reset().to_string())
        } else {
            (String::new(), String::new())
        };
        let severity = finding.severity.name();
        let frames: Vec<String> = finding.frames.iter().map(ToString::to_string).collect();
        let word = if frames.len() == 1 { "frame" } else { "frames" };
        writeln!(
            out,
            "{start}[{severity}] {}: {} ({word} {}){end}",
            finding.what.name(),
            Sentence(finding),
            frames.join(", ")
        )?;
    }
    for limit in &limits {
        writeln!(out, "Mind: {limit}.")?;
    }
    Ok(())
}
