//! The summary as one JSON object.

mod types;

use std::io::{self, Write};

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde_json::{Map, Value};

use types::{
    Address, Bar, Conversation, JsonFinding, Name, Named, OfLayout, Rate, ResponseSteps,
    ResponseTime, Totals, User, decimal, named, of_each_action,
};

use crate::dissect::{Group, Severity};
use crate::output::json::format::{Decimal, Shown, TerminalSafe};
use crate::protocol::Action;
use crate::session::summary::{ACTIONS, Finding, MESSAGE_TYPES, Summary, top_addresses, top_users};

pub(super) fn write(out: &mut impl Write, summary: &Summary, top: usize) -> io::Result<()> {
    let mut octets = object(summary, top, None)?;
    octets.push(b'\n');
    out.write_all(&octets)
}

/// Writes the summary as an element of an array, after a comma, with the capture's path.
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

/// The definitions of the summary's JSON schema: `stats`, and those that it refers to.
pub fn summary_definitions() -> Map<String, Value> {
    let settings = SchemaSettings::draft2020_12()
        .for_serialize()
        .with_transform(RecursiveTransform(as_written));
    let mut generator = settings.into_generator();
    let mut stats = Object::json_schema(&mut generator);
    for transform in generator.transforms_mut() {
        transform.transform(&mut stats);
    }
    let mut definitions = generator.take_definitions(true);
    definitions.insert("stats".to_owned(), stats.to_value());
    definitions
}

/// Adapts a derived schema to what is written: no value is `null`, no object has further keys. The width of Rust's
/// numbers is left out.
fn as_written(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    object.remove("format");
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|one| one != "null");
        if let [one] = &types[..] {
            let one = one.clone();
            object.insert("type".to_owned(), one);
        }
    }
    if let Some(Value::Array(some)) = object.get_mut("anyOf") {
        some.retain(|one| one["type"] != "null");
        if let [Value::Object(one)] = &mut some[..] {
            let one = std::mem::take(one);
            object.remove("anyOf");
            object.extend(one);
        }
    }
    if object.contains_key("properties") {
        object
            .entry("additionalProperties")
            .or_insert(Value::Bool(false));
    }
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands on references"
)]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// The whole summary.
#[derive(Serialize, JsonSchema)]
#[schemars(description = "stats -T json")]
struct Object<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "is_false")]
    #[schemars(extend("const" = true))]
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
    #[schemars(schema_with = "of_each_action")]
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

/// The losses that are not 0 (see [`crate::session::GivenUp`]).
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
                    requests: user.counts().into(),
                })
                .collect(),
            users_total: summary.users.len(),
            other_users: summary.users.others().map(|others| others.counts().into()),
            addresses: addresses
                .into_iter()
                .map(|(address, row)| Address {
                    address: Shown(*address),
                    requests: row.counts().into(),
                })
                .collect(),
            addresses_total: summary.addresses.len(),
            other_addresses: summary
                .addresses
                .others()
                .map(|others| others.counts().into()),
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
