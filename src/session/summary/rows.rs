//! Counts exchanges that were written as rows, as if they were read from a capture.

use super::Summary;
use crate::capture::Timestamp;
use crate::dissect::Peer;
use crate::packet::Endpoint;
use crate::protocol::Action;
use crate::protocol::layout::{STATUS_FAILURE, STATUS_SUCCESS};
use crate::session::{Name, Outcome, PasswordTag, Resolution, Subject};

/// A RegLogin exchange, read from a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeRow {
    /// Time of the request, or of the response if there is no request.
    pub time: Timestamp,
    /// Address and port of the client.
    pub client: Endpoint,
    /// What was requested; `None` if not known.
    pub action: Option<Action>,
    /// The user name.
    pub user: Name,
    /// Outcome of the request.
    pub outcome: Outcome,
    /// Nanoseconds from request to response.
    pub elapsed: Option<i64>,
    /// Number of its stream in the capture that it comes from.
    pub stream: u32,
    /// Frame of the request.
    pub request: Option<u64>,
    /// Frame of the response.
    pub response: Option<u64>,
    /// Tag of the password, if rows have tags.
    pub password: Option<u32>,
}

impl ExchangeRow {
    /// When it ended: time of the response, or of the request if there is none.
    #[must_use]
    pub fn ended(&self) -> Timestamp {
        Timestamp(self.time.0.saturating_add(self.elapsed.unwrap_or(0)))
    }
}

/// Counts of rows, and of what they lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RowCounts {
    /// All rows.
    pub rows: u64,
    /// Exchanges whose action is unknown.
    pub unasked: u64,
    /// Failed logins whose password has no tag.
    pub untagged: u64,
}

impl RowCounts {
    /// What the counts lack, as sentences.
    pub(super) fn sentences(&self) -> impl Iterator<Item = String> {
        let unasked = (self.unasked > 0).then(|| {
            format!(
                "{} exchanges are counted by no type: their rows do not tell what was asked for",
                self.unasked
            )
        });
        let untagged = (self.untagged > 0).then(|| {
            "rows do not tell which passwords are the same, so password spraying is not looked for; \
             `authscope read --exchanges --password-tags KEY_FILE` writes rows that do"
                .to_owned()
        });
        unasked.into_iter().chain(untagged)
    }
}

impl Summary {
    /// Counts an exchange. Exchanges must come in the order in which they ended.
    pub fn exchange(&mut self, row: &ExchangeRow) {
        let (time, ended) = (row.time, row.ended());
        let counts = self.rows.get_or_insert_default();
        counts.rows += 1;
        let [first, last] = self.frames.times.get_or_insert([time, ended]);
        (*first, *last) = (time.min(*first), ended.max(*last));
        self.rate.go_to(ended);
        let Some(action) = row.action else {
            counts.unasked += 1;
            return;
        };
        let mut said = [0; 2];
        if row.request.is_some() {
            self.of_command(action.request(), None);
        }
        if row.response.is_some() {
            let status = match row.outcome {
                Outcome::Success => Some(STATUS_SUCCESS),
                Outcome::Failure(_) => Some(STATUS_FAILURE),
                Outcome::Unclear | Outcome::Unanswered => None,
            };
            super::add(&mut said, self.of_command(action.response(), status));
        }
        let messages = u64::from(row.request.is_some()) + u64::from(row.response.is_some());
        self.rate.messages(messages, said);
        let Some(frame) = row.request else { return };
        if action == Action::Login && row.outcome.is_failure() && row.password.is_none() {
            let counts = self.rows.get_or_insert_default();
            counts.untagged += 1;
        }
        let response = row.response.zip(row.elapsed);
        self.resolution(&Resolution {
            request: 0,
            subject: Subject::RegLogin(action),
            frame,
            time,
            stream: row.stream,
            client: row.client,
            user: row.user,
            password: PasswordTag::of_row(row.password),
            response: response.map(|(frame, elapsed)| Peer { frame, elapsed }),
            outcome: row.outcome,
            early: None,
        });
    }
}
