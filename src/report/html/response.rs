//! How long answers took: percentiles and steps on a logarithmic axis, and every answer over time.

#![expect(clippy::cast_precision_loss, reason = "places in a drawing")]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use maud::{Markup, html};

use super::number::{cell, time_cell};
use super::{Page, section};
use crate::report::points::{COLUMNS, DECADES, Grid, STEPS, Series};
use crate::report::times::{milliseconds, span};
use crate::session::summary::{ACTIONS, Quantiles, Times};
use crate::text::number::{counted, thousands};

/// Classes of the series' colours.
const COLOURS: [&str; 6] = ["one", "two", "three", "four", "three", "four"];

/// One kind of request with the times of its answers.
struct Line<'a> {
    name: String,
    /// Its distribution's place in the statistics.
    place: String,
    colour: &'static str,
    action: Option<&'static str>,
    times: &'a Times,
    quantiles: Quantiles,
}

/// The decades from one power of ten of microseconds to another.
#[derive(Clone, Copy)]
struct Decades {
    first: u32,
    last: u32,
}

impl Decades {
    /// Those that hold all of the times.
    fn of(lines: &[Line<'_>]) -> Self {
        // A microsecond is a thousand nanoseconds.
        let decade = |nanoseconds: i64| nanoseconds.max(1000).ilog10() - 3;
        let from = lines.iter().map(|line| decade(line.quantiles.min)).min();
        let to = lines.iter().map(|line| decade(line.quantiles.max)).max();
        let first = from.unwrap_or_default().min(DECADES - 1);
        let last = (to.unwrap_or_default() + 1).clamp(first + 1, DECADES);
        Self { first, last }
    }

    const fn count(self) -> u32 {
        self.last - self.first
    }

    /// The position of a time on the scale, from 0 to 1.
    fn place(self, nanoseconds: i64) -> f64 {
        let micro = (nanoseconds.max(1) as f64 / 1e3).log10();
        ((micro - f64::from(self.first)) / f64::from(self.count())).clamp(0.0, 1.0)
    }

    fn labels(self) -> impl DoubleEndedIterator<Item = String> {
        (self.first..=self.last).map(|decade| span(10_i64.pow(decade + 3)))
    }
}

impl Page<'_> {
    fn lines(&self) -> Vec<Line<'_>> {
        let summary = &self.collector.summary;
        let mut lines = Vec::new();
        for (action, times) in ACTIONS.iter().zip(&summary.times) {
            let name = Series::RegLogin(*action).name();
            let place = format!("/response_time/{}", action.noun());
            lines.push((name, place, Some(action.noun()), times));
        }
        for (at, counts) in summary.described.iter().enumerate() {
            let place = format!("/layouts/{at}/response_time");
            lines.push((counts.layout.name().to_owned(), place, None, &counts.times));
        }
        let lines = lines.into_iter().zip(COLOURS);
        lines
            .filter_map(|((name, place, action, times), colour)| {
                let quantiles = times.quantiles()?;
                Some(Line {
                    name,
                    place,
                    colour,
                    action,
                    times,
                    quantiles,
                })
            })
            .collect()
    }

    pub(super) fn response_times(&self) -> Option<Markup> {
        let lines = self.lines();
        if lines.is_empty() {
            return None;
        }
        let decades = Decades::of(&lines);
        let sub = html! { "From the frame that completed a request to the one that completed its response." };
        let content = html! {
            div.pair {
                div.card {
                    h3 { "How long answers took" }
                    (strips(&lines, decades))
                    (table(&lines))
                    (steps(&lines))
                }
                div.card {
                    h3 { "Each answer over time" }
                    (self.points(&lines, decades))
                }
            }
        };
        Some(section("response", "Response times", &sub, &content))
    }

    fn points(&self, lines: &[Line<'_>], decades: Decades) -> Markup {
        let Some(over_time) = &self.collector.over_time else {
            return html! {};
        };
        let rate = &self.collector.summary.rate;
        let points = &over_time.points;
        // Two units a column and a row, so that their middles are whole numbers.
        let bar = rate.width() as f64 / points.width() as f64 * 2.0;
        let width = rate.bars().len() as f64 * bar;
        let rows = decades.count() as usize * STEPS;
        let height = rows * 2;
        let first = decades.first as usize * STEPS;
        let place = |x: usize, y: usize| {
            let y = y.saturating_sub(first).min(rows - 1);
            (2 * x + 1, 2 * (rows - y) - 1)
        };
        let colour = |grid: &Grid| {
            let name = grid.series.name();
            lines
                .iter()
                .find(|line| line.name == name)
                .map_or("none", |line| line.colour)
        };
        html! {
            div.legend {
                @for line in lines {
                    span.key data-pick=[line.action.map(|_| "action")] data-value=[line.action] {
                        svg viewBox="0 0 10 10" aria-hidden="true" { circle class={ "s-" (line.colour) } cx="5" cy="5" r="5" {} }
                        (line.name)
                    }
                }
                span { "Larger dots are more answers." }
            }
            div.plot.points {
                div.y aria-hidden="true" { @for label in decades.labels().rev() { span { (label) } } }
                svg viewBox={ "0 0 " (width) " " (height) } preserveAspectRatio="none" role="img"
                    aria-label="How long each answer took, by the time of the answer" {
                    path.grid d=(grid_lines(width, decades.count(), STEPS * 2)) {}
                    g.dots {
                        @for grid in points.grids() {
                            @for (size, path) in dots(grid, place) {
                                path class={ "l-" (colour(grid)) " d" (size) } d=(path) {}
                            }
                        }
                    }
                    (self.hits([bar, height as f64], |at| self.tick(at)))
                }
                (self.axis(4))
            }
            @if points.negative > 0 {
                p.more { (counted(points.negative, "answer")) " earlier than the request by the frames' times are not in this chart." }
            }
            @if points.left_out > 0 {
                p.more { (counted(points.left_out, "answer")) " of further layouts are not in this chart." }
            }
        }
    }
}

