//! What the server counts and times, for a Prometheus page.

use std::net::SocketAddr;
use std::time::Duration;

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};

use super::answer::words;
use super::connection::End;
use crate::accounts;
use crate::protocol::Action;

const ACCEPTED: &str = "authscope_connections_accepted_total";
const OPEN: &str = "authscope_connections_open";
const CLOSED: &str = "authscope_connections_closed_total";
const REFUSED: &str = "authscope_connections_refused_total";
const ENCRYPTED: &str = "authscope_connections_encrypted_total";
const PAUSES: &str = "authscope_accept_pauses_total";
const REQUESTS: &str = "authscope_requests_total";
const SECONDS: &str = "authscope_request_seconds";

/// Upper bounds of the histograms' buckets, in seconds: a sync takes less than a millisecond on
/// a good disk, a hash some tens of them, a full queue some seconds.
const BUCKETS: [f64; 14] = [
    0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// Why the page cannot be offered.
#[derive(Debug, thiserror::Error)]
#[error("cannot offer metrics on {address}: {source}; choose another address with --metrics")]
pub struct MetricsError {
    address: SocketAddr,
    source: BuildError,
}

/// Offers the page at `http://address/metrics`; there are `users` at the start. Has to be called
/// inside the runtime.
pub fn publish(address: SocketAddr, users: usize) -> Result<(), MetricsError> {
    PrometheusBuilder::new()
        .with_http_listener(address)
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &BUCKETS)
        .and_then(PrometheusBuilder::install)
        .map_err(|source| MetricsError { address, source })?;
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
    accounts::describe_meters(users);
    gauge!(OPEN).set(0.0);
    Ok(())
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

pub fn accept_paused() {
    counter!(PAUSES).increment(1);
}

pub fn invalid_request() {
    counter!(REQUESTS, "action" => "unknown", "outcome" => "invalid request").increment(1);
}

/// A request was answered with `description`.
pub fn answered(action: Action, description: &str, took: Duration) {
    // Every description is one of a fixed list, but for the seconds in the one that makes wait.
    let outcome = words::ALL
        .into_iter()
        .find(|words| *words == description)
        .unwrap_or("too many failed logins");
    counter!(REQUESTS, "action" => action.noun(), "outcome" => outcome).increment(1);
    histogram!(SECONDS, "action" => action.noun()).record(took);
}
