//! Reports for programs: one JSON object for a run.

use std::fmt::Write as _;

use serde::Serialize;

use super::judge::{self, End};
use super::run::{Names, Point, Report, Verdict};
use super::script::Sent;
use crate::text::escape::Hex;

/// A run.
#[derive(Serialize)]
pub struct Run {
    server: String,
    tls: bool,
    /// How many checks came out how.
    right: usize,
    wrong: usize,
    not_tried: usize,
    registered: Vec<String>,
    perhaps_registered: Vec<String>,
    checks: Vec<Made>,
}

impl Run {
    /// A run against this server, without any check.
    #[must_use]
    pub const fn new(server: String, tls: bool) -> Self {
        Self {
            server,
            tls,
            right: 0,
            wrong: 0,
            not_tried: 0,
            registered: Vec::new(),
            perhaps_registered: Vec::new(),
            checks: Vec::new(),
        }
    }

    /// Takes a check up.
    pub fn add(&mut self, report: &Report, uniform: bool) {
        let (verdict, why) = match &report.verdict {
            Verdict::Right => ("right", None),
            Verdict::Wrong(why) => ("wrong", Some(why.clone())),
            Verdict::NotTried(why) => ("not tried", Some(why.clone())),
        };
        *match report.verdict {
            Verdict::Right => &mut self.right,
            Verdict::Wrong(_) => &mut self.wrong,
            Verdict::NotTried(_) => &mut self.not_tried,
        } += 1;
        let points = report.points.iter();
        self.checks.push(Made {
            name: report.check.name,
            promise: report.check.promise,
            section: report.check.section,
            verdict,
            why,
            points: points.map(|point| At::new(point, uniform)).collect(),
        });
    }

    /// The object, when all checks are made.
    #[must_use]
    pub fn finish(mut self, names: Names) -> String {
        self.registered = names.registered;
        self.perhaps_registered = names.perhaps;
        let mut text = serde_json::to_string_pretty(&self).unwrap_or_default();
        text.push('\n');
        text
    }
}

#[derive(Serialize)]
struct Made {
    name: &'static str,
    promise: &'static str,
    section: &'static str,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    points: Vec<At>,
}

/// A point of a check.
#[derive(Serialize)]
struct At {
    sent: Vec<Act>,
    expected: Side,
    received: Side,
    #[serde(skip_serializing_if = "Option::is_none")]
    wrong: Option<String>,
}

impl At {
    fn new(point: &Point, uniform: bool) -> Self {
        let mut octets = String::new();
        for octet in judge::expected(&point.awaited) {
            match octet {
                Some(octet) => _ = write!(octets, "{octet:02x}"),
                None => octets.push_str(".."),
            }
        }
        let end = match point.end {
            End::Open => "open",
            End::Closed => "closed",
            End::Reset => "reset",
        };
        Self {
            sent: point.sent.iter().map(Act::new).collect(),
            expected: Side {
                words: judge::expected_in_words(&point.awaited, uniform),
                octets,
                connection: None,
            },
            received: Side {
                words: judge::came_in_words(&point.received, point.end),
                octets: Hex(&point.received).to_string(),
                connection: Some(end),
            },
            wrong: point.wrong.clone(),
        }
    }
}

/// What was expected, or what came.
#[derive(Serialize)]
struct Side {
    words: String,
    /// Hexadecimal digits, two a byte; `..` where any byte is right.
    octets: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<&'static str>,
}

/// Something that was sent.
#[derive(Serialize)]
struct Act {
    what: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    octets: Option<String>,
}

impl Act {
    fn new(sent: &Sent) -> Self {
        let (what, octets) = match sent {
            Sent::Octets(octets) => ("octets", Some(octets)),
            Sent::OneByOne(octets) => ("octets one by one", Some(octets)),
            Sent::Dripping(octets) => ("octets now and then", Some(octets)),
            Sent::Pause => ("pause", None),
            Sent::HalfClose => ("half-close", None),
            Sent::HangUp => ("close", None),
            Sent::Connection => ("another connection", None),
            Sent::FirstConnection => ("the first connection", None),
        };
        Self {
            what,
            octets: octets.map(|octets| Hex(octets).to_string()),
        }
    }
}