fn grid_lines(width: f64, count: u32, step: usize) -> String {
    let mut path = String::new();
    for line in 0..count as usize {
        let _ = write!(path, "M0 {}h{width}", line * step);
    }
    path
}

/// A path for each size of dots, which shows how many answers coincide: 1, up to 9, up to 99, more.
fn dots(grid: &Grid, place: impl Fn(usize, usize) -> (usize, usize)) -> Vec<(usize, String)> {
    let mut paths = vec![String::new(); 4];
    debug_assert!(grid.cells().all(|(x, ..)| x < COLUMNS));
    for (x, y, count) in grid.cells() {
        let (x, y) = place(x, y);
        let size = match count {
            1 => 0,
            2..=9 => 1,
            10..=99 => 2,
            _ => 3,
        };
        let _ = write!(paths[size], "M{x} {y}h0");
    }
    let sizes = (1..).zip(paths);
    sizes.filter(|(_, path)| !path.is_empty()).collect()
}

/// A strip a series: from the shortest to the longest, from half to nine of ten, and a pin at 99 of 100.
fn strips(lines: &[Line<'_>], decades: Decades) -> Markup {
    let x = |nanoseconds: i64| format!("{:.1}", decades.place(nanoseconds) * 1000.0);
    html! {
        div.spans {
            @for line in lines {
                @let q = &line.quantiles;
                span { (line.name) }
                svg viewBox="0 0 1000 20" preserveAspectRatio="none" role="img"
                    aria-label={ (line.name) ": half within " (span(q.p50)) ", 90 % within " (span(q.p90)) ", 99 % within " (span(q.p99)) } {
                    title { "from " (span(q.min)) " to " (span(q.max)) "; half within " (span(q.p50)) ", 90 % within " (span(q.p90)) ", 99 % within " (span(q.p99)) }
                    path.grid d=(grid_columns(decades.count())) {}
                    path class={ "thin l-" (line.colour) } d={ "M" (x(q.min)) " 10H" (x(q.max)) } {}
                    path class={ "thick l-" (line.colour) } d={ "M" (x(q.p50)) " 10H" (x(q.p90)) } {}
                    path class={ "pin l-" (line.colour) } d={ "M" (x(q.p50)) " 2v16M" (x(q.p90)) " 5v10M" (x(q.p99)) " 5v10" } {}
                }
            }
            div.x aria-hidden="true" { @for label in decades.labels() { span { (label) } } }
        }
        p.more { "Line: shortest to longest. High mark: half of the answers. Bar: from half to 90\u{a0}%. Last mark: 99\u{a0}%." }
    }
}

fn grid_columns(count: u32) -> String {
    let mut path = String::new();
    for line in 0..=count {
        let _ = write!(
            path,
            "M{:.0} 0v20",
            f64::from(line) * 1000.0 / f64::from(count)
        );
    }
    path
}

fn table(lines: &[Line<'_>]) -> Markup {
    let exact = lines.iter().all(|line| line.quantiles.exact);
    html! {
        div.wrap {
            table {
                thead { tr {
                    th { "ms" } th.n { "Count" } th.n { "Min" } th.n { "Median" } th.n { "90\u{a0}%" } th.n { "99\u{a0}%" } th.n { "Max" }
                } }
                tbody {
                    @for Line { name, place, quantiles: q, .. } in lines {
                        tr {
                            td { (name) }
                            (cell(format_args!("{place}/count"), q.count))
                            (time_cell(format_args!("{place}/min"), q.min))
                            (time_cell(format_args!("{place}/p50"), q.p50))
                            (time_cell(format_args!("{place}/p90"), q.p90))
                            (time_cell(format_args!("{place}/p99"), q.p99))
                            (time_cell(format_args!("{place}/max"), q.max))
                        }
                    }
                }
            }
        }
        @if !exact { p.more { "Of many answers, values between the shortest and the longest have three digits." } }
    }
}

/// How many answers took up to 1, 2, 5, 10 ... of a unit.
fn steps(lines: &[Line<'_>]) -> Markup {
    let buckets: Vec<_> = lines.iter().map(|line| line.times.buckets()).collect();
    let ends: BTreeSet<u64> = buckets.iter().flatten().map(|(end, _)| *end).collect();
    let most = buckets
        .iter()
        .flatten()
        .map(|(_, count)| *count)
        .max()
        .unwrap_or_default();
    if ends.len() < 2 || most == 0 {
        return html! {};
    }
    let of = |line: usize, end: u64| {
        let known = buckets[line].iter().position(|(known, _)| *known == end);
        known.map(|at| (at, buckets[line][at].1))
    };
    let mut before = 0;
    let rows: Vec<(u64, u64)> = ends
        .iter()
        .map(|end| (std::mem::replace(&mut before, *end), *end))
        .collect();
    html! {
        div.wrap {
            table.steps {
                thead { tr {
                    th.n { "Up to" }
                    @for line in lines { th.n { (line.name) } }
                    th {}
                } }
                tbody {
                    @for (from, end) in rows {
                        @let ms = |value: u64| { let text = milliseconds(i64::try_from(value).unwrap_or(i64::MAX)); text.trim_end_matches('0').trim_end_matches('.').to_owned() };
                        tr data-pick="took" data-value={ (ms(from)) "," (ms(end)) } {
                            td.n { (span(i64::try_from(end).unwrap_or(i64::MAX))) }
                            @for (at, line) in lines.iter().enumerate() {
                                @match (of(at, end), line.action) {
                                    (Some((index, count)), Some(action)) => (cell(format_args!("/response_steps/{action}/{index}/count"), count)),
                                    (known, _) => {
                                        @let count = known.map_or(0, |(_, count)| count);
                                        td.n.z[count == 0] { (thousands(count)) }
                                    },
                                }
                            }
                            td {
                                @let height = lines.len() * 10;
                                svg viewBox={ "0 0 1000 " (height) } preserveAspectRatio="none" aria-hidden="true" {
                                    @for (at, line) in lines.iter().enumerate() {
                                        @let count = of(at, end).map_or(0, |(_, count)| count);
                                        rect class={ "s-" (line.colour) } y=(at * 10 + 1) width=(count * 1000 / most) height="8" {
                                            title { (line.name) ": " (thousands(count)) }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
