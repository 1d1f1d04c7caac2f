//! The summary as one JSON object.

use std::io::{self, Write};

use serde::{Serialize, Serializer};

use super::sentence::Sentence;
use crate::dissect::{Group, Severity};
use crate::output::json::format::{Decimal, Shown, TerminalSafe};
use crate::packet::Endpoint;
use crate::protocol::Action;
use crate::session::FlowEnd;
use crate::session::summary::{
    ACTIONS, Counts, DescribedCounts, Finding, MESSAGE_TYPES, Quantiles, Summary, Times, What,
    top_addresses, top_users,
};
use crate::text::escape::Hex;

pub(super) fn write(out: &mut impl Write, summary: &Summary, top: usize) -> io::Result<()> {
    let mut octets = object(summary, top, None)?;
    octets.push(b'\n');
    out.write_all(&octets)
}

/// Writes it as an element of an array, with a comma before it and the capture's path in it.
pub(super) fn write_element(
    out: &mut impl Write,
    summary: &Summary,
    top: usize,
    file: &str,
) -> io::Result<()> {
    out.write_all(b",\n")?;
    out.write_all(&object(summary, top, Some(file))?)
}

fn object(summary: &Summary, top: usize, file: Option<&str>) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut octets, TerminalSafe);
    let findings = summary.findings();
    let object = Object::new(summary, &findings, top);
    Object { file, ..object }.serialize(&mut serializer)?;
    Ok(octets)
}

/// Counts by name, in order.
struct Named(Vec<(String, u64)>);

impl Named {
    const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Named {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, count)| (name, count)))
    }
}

fn named(counts: impl IntoIterator<Item = (impl ToString, u64)>) -> Named {
    let entries = counts.into_iter();
    Named(
        entries
            .map(|(name, count)| (name.to_string(), count))
            .collect(),
    )
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands on references"
)]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands on references"
)]
const fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// The whole.
#[derive(Serialize)]
struct Object<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "is_false")]
    interrupted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<u64>,
    frames: u64,
    watched_frames: u64,
    cut_frames: u64,
    frames_without_tcp: Named,
    octets: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<Decimal>,
    duration: Decimal,
    streams: u64,
    messages: Named,
    outcomes: Named,
    unanswered: Named,
    response_time: ResponseTime,
    response_steps: ResponseSteps,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    layouts: Vec<OfLayout>,
    users: Vec<User<'a>>,
    users_total: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    other_users: Option<Totals>,
    addresses: Vec<Address>,
    addresses_total: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    other_addresses: Option<Totals>,
    protocols: Named,
    conversations: Vec<Conversation>,
    conversations_total: u64,
    rate: Rate,
    notes: Named,
    note_groups: Named,
    findings: Vec<JsonFinding<'a>>,
    #[serde(skip_serializing_if = "Named::is_empty")]
    given_up: Named,
    limits: Vec<String>,
}

/// What a layout describes.
#[derive(Serialize)]
struct OfLayout {
    name: &'static str,
    streams: u64,
    messages: Named,
    outcomes: Named,
    unanswered: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_time: Option<Distribution>,
}

impl From<&DescribedCounts> for OfLayout {
    fn from(counts: &DescribedCounts) -> Self {
        let outcomes = counts.outcomes;
        Self {
            name: counts.layout.name(),
            streams: counts.streams,
            messages: named(counts.by_kind()),
            outcomes: named([
                ("success", outcomes.success),
                ("failure", outcomes.failure),
                ("other", outcomes.unclear),
            ]),
            unanswered: counts.unanswered,
            response_time: counts.times.quantiles().map(Into::into),
        }
    }
}

#[derive(Serialize)]
struct ResponseTime {
    #[serde(skip_serializing_if = "Option::is_none")]
    registration: Option<Distribution>,
    #[serde(skip_serializing_if = "Option::is_none")]
    login: Option<Distribution>,
}

#[derive(Serialize)]
struct Distribution {
    count: u64,
    #[serde(skip_serializing_if = "is_zero")]
    negative: u64,
    min: Decimal,
    p50: Decimal,
    p90: Decimal,
    p99: Decimal,
    max: Decimal,
    exact: bool,
}

/// How many answers took how long; absent where there is none.
#[derive(Serialize)]
struct ResponseSteps {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    registration: Vec<Step>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    login: Vec<Step>,
}

/// How many answers took up to so long, and longer than the step before.
#[derive(Serialize)]
struct Step {
    to: Decimal,
    count: u64,
}

