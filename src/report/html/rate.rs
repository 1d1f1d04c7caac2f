//! The chart over time: answers stacked by outcome, and the times of findings.

#![expect(clippy::cast_precision_loss, reason = "places in a drawing")]

use std::fmt::Write as _;

use maud::{Markup, html};

use super::number::of_row;
use super::{Page, section};
use crate::capture::Timestamp;
use crate::report::times::span;
use crate::session::summary::Bar;
use crate::text::number::thousands;

/// Height of the chart in its own units.
const HEIGHT: u64 = 100;
/// Findings marked at most, in as many lanes.
const MARKS: usize = 24;
const LANES: usize = 4;

/// Bars from the bottom up in one path: where each begins, and how high it is.
fn bars(values: impl Iterator<Item = (u64, u64)>, most: u64) -> String {
    let mut path = String::new();
    for (at, (below, value)) in values.enumerate() {
        if value == 0 {
            continue;
        }
        let height = |count: u64| count as f64 * HEIGHT as f64 / most as f64;
        // A value that is not zero is visible, however small.
        let tall = height(value).max(1.0);
        let _ = write!(
            path,
            "M{} {:.1}v-{tall:.1}h8v{tall:.1}z",
            at * 10 + 1,
            HEIGHT as f64 - height(below)
        );
    }
    path
}

/// What the chart stacks.
struct Stack {
    what: &'static str,
    /// For each layer: its class, its name, what it picks, and its values.
    layers: Vec<(&'static str, &'static str, Option<&'static str>, Vec<u64>)>,
}

impl Page<'_> {
    fn stack(&self) -> Stack {
        let rate = &self.collector.summary.rate;
        let all = rate.bars();
        let of = |value: fn(&Bar) -> u64| all.iter().map(value).collect::<Vec<u64>>();
        let unanswered = self
            .collector
            .over_time
            .as_ref()
            .map_or_else(Vec::new, |over_time| {
                let counts = over_time.failing.unanswered(rate.width(), all.len());
                counts.into_iter().map(u64::from).collect()
            });
        let layers = vec![
            (
                "s-good",
                "succeeded",
                Some("success"),
                of(|bar| bar.successes),
            ),
            ("s-bad", "failed", Some("failure"), of(|bar| bar.failures)),
            ("s-none", "no answer", Some("no response"), unanswered),
        ];
        let any = |values: &[u64]| values.iter().any(|value| *value > 0);
        if layers.iter().any(|(.., values)| any(values)) {
            let layers = layers
                .into_iter()
                .filter(|(.., values)| any(values))
                .collect();
            return Stack {
                what: "Requests by what became of them",
                layers,
            };
        }
        let messages = of(|bar| bar.messages);
        if any(&messages) {
            return Stack {
                what: "Messages",
                layers: vec![("s-two", "messages", None, messages)],
            };
        }
        let frames = of(|bar| bar.frames);
        Stack {
            what: "Frames",
            layers: vec![("s-none", "frames", None, frames)],
        }
    }

    pub(super) fn rate(&self) -> Option<Markup> {
        let rate = &self.collector.summary.rate;
        let all = rate.bars();
        if all.is_empty() {
            return None;
        }
        let Stack { what, layers } = self.stack();
        let sums: Vec<u64> = (0..all.len())
            .map(|at| layers.iter().map(|(.., values)| values[at]).sum())
            .collect();
        let most = sums.iter().copied().max().unwrap_or_default().max(1);
        let width = all.len() * 10;
        let below = |layer: usize, at: usize| -> u64 {
            layers[..layer].iter().map(|(.., values)| values[at]).sum()
        };
        let title = |at: usize| {
            let mut text = self.tick(at);
            for (_, name, _, values) in &layers {
                let _ = write!(text, ", {} {name}", thousands(values[at]));
            }
            text
        };
        let bar_width = span(i64::try_from(rate.width()).unwrap_or(i64::MAX));
        let sub = html! {
            (what) ", " (bar_width) " a bar"
            @if let Some(day) = self.times.day() { ", " (day) " UTC" } @else { ", UTC" }
        };
        let content = html! {
            div.card {
                div.legend {
                    @for (class, name, pick, values) in &layers {
                        span.key data-pick=[pick.map(|_| "outcome")] data-value=[*pick] {
                            svg viewBox="0 0 10 10" aria-hidden="true" { rect class=(class) width="10" height="10" rx="2" {} }
                            (thousands(values.iter().sum())) " " (name)
                        }
                    }
                    span.js-only { "Click a bar to choose its time, with Shift up to another." }
                }
                div.plot {
                    div.y aria-hidden="true" {
                        span { (thousands(most)) }
                        @if most > 1 && most.is_multiple_of(2) { span { (thousands(most / 2)) } }
                        span { "0" }
                    }
                    svg viewBox={ "0 0 " (width) " " (HEIGHT) } preserveAspectRatio="none" role="img"
                        aria-label={ (what) " over time; the numbers are in the table below" } {
                        path.grid d={ "M0 0h" (width) "M0 " (HEIGHT / 2) "h" (width) } {}
                        @for (layer, (class, _, _, values)) in layers.iter().enumerate() {
                            path class=(class) d=(bars(values.iter().enumerate().map(|(at, value)| (below(layer, at), *value)), most)) {}
                        }
                        (self.hits([10.0, HEIGHT as f64], title))
                    }
                    (self.axis(5))
                    (self.marks())
                }
                (self.rate_table())
            }
        };
        Some(section("rate", "Over time", &sub, &content))
    }

