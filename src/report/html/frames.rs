//! The position of each frame's message on the page, for links to the frame.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::rc::Rc;

use maud::{Markup, html};

use super::{Page, section};
use crate::report::chosen::Why;
use crate::report::faults::FaultGroup;
use crate::report::size::Rows;
use crate::session::Exchange;

/// The places of frames.
pub struct Frames(BTreeMap<u64, String>);

impl Frames {
    pub fn new(
        listed: &[Rc<Exchange>],
        worst: &[(Why, Rc<Exchange>)],
        faults: &[&FaultGroup],
        rows: Rows,
    ) -> Self {
        let mut places = BTreeMap::new();
        let mut put = |exchange: &Exchange, place: String| {
            for message in exchange.messages() {
                places.entry(message.frame).or_insert_with(|| place.clone());
            }
        };
        for (at, (_, exchange)) in worst.iter().enumerate() {
            put(exchange, format!("worst-{at}"));
        }
        for (at, exchange) in listed.iter().enumerate() {
            put(exchange, format!("exchange-{at}"));
        }
        for (at, kind) in faults.iter().take(rows.faults).enumerate() {
            places
                .entry(kind.first.frame)
                .or_insert_with(|| format!("fault-{at}"));
        }
        Self(places)
    }

    /// A link to a frame's message, which is on the page or among the frames elsewhere.
    pub fn link(&self, frame: u64) -> Markup {
        let elsewhere = || format!("frame-{frame}");
        let place = self.0.get(&frame).cloned().unwrap_or_else(elsewhere);
        html! { a href={ "#" (place) } { (frame) } }
    }

    /// Links to several.
    pub fn links(&self, frames: &[u64]) -> Markup {
        html! {
            @if frames.len() == 1 { "Frame " } @else { "Frames " }
            @for (at, frame) in frames.iter().enumerate() {
                @if at > 0 { ", " }
                (self.link(*frame))
            }
        }
    }
}

impl Page<'_> {
    /// The frames that are named but whose messages are not listed: how to see them.
    pub(super) fn frames_elsewhere(&self) -> Markup {
        let of_findings = self.findings.iter().take(self.rows.findings);
        let of_faults = self.faults.iter().take(self.rows.faults);
        let named: BTreeSet<u64> = of_findings
            .flat_map(|finding| &finding.frames)
            .chain(of_faults.flat_map(|kind| &kind.frames))
            .copied()
            .filter(|frame| !self.frames.0.contains_key(frame))
            .collect();
        if named.is_empty() {
            return html! {};
        }
        let sub = html! { "Named above, and not among the exchanges listed." };
        let content = html! {
            div.card {
                p.sub { "What one of them holds is shown by" }
                @let first = named.first().copied().unwrap_or_default();
                pre { code { "authscope read -V -Y 'frame.number == " (first) "' " (self.about.arguments) } }
                p.more {
                    @for (at, frame) in named.iter().enumerate() {
                        @if at > 0 { ", " }
                        span id={ "frame-" (frame) } { "frame " (frame) }
                    }
                }
            }
        };
        section("elsewhere", "Other frames", &sub, &content)
    }
}