impl From<&Summary> for ResponseSteps {
    fn from(summary: &Summary) -> Self {
        let [registration, login] = &summary.times;
        Self {
            registration: steps(registration),
            login: steps(login),
        }
    }
}

fn steps(times: &Times) -> Vec<Step> {
    let buckets = times.buckets().into_iter();
    buckets
        .map(|(to, count)| Step {
            to: decimal(to),
            count,
        })
        .collect()
}

#[derive(Serialize)]
struct Totals {
    requests: u64,
    failures: u64,
    registrations: u64,
    registration_failures: u64,
    logins: u64,
    login_failures: u64,
    unanswered: u64,
}

#[derive(Serialize)]
struct User<'a> {
    #[serde(flatten)]
    name: Name<'a>,
    #[serde(flatten)]
    requests: Totals,
}

#[derive(Serialize)]
struct Address {
    address: Shown<std::net::IpAddr>,
    #[serde(flatten)]
    requests: Totals,
}

/// A user name, and its octets where they are not UTF-8.
#[derive(Serialize)]
struct Name<'a> {
    username: std::borrow::Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username_hex: Option<Shown<Hex<'a>>>,
}

#[derive(Serialize)]
struct Conversation {
    stream: u32,
    client: Shown<Endpoint>,
    server: Shown<Endpoint>,
    protocol: String,
    client_frames: u64,
    server_frames: u64,
    client_octets: u64,
    server_octets: u64,
    first: Decimal,
    duration: Decimal,
}

#[derive(Serialize)]
struct Rate {
    width: Decimal,
    bars: Vec<Bar>,
}

#[derive(Serialize)]
struct Bar {
    from: Decimal,
    frames: u64,
    octets: u64,
    messages: u64,
    successes: u64,
    failures: u64,
}

#[derive(Serialize)]
struct JsonFinding<'a> {
    kind: &'static str,
    severity: &'static str,
    #[serde(flatten)]
    name: Option<Name<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<Shown<std::net::IpAddr>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
    count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    names: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    passwords: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    succeeded_in: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slowest: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    median: Option<Decimal>,
    first: Decimal,
    last: Decimal,
    frames: &'a [u64],
    text: Shown<Sentence<'a>>,
}

/// Nanoseconds without a sign.
fn decimal(nanoseconds: u64) -> Decimal {
    Decimal(i64::try_from(nanoseconds).unwrap_or(i64::MAX))
}

impl From<Quantiles> for Distribution {
    fn from(quantiles: Quantiles) -> Self {
        Self {
            count: quantiles.count,
            negative: quantiles.negative,
            min: Decimal(quantiles.min),
            p50: Decimal(quantiles.p50),
            p90: Decimal(quantiles.p90),
            p99: Decimal(quantiles.p99),
            max: Decimal(quantiles.max),
            exact: quantiles.exact,
        }
    }
}

impl From<Counts> for Totals {
    fn from(counts: Counts) -> Self {
        Self {
            requests: counts.requests(),
            failures: counts.all_failures(),
            registrations: counts.successes[0],
            registration_failures: counts.failures[0],
            logins: counts.successes[1],
            login_failures: counts.failures[1],
            unanswered: counts.unanswered,
        }
    }
}

impl<'a> Name<'a> {
    fn new(octets: &'a [u8]) -> Self {
        let is_text = std::str::from_utf8(octets).is_ok();
        Self {
            username: String::from_utf8_lossy(octets),
            username_hex: (!is_text).then_some(Shown(Hex(octets))),
        }
    }
}

impl From<&FlowEnd> for Conversation {
    fn from(flow: &FlowEnd) -> Self {
        let [client, server] = flow.ends;
        let [first, last] = flow.times;
        Self {
            stream: flow.stream,
            client: Shown(client),
            server: Shown(server),
            protocol: flow.protocol.to_string(),
            client_frames: u64::from(flow.frames[0]),
            server_frames: u64::from(flow.frames[1]),
            client_octets: flow.octets[0],
            server_octets: flow.octets[1],
            first: Decimal(first.0),
            duration: Decimal(last.since(first)),
        }
    }
}

