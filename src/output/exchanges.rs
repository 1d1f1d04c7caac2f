//! An exchange as text: its outcome, the response's description, a sentence, and cells of a table.

#![expect(
    clippy::cast_precision_loss,
    reason = "milliseconds, shown with few digits"
)]

use std::borrow::Cow;
use std::fmt::Write as _;

use super::described;
use crate::layout::Said;
use crate::protocol::TextValue;
use crate::session::Exchange;
use crate::text::escape::EscapedOctets;
use crate::text::secret::{self, MASK, Masked};

/// The columns of an exchange if no fields are chosen.
pub const COLUMNS: [&str; 11] = [
    "time",
    "client",
    "server",
    "action",
    "user",
    "outcome",
    "description",
    "milliseconds",
    "stream",
    "request",
    "response",
];

/// The outcome in one or two words.
pub fn outcome(exchange: &Exchange) -> &'static str {
    match (exchange.response().is_some(), exchange.said()) {
        (false, _) => "no response",
        (true, Some(Said::Success)) => "success",
        (true, Some(Said::Failure)) => "failure",
        (true, Some(Said::Unclear) | None) => "unclear",
    }
}

/// The response's description, masked if it may contain a password. `None` if there is none, or it is empty.
pub fn description(exchange: &Exchange, show_passwords: bool) -> Option<Cow<'_, [u8]>> {
    let response = exchange.response()?;
    if response.described.is_some() {
        let text = described::description(response, show_passwords)?;
        return Some(Cow::Owned(text.into_bytes()));
    }
    match secret::view(response, show_passwords).description()? {
        Masked::Hidden => Some(Cow::Borrowed(MASK.as_bytes())),
        Masked::Clear(text) => Some(Cow::Borrowed(TextValue::octets(text))),
    }
    .filter(|text| !text.is_empty())
}

/// Appends outcome and description.
pub fn said(out: &mut String, exchange: &Exchange, show_passwords: bool) {
    out.push_str(outcome(exchange));
    if let Some(text) = description(exchange, show_passwords) {
        let _ = write!(out, ": {}", EscapedOctets(&text));
    }
    if exchange.request().is_none() {
        out.push_str(" [its request was not captured]");
    }
}

/// The frame numbers of its messages: `4-6`.
pub fn frames(exchange: &Exchange) -> String {
    let frame = |message: Option<&crate::dissect::Message>| match message {
        Some(message) => message.frame.to_string(),
        None => "?".to_owned(),
    };
    format!(
        "{}-{}",
        frame(exchange.request()),
        frame(exchange.response())
    )
}

/// The response time in milliseconds with three decimals; empty if there is no pair.
pub fn milliseconds(exchange: &Exchange) -> String {
    let elapsed = exchange.elapsed().map(|elapsed| elapsed as f64 / 1e6);
    elapsed.map_or_else(String::new, |elapsed| format!("{elapsed:.3}"))
}

/// Appends a sentence with everything except time and addresses.
pub fn sentence(out: &mut String, exchange: &Exchange, show_passwords: bool) {
    out.push_str(exchange.action().unwrap_or("unknown request"));
    if let Some(user) = exchange.user(show_passwords) {
        let _ = write!(out, ", user {}", EscapedOctets(&user));
    }
    out.push_str(", ");
    said(out, exchange, show_passwords);
    let milliseconds = milliseconds(exchange);
    if !milliseconds.is_empty() {
        let _ = write!(out, ", {milliseconds} ms");
    }
    let _ = write!(
        out,
        ", stream {}, frames {}",
        exchange.stream(),
        frames(exchange)
    );
}

/// The values of [`COLUMNS`].
pub fn cells(exchange: &Exchange, show_passwords: bool) -> [String; COLUMNS.len()] {
    let shown = |text: Option<Cow<'_, [u8]>>| {
        text.map_or_else(String::new, |text| EscapedOctets(&text).to_string())
    };
    let frame = |message: Option<&crate::dissect::Message>| {
        message.map_or_else(String::new, |message| message.frame.to_string())
    };
    let [client, server] = exchange.ends();
    [
        exchange.time().to_string(),
        client.to_string(),
        server.to_string(),
        exchange.action().unwrap_or_default().to_owned(),
        shown(exchange.user(show_passwords)),
        outcome(exchange).to_owned(),
        shown(description(exchange, show_passwords)),
        milliseconds(exchange),
        exchange.stream().to_string(),
        frame(exchange.request()),
        frame(exchange.response()),
    ]
}
