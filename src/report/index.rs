//! The index of several captures: a row each, with the verdict, a small chart and a link to its page; and the same as CSV.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::collect::Collector;
use super::digest::Digest;
use super::html::{document, rate_spark};
use super::size::MOST_BYTES;
use super::times::{full, milliseconds, span};
use super::verdict::{Mood, Requests, Verdict};
use crate::capture::Timestamp;
use crate::session::summary::Bar;
use crate::text::csv::push_cell;
use crate::text::escape::Escaped;
use crate::text::number::{counted, thousands};

/// A capture's row.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The file, as it was named.
    pub file: String,
    /// What it is.
    pub digest: Option<Digest>,
    /// Where its page is, from the index; none where there is none.
    pub page: Option<String>,
    verdict: Verdict,
    counts: Option<Counted>,
}

/// The numbers of a row.
#[derive(Debug, Clone)]
struct Counted {
    frames: u64,
    times: Option<[Timestamp; 2]>,
    requests: Requests,
    users: usize,
    addresses: usize,
    findings: usize,
    median: Option<i64>,
    bars: Vec<Bar>,
}

impl Entry {
    /// The row of a capture that was read.
    #[must_use]
    pub fn new(file: String, digest: Option<Digest>, collector: &Collector, page: String) -> Self {
        let summary = &collector.summary;
        let median = summary.times[1].quantiles().map(|times| times.p50);
        Self {
            file,
            digest,
            page: Some(page),
            verdict: Verdict::of(collector),
            counts: Some(Counted {
                frames: summary.frames.frames,
                times: summary.frames.times,
                requests: Requests::of(summary),
                users: summary.users.len(),
                addresses: summary.addresses.len(),
                findings: summary.findings().len(),
                median,
                bars: summary.rate.bars().to_vec(),
            }),
        }
    }

    /// The row of one that could not be read, and why.
    #[must_use]
    pub fn unreadable(file: String, why: &str) -> Self {
        let text = format!("It could not be read: {why}.");
        Self {
            file,
            digest: None,
            page: None,
            verdict: Verdict {
                mood: Mood::Error,
                text,
            },
            counts: None,
        }
    }

    /// The verdict on the capture.
    #[must_use]
    pub const fn verdict(&self) -> &Verdict {
        &self.verdict
    }
}

/// The index as a page. `table` is the name of the CSV beside it.
#[must_use]
pub fn index(entries: &[Entry], command: &str, table: &str) -> String {
    let mut page = String::new();
    // With very many captures the charts go first, then rows: the CSV has them all.
    for (charts, most) in [
        (true, usize::MAX),
        (false, usize::MAX),
        (false, 400),
        (false, 100),
    ] {
        page = write(entries, command, table, charts, most);
        if page.len() <= MOST_BYTES {
            break;
        }
    }
    page
}

fn write(entries: &[Entry], command: &str, table: &str, charts: bool, most: usize) -> String {
    let worst = entries.iter().map(|entry| entry.verdict.mood).max();
    let of = |mood: Mood| {
        entries
            .iter()
            .filter(|entry| entry.verdict.mood == mood)
            .count() as u64
    };
    let bad = of(Mood::Error) + of(Mood::Warning);
    let verdict = match bad {
        0 => format!(
            "Nothing serious was found in {}.",
            counted(entries.len() as u64, "capture")
        ),
        bad => format!(
            "Something serious was found in {} of {}.",
            thousands(bad),
            counted(entries.len() as u64, "capture")
        ),
    };
    let left = entries.len().saturating_sub(most);
    let folder = folder(entries);
    let body = html! {
        header {
            p.made { "Authscope report" }
            h1 { (counted(entries.len() as u64, "capture")) }
            p class={ "verdict " (worst.unwrap_or(Mood::Nothing).name()) } id="verdict" { (verdict) }
        }
        main {
            section #captures {
                div.head {
                    h2 { "Captures" }
                    p.sub { "A row each; the same as a table for programs: " a href=(link(table)) { (Escaped(table)) } }
                }
                div.card.long {
                    div.tools.js-only {
                        input type="search" data-search="capture-table" placeholder="Search captures" aria-label="Search captures";
                    }
                    div.wrap {
                        table.sortable #capture-table {
                            thead { tr {
                                th { "File" } th { "Verdict" }
                                @if charts { th { "Over time" } }
                                th.n { "Requests" } th.n { "Succeeded" } th.n { "Failed" } th.n { "No answer" } th.n { "Users" } th.n { "Median login" } th.n { "Length" }
                            } }
                            tbody { @for entry in entries.iter().take(most) { (row(entry, folder, charts)) } }
                        }
                    }
                    @if left > 0 { p.more { (thousands(left as u64)) " more are in the table for programs only." } }
                }
                p.more { "Made by " code { (command) } }
            }
        }
        (document::footer())
    };
    document::document(&counted(entries.len() as u64, "capture"), &body)
}

