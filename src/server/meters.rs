//! The server's counters and timers, for a Prometheus page.

#![expect(
    clippy::cast_precision_loss,
    reason = "seconds since 1970, far below 2^52"
)]

use std::sync::OnceLock;
use std::time::Duration;

use metrics::{
    Counter, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram,
};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use super::end::End;
use super::log::Loss;
use super::words::OUTCOMES;
use crate::protocol::Action;

const ACCEPTED: &str = "authscope_connections_accepted_total";
const OPEN: &str = "authscope_connections_open";
const CLOSED: &str = "authscope_connections_closed_total";
const REFUSED: &str = "authscope_connections_refused_total";
const ENCRYPTED: &str = "authscope_connections_encrypted_total";
const PAUSES: &str = "authscope_accept_pauses_total";
const REQUESTS: &str = "authscope_requests_total";
const LOG_LOST: &str = "authscope_log_lines_lost_total";
const RELOADS: &str = "authscope_reloads_total";
const EXPIRY: &str = "authscope_tls_certificate_expiry_timestamp_seconds";
const KEY_EXPOSED: &str = "authscope_tls_key_readable_by_others";
const SECONDS: &str = "authscope_request_seconds";

const RELOADED: &str = "ok";
const NOT_RELOADED: &str = "failed";

/// Upper bounds of the histograms' buckets, in seconds: a sync takes less than a millisecond on
/// a good disk, a hash some tens of them, a full queue some seconds.
const BUCKETS: [f64; 14] = [
    0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// What counts answers, if anything does: registrations first.
static ANSWERS: OnceLock<[Answers; 2]> = OnceLock::new();

/// What counts the answers to one kind of request. It is kept because looking a meter up by its labels takes longer than
/// all else that is counted.
struct Answers {
    action: Action,
    took: Histogram,
    /// One for each outcome, from the first of its answers on.
    counters: [OnceLock<Counter>; OUTCOMES.len()],
}

impl Answers {
    fn of(action: Action) -> Self {
        Self {
            action,
            took: histogram!(SECONDS, "action" => action.noun()),
            counters: [const { OnceLock::new() }; OUTCOMES.len()],
        }
    }

    fn add(&self, outcome: &'static str, took: Duration) {
        self.took.record(took);
        let place = OUTCOMES.iter().position(|known| *known == outcome);
        if let Some(place) = place {
            let labels = [("action", self.action.noun()), ("outcome", outcome)];
            let counter = self.counters[place].get_or_init(|| counter!(REQUESTS, &labels));
            counter.increment(1);
        }
    }
}

/// Why metrics cannot be collected.
#[derive(Debug, thiserror::Error)]
#[error("cannot count what happens: {0}")]
pub struct MetricsError(#[from] BuildError);

/// Starts counting; without this, nothing is counted. The result writes the page.
pub fn install() -> Result<PrometheusHandle, MetricsError> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &BUCKETS)
        .and_then(PrometheusBuilder::install_recorder)?;
    describe_counter!(ACCEPTED, "Connections accepted");
    describe_gauge!(OPEN, "Connections open now");
    describe_counter!(CLOSED, "Connections closed, by reason");
    describe_counter!(
        REFUSED,
        "Connections closed at once, their address having too many"
    );
    describe_counter!(ENCRYPTED, "Connections on which a TLS handshake succeeded");
    describe_counter!(
        PAUSES,
        "Times that accepting paused for want of descriptors or memory"
    );
    describe_counter!(REQUESTS, "Requests answered, by action and outcome");
    describe_histogram!(
        SECONDS,
        Unit::Seconds,
        "From a whole request to its answer, by action"
    );
    describe_counter!(LOG_LOST, "Log lines that were lost, by reason");
    describe_counter!(RELOADS, "Reloads, by outcome");
    describe_gauge!(
        EXPIRY,
        Unit::Seconds,
        "When the TLS certificate expires, in seconds since 1970"
    );
    describe_gauge!(
        KEY_EXPOSED,
        "Whether others than the server's user can read the TLS key (1) or not (0)"
    );
    ANSWERS.get_or_init(|| [Action::Register, Action::Login].map(Answers::of));
    gauge!(OPEN).set(0.0);
    // A counter that first appears when it counts something shows no increase then.
    for name in [ACCEPTED, REFUSED, ENCRYPTED, PAUSES] {
        counter!(name).increment(0);
    }
    for loss in Loss::ALL {
        counter!(LOG_LOST, "reason" => loss.label()).increment(0);
    }
    for outcome in [RELOADED, NOT_RELOADED] {
        counter!(RELOADS, "outcome" => outcome).increment(0);
    }
    Ok(handle)
}

pub fn connection_opened() {
    counter!(ACCEPTED).increment(1);
    gauge!(OPEN).increment(1.0);
}

pub fn connection_closed(end: &End) {
    gauge!(OPEN).decrement(1.0);
    counter!(CLOSED, "reason" => end.label()).increment(1);
}

pub fn connection_refused() {
    counter!(REFUSED).increment(1);
}

pub fn encrypted() {
    counter!(ENCRYPTED).increment(1);
}

/// A line of the log was lost.
pub fn log_line_lost(reason: &'static str) {
    counter!(LOG_LOST, "reason" => reason).increment(1);
}

/// The server was told to reload.
pub fn reloaded(succeeded: bool) {
    let outcome = if succeeded { RELOADED } else { NOT_RELOADED };
    counter!(RELOADS, "outcome" => outcome).increment(1);
}

/// A certificate is in use that is valid until `not_after`, in seconds since 1970.
pub fn certificate(not_after: i64, key_exposed: bool) {
    gauge!(EXPIRY).set(not_after as f64);
    gauge!(KEY_EXPOSED).set(f64::from(u8::from(key_exposed)));
}

pub fn accept_paused() {
    counter!(PAUSES).increment(1);
}

pub fn invalid_request() {
    counter!(REQUESTS, "action" => "unknown", "outcome" => "invalid request").increment(1);
}

/// A request was answered; `outcome` is one of a fixed list.
pub fn answered(action: Action, outcome: &'static str, took: Duration) {
    let Some(answers) = ANSWERS.get() else {
        return;
    };
    let of_action = answers.iter().find(|answers| answers.action == action);
    if let Some(answers) = of_action {
        answers.add(outcome, took);
    }
}