    /// When each finding began and ended, under the chart.
    fn marks(&self) -> Markup {
        let rate = &self.collector.summary.rate;
        let length = (rate.width() * rate.bars().len() as u64).max(1) as f64;
        let width = (rate.bars().len() * 10) as f64;
        let at =
            |time: Timestamp| (time.since(rate.start()).max(0) as f64 / length).min(1.0) * width;
        let mut lanes: Vec<Vec<(usize, f64, f64)>> = Vec::new();
        for (index, finding) in self
            .findings
            .iter()
            .take(MARKS.min(self.rows.findings))
            .enumerate()
        {
            let least = width / 100.0;
            let from = at(finding.first).min(width - least);
            let to = at(finding.last).max(from + least);
            let is_free = |lane: &Vec<(usize, f64, f64)>| {
                let mut marks = lane.iter();
                marks.all(|(_, start, end)| to < *start || from > *end)
            };
            match lanes.iter().position(is_free) {
                Some(lane) => lanes[lane].push((index, from, to)),
                None if lanes.len() < LANES => lanes.push(vec![(index, from, to)]),
                None => {}
            }
        }
        html! {
            @if !lanes.is_empty() {
                div.under {
                    @for lane in &lanes {
                        svg viewBox={ "0 0 " (width) " 8" } preserveAspectRatio="none" {
                            @for (index, from, to) in lane {
                                @let finding = &self.findings[*index];
                                a href={ "#finding-" (index) } {
                                    rect class={ "f-" (finding.severity.name()) }
                                        x=(format!("{from:.1}")) y="0" width=(format!("{:.1}", to - from)) height="8" {
                                        title { (finding.what.name()) ": " (crate::output::Sentence(finding)) }
                                    }
                                }
                            }
                        }
                    }
                    p.sub { "Marks under the bars: when the findings were." }
                }
            }
        }
    }

    fn rate_table(&self) -> Markup {
        let rate = &self.collector.summary.rate;
        html! {
            details {
                summary { "The numbers" }
                div.wrap {
                    table.numbers {
                        thead { tr {
                            th { "From" } th data-key="frames" { "Frames" } th data-key="octets" { "Bytes" } th data-key="messages" { "Messages" }
                            th data-key="successes" { "Success" } th data-key="failures" { "Failure" }
                        } }
                        tbody {
                            @for (at, bar) in rate.bars().iter().enumerate() {
                                tr data-row={ "/rate/bars/" (at) } {
                                    td { (self.tick(at)) }
                                    @for number in [bar.frames, bar.octets, bar.messages, bar.successes, bar.failures] { (of_row(number)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The small chart of a row: successful and failed answers.
pub(in crate::report) fn spark(all: &[Bar]) -> Markup {
    let answers = |bar: &Bar| bar.successes + bar.failures;
    let any = all.iter().any(|bar| answers(bar) > 0);
    let most = all
        .iter()
        .map(|bar| if any { answers(bar) } else { bar.frames })
        .max()
        .unwrap_or_default()
        .max(1);
    html! {
        svg.spark viewBox={ "0 0 " (all.len().max(1) * 10) " " (HEIGHT) } preserveAspectRatio="none" aria-hidden="true" {
            @if any {
                path.s-good d=(bars(all.iter().map(|bar| (0, bar.successes)), most)) {}
                path.s-bad d=(bars(all.iter().map(|bar| (bar.successes, bar.failures)), most)) {}
            } @else {
                path.s-none d=(bars(all.iter().map(|bar| (0, bar.frames)), most)) {}
            }
        }
    }
}
