//! Exchanges as rows, which what is chosen elsewhere on the page filters.

use std::borrow::Cow;

use maud::{Markup, html};

use super::{Page, section};
use crate::output::exchanges::{description, milliseconds, outcome};
use crate::session::Exchange;
use crate::text::escape::EscapedOctets;
use crate::text::number::{counted, thousands};

/// Characters of a name or a description at most: a layout's may have any length.
const MOST: usize = 120;

/// Bytes from the wire as text, cut where they are long.
pub(super) fn shown(octets: &[u8]) -> String {
    cut(EscapedOctets(octets).to_string(), MOST)
}

/// The first characters of a text.
pub(super) fn cut(mut text: String, most: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(most) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// An exchange's outcome as a class and a word.
pub(super) fn tag(exchange: &Exchange) -> Markup {
    let word = outcome(exchange);
    html! { span class={ "tag " (word) } { (word) } }
}

impl Page<'_> {
    pub(super) fn exchanges(&self) -> Option<Markup> {
        let all = self.collector.chosen.count;
        if all == 0 {
            return None;
        }
        let listed = self.listed.len() as u64;
        let command = html! { code { "authscope read --exchanges " (self.about.arguments) } };
        let sub = html! {
            @if listed == all {
                @if all == 1 { "The only one." } @else { "All " span #exchange-count { (thousands(all)) } "." }
            } @else {
                (thousands(listed)) " of " span #exchange-count { (thousands(all)) }
                ": the slowest, those without an answer, those with something wrong, and a part of the others, spread over the capture. All of them: "
                (command)
            }
        };
        let prefix =
            self.listed
                .first()
                .map_or("reglogin", |exchange| match exchange.protocol_name() {
                    "RegLogin" => "reglogin",
                    other => other,
                });
        let rate = &self.collector.summary.rate;
        let content = html! {
            div.card.long {
                div.tools.js-only {
                    input type="search" data-filter placeholder="Filter by any text" aria-label="Filter exchanges by any text";
                    span.sub #shown {}
                }
                div.wrap {
                    table.sortable #listed data-prefix=(prefix) data-files=(self.about.arguments)
                        data-start=(rate.start().0) data-width=(rate.width()) {
                        thead { tr {
                            th { "Time" } th { "Client" } th { "Action" } th { "User" } th { "Outcome" } th { "ms" } th { "Stream" } th { "Frames" }
                        } }
                        tbody {
                            @for (at, exchange) in self.listed.iter().enumerate() { (self.row(at, exchange)) }
                        }
                    }
                }
            }
        };
        let title = counted(all, "exchange");
        Some(section("exchanges", &title, &sub, &content))
    }

    fn row(&self, at: usize, exchange: &Exchange) -> Markup {
        let user = exchange.user(false).as_deref().map(shown);
        let [client, _] = exchange.ends();
        let ended = exchange
            .response()
            .map_or(exchange.time(), |response| response.time);
        let frame =
            |message: Option<&crate::dissect::Message>| message.map(|message| message.frame);
        let milliseconds = milliseconds(exchange);
        let action = exchange.action();
        let told: Option<Cow<'_, [u8]>> = description(exchange, false);
        html! {
            tr id={ "exchange-" (at) } data-b=(self.bar(ended)) {
                td { (self.times.time(exchange.time())) }
                td { (client) }
                td { (action.unwrap_or("?")) }
                td { (user.unwrap_or_default()) }
                td {
                    (tag(exchange))
                    @if let Some(told) = told { " " (shown(&told)) }
                    @if exchange.request().is_none() { " (its request was not captured)" }
                }
                td { (milliseconds) }
                td { (exchange.stream()) }
                td {
                    @match (frame(exchange.request()), frame(exchange.response())) {
                        (Some(request), Some(response)) => { (request) "–" (response) },
                        (Some(one), None) | (None, Some(one)) => { (one) },
                        (None, None) => {},
                    }
                }
            }
        }
    }
}
