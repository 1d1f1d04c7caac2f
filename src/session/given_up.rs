//! Counts what was given up because a limit was reached, and describes it in sentences.

use crate::packet::GivenUpDatagrams;
use crate::stream::Totals;
use crate::text::number::number_of;

/// What the limits in `docs/architecture.md` made the result lack. Usually all are 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GivenUp {
    /// Connections that were dropped because they were idle for too long, in capture time.
    pub idle_connections: u64,
    /// Closed connections that were dropped early because there were too many.
    pub closed_connections: u64,
    /// Bytes out of order that were given up waiting for the bytes before them.
    pub unordered_bytes: u64,
    /// Retransmitted bytes that were not compared: their first copy was no longer remembered.
    pub uncompared_bytes: u64,
    /// IP datagrams that were never completed: fragments are missing or came too late.
    pub incomplete_datagrams: u64,
    /// Those that were dropped because too many fragments waited.
    pub crowded_datagrams: u64,
    /// Requests that were not paired because too many waited on their connection.
    pub unpaired_requests: u64,
    /// Rows that were written before it was known which response answers which request.
    pub early_rows: u64,
    /// Bytes of TLS records that were given up waiting for their secrets.
    pub tls_bytes: u64,
}

/// `1 request was`, `2 requests were`.
fn were(count: u64, what: &str) -> String {
    if count == 1 {
        format!("1 {what} was")
    } else {
        format!("{count} {what}s were")
    }
}

impl GivenUp {
    pub(super) const fn of_streams(totals: Totals) -> Self {
        Self {
            idle_connections: totals.idle,
            closed_connections: totals.closed_early,
            unordered_bytes: totals.given_up,
            uncompared_bytes: totals.uncompared,
            incomplete_datagrams: 0,
            crowded_datagrams: 0,
            unpaired_requests: 0,
            early_rows: 0,
            tls_bytes: 0,
        }
    }

    pub(super) const fn datagrams(mut self, datagrams: GivenUpDatagrams) -> Self {
        self.incomplete_datagrams = datagrams.incomplete;
        self.crowded_datagrams = datagrams.crowded;
        self
    }

    /// Each count with its name in JSON.
    #[must_use]
    pub const fn counts(&self) -> [(&'static str, u64); 9] {
        [
            ("idle_connections", self.idle_connections),
            ("closed_connections", self.closed_connections),
            ("unordered_bytes", self.unordered_bytes),
            ("uncompared_bytes", self.uncompared_bytes),
            ("incomplete_datagrams", self.incomplete_datagrams),
            ("crowded_datagrams", self.crowded_datagrams),
            ("unpaired_requests", self.unpaired_requests),
            ("early_rows", self.early_rows),
            ("tls_bytes", self.tls_bytes),
        ]
    }

    /// A sentence for each count that is not 0, without a full stop.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let crowded = match self.crowded_datagrams {
            0 => String::new(),
            count => format!(", {count} of them because too many fragments waited"),
        };
        let all = [
            (
                self.idle_connections,
                format!(
                    "{} dropped after hours without a frame: a later frame of it counts as another",
                    were(self.idle_connections, "connection")
                ),
            ),
            (
                self.closed_connections,
                format!(
                    "{} forgotten early, as there were too many: a late frame of it counts as another",
                    were(self.closed_connections, "closed connection")
                ),
            ),
            (
                self.unordered_bytes,
                format!(
                    "{} out of order could not wait for the bytes before, as the buffer was full \
                     (--max-buffer)",
                    number_of(self.unordered_bytes, "byte")
                ),
            ),
            (
                self.uncompared_bytes,
                format!(
                    "{} retransmitted and not compared with the first copy, which was not kept so long",
                    were(self.uncompared_bytes, "byte")
                ),
            ),
            (
                self.incomplete_datagrams,
                format!(
                    "{} never whole: fragments are missing or came too late{crowded}",
                    were(self.incomplete_datagrams, "IP datagram")
                ),
            ),
            (
                self.unpaired_requests,
                format!(
                    "{} not paired: too many waited on their connection",
                    were(self.unpaired_requests, "request")
                ),
            ),
            (
                self.early_rows,
                format!(
                    "{} shown before it was known which response answers which request, as too \
                     much waited",
                    were(self.early_rows, "row")
                ),
            ),
            (
                self.tls_bytes,
                format!(
                    "{} of TLS dropped, as too much waited for secrets",
                    were(self.tls_bytes, "byte")
                ),
            ),
        ];
        let given_up = all.into_iter().filter(|(count, _)| *count > 0);
        given_up.map(|(_, sentence)| sentence).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_given_up_is_reported() {
        assert!(GivenUp::default().sentences().is_empty());
        let some = GivenUp {
            idle_connections: 1,
            incomplete_datagrams: 3,
            crowded_datagrams: 2,
            ..GivenUp::default()
        };
        assert_eq!(
            some.sentences(),
            [
                "1 connection was dropped after hours without a frame: a later frame of it counts as another",
                "3 IP datagrams were never whole: fragments are missing or came too late, 2 of them \
                 because too many fragments waited"
            ]
        );
        assert_eq!(
            some.counts().iter().filter(|(_, count)| *count > 0).count(),
            3
        );
    }
}
