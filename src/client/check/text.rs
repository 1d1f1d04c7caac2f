//! Reports for people: one line per check and, for failed checks, expected and received bytes side by side.

use std::fmt::Write as _;

use super::judge;
use super::run::{Names, Point, Report, Verdict};
use super::script::Sent;
use super::table::{Check, checks};

/// Bytes per line of two dumps side by side.
const BESIDE: usize = 8;
/// Bytes per line of one dump.
const LINE: usize = 16;
/// The most lines of sent bytes that are shown.
const MOST_LINES: usize = 8;

/// The width of a check's name in a list.
fn name_width() -> usize {
    let names = checks().map(|check| check.name.len());
    names.max().unwrap_or_default()
}

/// Appends the list of all checks by where the promises are made: names and promises.
pub fn list(out: &mut String) {
    let width = name_width();
    let mut sections: Vec<&str> = Vec::new();
    for check in checks() {
        if !sections.contains(&check.section) {
            sections.push(check.section);
        }
    }
    for (index, section) in sections.into_iter().enumerate() {
        let before = if index == 0 { "" } else { "\n" };
        let _ = writeln!(out, "{before}{section}");
        for check in checks().filter(|check| check.section == section) {
            let _ = writeln!(out, "  {:width$}  {}", check.name, check.promise);
        }
    }
}

/// Appends a check's line, and its bytes where it is wrong or `octets` says so.
pub fn report(out: &mut String, report: &Report, uniform: bool, octets: bool) {
    let Check { name, promise, .. } = report.check;
    let width = name_width();
    let verdict = match report.verdict {
        Verdict::Right => "right",
        Verdict::Wrong(_) => "wrong",
        Verdict::NotTried(_) => "not tried",
    };
    let _ = writeln!(out, "{verdict:9}  {name:width$}  {promise}");
    if let Verdict::NotTried(why) = &report.verdict {
        let _ = writeln!(out, "    {why}");
    }
    let wrong = matches!(report.verdict, Verdict::Wrong(_));
    if wrong || octets {
        for each in &report.points {
            point(out, each, uniform);
        }
    }
    if let Verdict::Wrong(why) = &report.verdict {
        let _ = writeln!(out, "    wrong: {why}");
        let _ = writeln!(
            out,
            "    see docs/protocol.md, \"{}\"\n",
            report.check.section
        );
    }
}

/// Appends how many checks came out how, and which names are left behind.
pub fn summary(out: &mut String, reports: &[Verdict], names: &Names) {
    let count = |wanted: fn(&Verdict) -> bool| reports.iter().filter(|&one| wanted(one)).count();
    let right = count(|one| matches!(one, Verdict::Right));
    let wrong = count(|one| matches!(one, Verdict::Wrong(_)));
    let not_tried = count(|one| matches!(one, Verdict::NotTried(_)));
    let _ = writeln!(
        out,
        "\n{} checks: {right} right, {wrong} wrong, {not_tried} not tried",
        reports.len()
    );
    for (what, names) in [
        ("Registered", &names.registered),
        ("Perhaps registered", &names.perhaps),
    ] {
        if !names.is_empty() {
            let text = format!("{what}: {}", names.join(", "));
            let options = textwrap::Options::new(80)
                .subsequent_indent("  ")
                .word_separator(textwrap::WordSeparator::AsciiSpace)
                .word_splitter(textwrap::WordSplitter::NoHyphenation);
            for line in textwrap::wrap(&text, options) {
                let _ = writeln!(out, "{line}");
            }
        }
    }
}

fn point(out: &mut String, point: &Point, uniform: bool) {
    for sent in &point.sent {
        self::sent(out, sent);
    }
    let expected = judge::expected_in_words(&point.awaited, uniform);
    let came = judge::came_in_words(&point.received, point.end);
    let _ = writeln!(out, "    expected  {expected}\n    came      {came}");
    beside(out, &judge::expected(&point.awaited), &point.received);
}

fn sent(out: &mut String, sent: &Sent) {
    let (octets, how) = match sent {
        Sent::Octets(octets) => (octets, ""),
        Sent::OneByOne(octets) => (octets, ", each in a segment of its own"),
        Sent::Dripping(octets) => (octets, ", one now and then"),
        Sent::Pause => return out.push_str("    a pause\n"),
        Sent::HalfClose => return out.push_str("    sent the end (half-close)\n"),
        Sent::HangUp => return out.push_str("    closed the connection\n"),
        Sent::Connection => return out.push_str("    on another connection\n"),
        Sent::FirstConnection => return out.push_str("    on the first connection\n"),
    };
    let _ = writeln!(out, "    sent {} bytes{how}", octets.len());
    for (index, line) in octets.chunks(LINE).enumerate() {
        if index == MOST_LINES {
            let _ = writeln!(out, "        and so on");
            break;
        }
        let _ = write!(out, "      {:04x}  ", index * LINE);
        for column in 0..LINE {
            match line.get(column) {
                Some(octet) => _ = write!(out, "{octet:02x} "),
                None => out.push_str("   "),
            }
        }
        let _ = writeln!(out, " {}", as_text(line));
    }
}

