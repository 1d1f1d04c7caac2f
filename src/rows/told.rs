//! The keys of a written row (`docs/output.md`), and their conversion to an [`ExchangeRow`].

use std::borrow::Cow;
use std::net::SocketAddr;

use super::Item;
use crate::capture::Timestamp;
use crate::packet::Endpoint;
use crate::protocol::Action;
use crate::protocol::layout::PROTOCOL_NAME;
use crate::session::summary::ExchangeRow;
use crate::session::{Name, Outcome, Refusal};

/// The values of a row that are counted.
#[derive(Debug, Default)]
pub(super) struct RowValues<'a> {
    pub time: Timestamp,
    pub client: Cow<'a, str>,
    pub protocol: Cow<'a, str>,
    pub action: Option<Cow<'a, str>>,
    pub user: Option<Cow<'a, str>>,
    pub outcome: Cow<'a, str>,
    pub refusal: Option<Cow<'a, str>>,
    pub milliseconds: Option<f64>,
    pub stream: u32,
    pub request: Option<u64>,
    pub response: Option<u64>,
    pub password_tag: Option<Cow<'a, str>>,
}

impl RowValues<'_> {
    /// The item for this row.
    ///
    /// # Errors
    ///
    /// A clause that says what is wrong with it.
    pub fn item(&self) -> Result<Item, String> {
        if self.protocol != PROTOCOL_NAME {
            return Ok(Item::OtherProtocol);
        }
        let client: SocketAddr = self
            .client
            .parse()
            .map_err(|_| format!("client {:?} is no address and port", self.client))?;
        let actions = [Action::Register, Action::Login].into_iter();
        let action = |name: &str| {
            let mut named = actions.clone().filter(|action| action.noun() == name);
            named
                .next()
                .ok_or_else(|| format!("unknown action {name:?}"))
        };
        let tag = |text: &str| {
            u32::from_str_radix(text, 16).map_err(|_| "password_tag is no tag".to_owned())
        };
        Ok(Item::Row(ExchangeRow {
            time: self.time,
            client: Endpoint {
                address: client.ip(),
                port: client.port(),
            },
            action: self.action.as_deref().map(action).transpose()?,
            user: Name::new(self.user.as_deref().unwrap_or_default().as_bytes()),
            outcome: self.outcome()?,
            elapsed: self.milliseconds.map(nanoseconds),
            stream: self.stream,
            request: self.request,
            response: self.response,
            password: self.password_tag.as_deref().map(tag).transpose()?,
        }))
    }
    fn outcome(&self) -> Result<Outcome, String> {
        Ok(match &*self.outcome {
            "success" => Outcome::Success,
            "failure" => {
                let refusal = self.refusal.as_deref().unwrap_or(Refusal::Unsaid.name());
                let known = Refusal::ALL.into_iter().find(|one| one.name() == refusal);
                Outcome::Failure(known.ok_or_else(|| format!("unknown refusal {refusal:?}"))?)
            }
            "unclear" => Outcome::Unclear,
            "no response" => Outcome::Unanswered,
            other => return Err(format!("unknown outcome {other:?}")),
        })
    }
}

/// Milliseconds as nanoseconds.
#[allow(
    clippy::cast_possible_truncation,
    reason = "what does not fit becomes the longest time"
)]
fn nanoseconds(milliseconds: f64) -> i64 {
    (milliseconds * 1e6).round() as i64
}
