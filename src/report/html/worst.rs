//! The slowest and the worst exchanges, each as a ladder and with the bytes of its messages.

use maud::{Markup, html};

use super::bytes::bytes;
use super::exchanges::{shown, tag};
use super::ladder::ladder;
use super::{Page, section};
use crate::report::chosen::Why;
use crate::report::times::span;
use crate::session::Exchange;
use crate::text::capitalised;

impl Page<'_> {
    pub(super) fn worst(&self) -> Option<Markup> {
        if self.worst.is_empty() {
            return None;
        }
        let sub = html! { "Those with something wrong, those without an answer, and the slowest: " (self.worst.len()) " of them, with their bytes. Passwords are masked." };
        let content = html! {
            div.worst {
                @for (at, (why, exchange)) in self.worst.iter().enumerate() {
                    article.card id={ "worst-" (at) } {
                        h3 {
                            (reason(*why, exchange))
                            (capitalised(exchange.action().unwrap_or("message")))
                            @if let Some(user) = exchange.user(false) { " of " (shown(&user)) }
                            (tag(exchange))
                        }
                        p.sub { (self.times.time(exchange.time())) ", stream " (exchange.stream()) }
                        (ladder(exchange))
                        @for message in exchange.messages() { (bytes(message, None)) }
                    }
                }
            }
        };
        Some(section(
            "worst",
            "The slowest and the worst",
            &sub,
            &content,
        ))
    }
}

/// Why it is here.
fn reason(why: Why, exchange: &Exchange) -> Markup {
    match why {
        Why::Faulty => html! { span.tag.error { "something wrong" } },
        Why::Unanswered => html! { span.tag { "no answer" } },
        Why::Slow => html! { span.tag.note { (span(exchange.elapsed().unwrap_or_default())) } },
    }
}