fn row(entry: &Entry, folder: &str, charts: bool) -> Markup {
    let mood = entry.verdict.mood;
    let name = entry.file.strip_prefix(folder).unwrap_or(&entry.file);
    html! {
        tr {
            td.name {
                @match &entry.page {
                    Some(page) => a href=(link(page)) title=(Escaped(&entry.file)) { (Escaped(name)) },
                    None => (Escaped(name)),
                }
            }
            td.text data-v=(4 - mood as u8) {
                span class={ "dot " (mood.name()) } title=(mood.name()) {} " " (entry.verdict.text)
            }
            @if let Some(counts) = &entry.counts {
                @if charts { td { (rate_spark(&counts.bars)) } }
                @let requests = &counts.requests;
                @for (number, what) in [
                    (requests.count(), "requests"), (requests.successes, "succeeded"), (requests.failures, "failed"),
                    (requests.unanswered, "no answer"), (counts.users as u64, "users"),
                ] {
                    td.n.z[number == 0] data-what=(what) { (thousands(number)) }
                }
                @if let Some(median) = counts.median {
                    td.n data-v=(median) data-what="median login" { (span(median)) }
                } @else { td.n {} }
                @let length = counts.times.map_or(0, |[first, last]| last.since(first));
                td.n data-v=(length) data-what="length" { (span(length)) }
            } @else {
                @for _ in 0..(7 + usize::from(charts)) { td {} }
            }
        }
    }
}

/// The folder that all files are in, with its slash.
fn folder(entries: &[Entry]) -> &str {
    let mut entries = entries.iter();
    let first = entries.next().map_or("", |entry| entry.file.as_str());
    let mut folder = &first[..first.rfind('/').map_or(0, |slash| slash + 1)];
    for entry in entries {
        while !entry.file.starts_with(folder) {
            let above = folder.trim_end_matches('/').rfind('/');
            folder = &folder[..above.map_or(0, |slash| slash + 1)];
        }
    }
    folder
}

/// A path as a link: what a URL would take for something else is written as bytes (RFC 3986 section 2.1).
fn link(path: &str) -> String {
    let mut link = String::new();
    for octet in path.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~/".contains(&octet) {
            link.push(char::from(octet));
        } else {
            let _ = write!(link, "%{octet:02X}");
        }
    }
    // Else what stands before a colon would be a scheme, and what begins with a slash another host's.
    format!("./{}", link.trim_start_matches('/'))
}

/// The columns of the CSV.
const COLUMNS: [&str; 19] = [
    "file",
    "sha256",
    "bytes",
    "verdict",
    "sentence",
    "frames",
    "first",
    "last",
    "requests",
    "registrations",
    "logins",
    "succeeded",
    "failed",
    "unanswered",
    "users",
    "addresses",
    "findings",
    "median_login_ms",
    "page",
];

/// The index as CSV (RFC 4180), a line a capture.
#[must_use]
pub fn csv(entries: &[Entry]) -> Vec<u8> {
    let mut text = (COLUMNS.join(",") + "\n").into_bytes();
    for entry in entries {
        let digest = entry.digest.as_ref();
        let counts = entry.counts.as_ref();
        let of = |value: fn(&Counted) -> u64| {
            counts.map_or_else(String::new, |counts| value(counts).to_string())
        };
        let time = |at: usize| {
            counts
                .and_then(|counts| counts.times)
                .map_or_else(String::new, |times| full(times[at]))
        };
        let cells = [
            Escaped(&entry.file).to_string(),
            digest.map_or_else(String::new, |digest| digest.sha256.clone()),
            digest.map_or_else(String::new, |digest| digest.octets.to_string()),
            entry.verdict.mood.name().to_owned(),
            entry.verdict.text.clone(),
            of(|counts| counts.frames),
            time(0),
            time(1),
            of(|counts| counts.requests.count()),
            of(|counts| counts.requests.registrations),
            of(|counts| counts.requests.logins),
            of(|counts| counts.requests.successes),
            of(|counts| counts.requests.failures),
            of(|counts| counts.requests.unanswered),
            of(|counts| counts.users as u64),
            of(|counts| counts.addresses as u64),
            of(|counts| counts.findings as u64),
            counts
                .and_then(|counts| counts.median)
                .map_or_else(String::new, milliseconds),
            entry.page.clone().unwrap_or_default(),
        ];
        for (at, cell) in cells.iter().enumerate() {
            if at > 0 {
                text.push(b',');
            }
            push_cell(&mut text, cell, cell.parse::<f64>().is_ok());
        }
        text.push(b'\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_paths_begin_with_is_a_folder() {
        let folder_of = |files: &[&str]| {
            let entries: Vec<Entry> = files
                .iter()
                .map(|file| Entry::unreadable((*file).to_owned(), "why"))
                .collect();
            folder(&entries).to_owned()
        };
        assert_eq!(folder_of(&["a/b/x", "a/b/y"]), "a/b/");
        assert_eq!(folder_of(&["a/b/x", "a/bc/y"]), "a/");
        assert_eq!(folder_of(&["a/x", "x"]), "");
        assert_eq!(folder_of(&["/a/x", "/b/x"]), "/");
        assert_eq!(folder_of(&[]), "");
    }

    #[test]
    fn links_are_paths_and_nothing_else() {
        assert_eq!(link("a/b.html"), "./a/b.html");
        assert_eq!(link("javascript:alert(1)"), "./javascript%3Aalert%281%29");
        assert_eq!(link("//host/ü#?"), "./host/%C3%BC%23%3F");
    }
}
