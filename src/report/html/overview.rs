//! The head of a page: the verdict, and the few numbers that one asks for first.

use maud::{Markup, html};

use super::{Page, number};
use crate::report::times::{full, span};
use crate::report::verdict::Requests;
use crate::text::number::thousands;

impl Page<'_> {
    pub(super) fn head(&self) -> Markup {
        let summary = &self.collector.summary;
        html! {
            header {
                p.made {
                    @if let Some(index) = &self.about.index { a href=(index) { "All captures" } " · " }
                    "Authscope report"
                }
                h1 { (self.title()) }
                @if let Some([first, _]) = summary.frames.times {
                    p.where {
                        (full(first)) ", " (span(summary.frames.duration())) " long, "
                        (number::count("/frames", summary.frames.frames)) " frames"
                    }
                }
                p class={ "verdict " (self.verdict.mood.name()) } id="verdict" { (self.verdict.text) }
            }
        }
    }

    pub(super) fn tiles(&self) -> Markup {
        let summary = &self.collector.summary;
        let requests = Requests::of(summary);
        if requests.count() == 0 && requests.successes + requests.failures == 0 {
            return html! {};
        }
        let [registration, login] = &summary.times;
        let medians = [
            ("Median registration", "registration", registration),
            ("Median login", "login", login),
        ];
        html! {
            dl.tiles {
                (tile("Requests", "", &html! { (thousands(requests.count())) }))
                (tile("Succeeded", "good", &html! { (thousands(requests.successes)) }))
                (tile("Failed", if requests.failures > 0 { "bad" } else { "" }, &html! { (thousands(requests.failures)) }))
                (tile("No answer", "", &html! { (thousands(requests.unanswered)) }))
                @for (label, key, times) in medians {
                    @if let Some(quantiles) = times.quantiles() {
                        (tile(label, "", &html! {
                            span data-stat={ "/response_time/" (key) "/p50" } { (crate::report::times::milliseconds(quantiles.p50)) }
                            small { " ms" }
                        }))
                    }
                }
                (tile("Users", "", &number::count("/users_total", summary.users.len() as u64)))
                (tile("Addresses", "", &number::count("/addresses_total", summary.addresses.len() as u64)))
            }
        }
    }
}

fn tile(label: &str, tone: &str, value: &Markup) -> Markup {
    html! {
        div class={ "tile " (tone) } {
            dt { (label) }
            dd { (value) }
        }
    }
}
