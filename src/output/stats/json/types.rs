//! The objects inside the summary's JSON object. The doc comments of types with a schema are printed in it.

use std::borrow::Cow;
use std::net::IpAddr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::dissect::Severity;
use crate::output::json::format::{Decimal, Shown};
use crate::output::stats::sentence::Sentence;
use crate::packet::Endpoint;
use crate::protocol::Action;
use crate::session::FlowEnd;
use crate::session::summary::{
    ACTIONS, Counts, DescribedCounts, Finding, FindingKind, Quantiles, Summary, Times,
};
use crate::text::escape::Hex;

/// Counts by name, in order.
pub struct Named(Vec<(String, u64)>);

impl Named {
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Named {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, count)| (name, count)))
    }
}

/// Gives types a schema that does not follow from their fields.
macro_rules! is_in_schema {
    ($($type:ty => $schema:tt),+ $(,)?) => {$(
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )+};
}

is_in_schema! {
    Named => { "$ref": "#/$defs/counts" },
    Decimal => { "type": "number" },
    Shown<IpAddr> => { "type": "string" },
    Shown<Endpoint> => { "$ref": "#/$defs/port" },
    Shown<Hex<'_>> => { "$ref": "#/$defs/hex" },
    Shown<Sentence<'_>> => { "type": "string" },
}

/// The schema of a count for each action.
pub fn of_each_action(generator: &mut SchemaGenerator) -> Schema {
    let count = generator.subschema_for::<u64>();
    let names = ACTIONS.map(Action::noun);
    let properties: serde_json::Map<_, _> = names
        .iter()
        .map(|name| ((*name).to_owned(), count.clone().to_value()))
        .collect();
    json_schema!({ "type": "object", "required": names, "properties": properties })
}

pub fn named(counts: impl IntoIterator<Item = (impl ToString, u64)>) -> Named {
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
const fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// What a layout describes.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "layout")]
pub struct OfLayout {
    pub name: &'static str,
    pub streams: u64,
    pub messages: Named,
    pub outcomes: Named,
    pub unanswered: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_time: Option<Distribution>,
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

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
pub struct ResponseTime {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration: Option<Distribution>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<Distribution>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "distribution")]
pub struct Distribution {
    pub count: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub negative: u64,
    pub min: Decimal,
    pub p50: Decimal,
    pub p90: Decimal,
    pub p99: Decimal,
    pub max: Decimal,
    pub exact: bool,
}

/// How many answers took how long; absent where there is none.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
pub struct ResponseSteps {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub registration: Vec<Step>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub login: Vec<Step>,
}

/// How many answers took up to so long, and longer than the step before.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "step")]
pub struct Step {
    pub to: Decimal,
    pub count: u64,
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

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "requests")]
pub struct Totals {
    pub requests: u64,
    pub failures: u64,
    pub registrations: u64,
    pub registration_failures: u64,
    pub logins: u64,
    pub login_failures: u64,
    pub unanswered: u64,
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
pub struct User<'a> {
    #[serde(flatten)]
    pub name: Name<'a>,
    #[serde(flatten)]
    pub requests: Totals,
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Address {
    pub address: Shown<IpAddr>,
    #[serde(flatten)]
    pub requests: Totals,
}

/// A user name, and its bytes where they are not UTF-8.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Name<'a> {
    pub username: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username_hex: Option<Shown<Hex<'a>>>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "conversation")]
pub struct Conversation {
    pub stream: u32,
    pub client: Shown<Endpoint>,
    pub server: Shown<Endpoint>,
    pub protocol: String,
    pub client_frames: u64,
    pub server_frames: u64,
    pub client_octets: u64,
    pub server_octets: u64,
    pub first: Decimal,
    pub duration: Decimal,
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Rate {
    pub width: Decimal,
    pub bars: Vec<Bar>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "bar")]
pub struct Bar {
    pub from: Decimal,
    pub frames: u64,
    pub octets: u64,
    pub messages: u64,
    pub successes: u64,
    pub failures: u64,
}

/// What is remarkable.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "finding")]
pub struct JsonFinding<'a> {
    #[schemars(extend("enum" = FindingKind::NAMES))]
    pub kind: &'static str,
    #[schemars(extend("enum" = &Severity::ALL.map(Severity::name)[1..]))]
    pub severity: &'static str,
    #[serde(flatten)]
    pub name: Option<Name<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Shown<IpAddr>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<&'static str>,
    pub count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passwords: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub succeeded_in: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slowest: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median: Option<Decimal>,
    pub first: Decimal,
    pub last: Decimal,
    pub frames: &'a [u64],
    pub text: Shown<Sentence<'a>>,
}

/// Nanoseconds as seconds.
pub fn decimal(nanoseconds: u64) -> Decimal {
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
    pub fn new(octets: &'a [u8]) -> Self {
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
            FindingKind::Guessing { broken_in } => json.succeeded_in = broken_in,
            FindingKind::Probing { names } => json.names = Some(names),
            FindingKind::Spraying { names, passwords } => {
                json.names = Some(names);
                json.passwords = Some(passwords);
            }
            FindingKind::Mistake { fault, .. } => json.field = fault.field().map(|field| field.key),
            FindingKind::Unanswered => {}
            FindingKind::Slow {
                slowest, median, ..
            } => {
                json.slowest = Some(Decimal(slowest));
                json.median = Some(Decimal(median));
            }
        }
        json
    }
}