impl<'a> From<&'a Finding> for JsonFinding<'a> {
    fn from(finding: &'a Finding) -> Self {
        let mut json = Self {
            kind: finding.what.name(),
            severity: finding.severity.name(),
            name: finding.user.as_deref().map(Name::new),
            address: finding.address.map(Shown),
            field: None,
            count: finding.count,
            names: None,
            passwords: None,
            succeeded_in: None,
            slowest: None,
            median: None,
            first: Decimal(finding.first.0),
            last: Decimal(finding.last.0),
            frames: &finding.frames,
            text: Shown(Sentence(finding)),
        };
        match finding.what {
            What::Guessing { broken_in } => json.succeeded_in = broken_in,
            What::Probing { names } => json.names = Some(names),
            What::Spraying { names, passwords } => {
                json.names = Some(names);
                json.passwords = Some(passwords);
            }
            What::Mistake { fault, .. } => json.field = fault.field().map(|field| field.key),
            What::Unanswered => {}
            What::Slow {
                slowest, median, ..
            } => {
                json.slowest = Some(Decimal(slowest));
                json.median = Some(Decimal(median));
            }
        }
        json
    }
}

/// The counts of what was given up that are not 0.
fn given_up(summary: &Summary) -> Named {
    let counts = summary.given_up.counts().into_iter();
    named(counts.filter(|(_, count)| *count > 0))
}

impl<'a> Object<'a> {
    fn new(summary: &'a Summary, findings: &'a [Finding], top: usize) -> Self {
        let frames = &summary.frames;
        let outcomes = ACTIONS
            .iter()
            .zip(summary.outcomes)
            .flat_map(|(action, counts)| {
                [
                    (format!("{} success", action.noun()), counts.success),
                    (format!("{} failure", action.noun()), counts.failure),
                    (format!("{} other", action.noun()), counts.unclear),
                ]
            });
        let groups = Group::ALL.iter().enumerate().map(|(index, group)| {
            let notes = Severity::ALL.map(|severity| summary.notes(severity)[index]);
            (group.name(), notes.iter().sum())
        });
        let severities =
            Severity::ALL.map(|severity| (severity.name(), summary.notes(severity).iter().sum()));
        let width = summary.rate.width();
        let distribution = |action: Action| {
            let at = ACTIONS.iter().position(|one| *one == action)?;
            summary.times[at].quantiles().map(Into::into)
        };
        let (users, addresses) = (top_users(summary, top), top_addresses(summary, top));
        let largest = summary.conversations.largest();
        Self {
            file: None,
            interrupted: summary.interrupted,
            rows: summary.rows.map(|counts| counts.rows),
            frames: frames.frames,
            watched_frames: frames.watched,
            cut_frames: frames.cut,
            frames_without_tcp: named(frames.without_tcp.reasons()),
            octets: frames.octets,
            first: frames.times.map(|[first, _]| Decimal(first.0)),
            last: frames.times.map(|[_, last]| Decimal(last.0)),
            duration: Decimal(frames.duration()),
            streams: summary.streams,
            messages: named(
                MESSAGE_TYPES
                    .iter()
                    .map(|one| one.name())
                    .zip(summary.messages),
            ),
            outcomes: named(outcomes),
            unanswered: named(
                ACTIONS
                    .iter()
                    .map(|one| one.noun())
                    .zip(summary.unanswered.counts),
            ),
            response_time: ResponseTime {
                registration: distribution(Action::Register),
                login: distribution(Action::Login),
            },
            response_steps: summary.into(),
            layouts: summary.described.iter().map(Into::into).collect(),
            users: users
                .into_iter()
                .map(|(name, user)| User {
                    name: Name::new(name),
                    requests: user.counts.into(),
                })
                .collect(),
            users_total: summary.users.len(),
            other_users: summary.users.others().map(|others| others.counts.into()),
            addresses: addresses
                .into_iter()
                .map(|(address, row)| Address {
                    address: Shown(*address),
                    requests: row.counts.into(),
                })
                .collect(),
            addresses_total: summary.addresses.len(),
            other_addresses: summary
                .addresses
                .others()
                .map(|others| others.counts.into()),
            protocols: named(summary.all_protocols()),
            conversations: largest.iter().take(top).map(Into::into).collect(),
            conversations_total: summary.conversations.count(),
            rate: Rate {
                width: decimal(width),
                bars: (0..)
                    .zip(summary.rate.bars())
                    .map(|(index, bar)| Bar {
                        from: decimal(width * index),
                        frames: bar.frames,
                        octets: bar.octets,
                        messages: bar.messages,
                        successes: bar.successes,
                        failures: bar.failures,
                    })
                    .collect(),
            },
            notes: named(severities),
            note_groups: named(groups),
            findings: findings.iter().map(Into::into).collect(),
            given_up: given_up(summary),
            limits: summary.limits(),
        }
    }
}