fn as_text(octets: &[u8]) -> String {
    let shown = |octet: &u8| match octet {
        0x20..=0x7e => char::from(*octet),
        _ => '.',
    };
    octets.iter().map(shown).collect()
}

/// Appends what was expected beside what was received; `>` stands before lines that differ, `..` where any byte is
/// right, and `*` for lines like the one before.
fn beside(out: &mut String, expected: &[Option<u8>], received: &[u8]) {
    let octets = expected.len().max(received.len());
    if octets == 0 {
        return;
    }
    let _ = writeln!(out, "              {:24} received", "expected");
    let lines = octets.div_ceil(BESIDE);
    let mut before = String::new();
    for index in 0..lines.min(MOST_LINES * LINE / BESIDE) {
        let range = index * BESIDE..(index + 1) * BESIDE;
        let mut left = String::new();
        let mut right = String::new();
        let mut differs = false;
        for at in range.clone() {
            let (due, came) = (expected.get(at), received.get(at));
            match due {
                Some(Some(octet)) => _ = write!(left, "{octet:02x} "),
                Some(None) => left.push_str(".. "),
                None => left.push_str("   "),
            }
            match came {
                Some(octet) => _ = write!(right, "{octet:02x} "),
                None => right.push_str("   "),
            }
            differs |= match (due, came) {
                (Some(Some(due)), Some(came)) => due != came,
                (Some(None), Some(_)) | (None, None) => false,
                _ => true,
            };
        }
        let mark = if differs { '>' } else { ' ' };
        let start = range.start.min(received.len());
        let text = as_text(&received[start..range.end.min(received.len())]);
        let line = format!("{left} {right} {text}");
        if line == before {
            if !out.ends_with("*\n") {
                out.push_str("      *\n");
            }
            continue;
        }
        let shown = format!("    {mark} {:04x}    {line}", range.start);
        let _ = writeln!(out, "{}", shown.trim_end());
        before = line;
    }
    if lines > MOST_LINES * LINE / BESIDE {
        let _ = writeln!(out, "        and so on");
    }
}

#[cfg(test)]
mod tests {
    use super::super::judge::End;
    use super::super::script::{Awaited, ExpectedAnswer, Then, Words};
    use super::*;
    use crate::protocol::{Action, Description, Response};

    #[test]
    fn what_is_wrong_stands_beside_what_is_expected() {
        let check = checks().find(|check| check.name == "wrong-length").unwrap();
        let received = Response {
            action: Action::Login,
            success: true,
            description: Description::cut("login successful"),
        };
        let report = Report {
            check,
            verdict: Verdict::Wrong("status 1, success, where 0, failure, is due".into()),
            points: vec![Point {
                sent: vec![Sent::Octets(b"\x00\x00\x00\x39alice".to_vec())],
                awaited: Awaited {
                    what: ExpectedAnswer::Response {
                        action: Action::Login,
                        success: false,
                        words: Words::Any,
                    },
                    then: Then::Ends,
                    who: None,
                },
                received: received.encode()[..26].to_vec(),
                end: End::Closed,
                wrong: None,
            }],
        };
        let mut out = String::new();
        self::report(&mut out, &report, false, false);
        let shown = "\
wrong      wrong-length        totalLength 57: a failure, and the end
    sent 9 bytes
      0000  00 00 00 39 61 6c 69 63 65                       ...9alice
    expected  login response, failure; the end of the connection
    came      26 bytes that are no response; the end of the connection
              expected                 received
      0000    00 00 00 49 00 00 00 04  00 00 00 49 00 00 00 04  ...I....
    > 0008    00 .. .. .. .. .. .. ..  01 6c 6f 67 69 6e 20 73  .login s
      0010    .. .. .. .. .. .. .. ..  75 63 63 65 73 73 66 75  uccessfu
    > 0018    .. .. .. .. .. .. .. ..  6c 00                    l.
    > 0020    .. .. .. .. .. .. .. ..
      *
    > 0048    ..
    wrong: status 1, success, where 0, failure, is due
    see docs/protocol.md, \"What closes a connection, and what does not\"

";
        assert_eq!(out, shown);
        assert!(out.lines().all(|line| line.len() <= 80));
    }

    #[test]
    fn the_list_fits_80_columns() {
        let mut out = String::new();
        list(&mut out);
        assert!(out.lines().all(|line| line.len() <= 80), "{out}");
        let first = checks().next().unwrap();
        assert!(out.contains(first.promise));
    }
}
