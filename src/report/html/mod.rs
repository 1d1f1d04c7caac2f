//! The page of one capture: its parts in order, and what is around them.

#![expect(clippy::cast_precision_loss, reason = "places in a drawing")]

mod about;
mod bytes;
mod counts;
pub(super) mod document;
mod exchanges;
mod faults;
mod findings;
mod frames;
mod ladder;
mod number;
mod overview;
mod rate;
mod response;
mod users;
mod wireshark;
mod worst;

pub(super) use rate::spark as rate_spark;

use std::rc::Rc;

use maud::{Markup, html};

use super::chosen::Why;
use super::collect::Collector;
use super::digest::Digest;
use super::faults::FaultGroup;
use super::size::{Rows, fitting};
use super::times::Shown;
use super::verdict::Verdict;
use crate::capture::Timestamp;
use crate::session::Exchange;
use crate::session::summary::Finding;
use frames::Frames;

/// What a page says that no frame does.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// The files, as they were named, with their digests where they have one.
    pub files: Vec<(String, Option<Digest>)>,
    /// The command that the page was made with, without what says where to.
    pub command: String,
    /// The files as a shell takes them, for commands that show more.
    pub arguments: String,
    /// What went wrong with files, a sentence each without its stop.
    pub damage: Vec<String>,
    /// Where the index is that the page belongs to.
    pub index: Option<String>,
}

/// The page of one capture.
#[must_use]
pub fn page(collector: &Collector, about: &About) -> String {
    let findings = collector.summary.findings();
    let verdict = Verdict::of(collector);
    fitting(|rows| {
        let page = Page::new(collector, about, &findings, &verdict, rows);
        page.write()
    })
}

/// Everything that the parts of a page are made of.
struct Page<'a> {
    collector: &'a Collector,
    about: &'a About,
    findings: &'a [Finding],
    verdict: &'a Verdict,
    rows: Rows,
    /// The exchanges listed.
    listed: Vec<Rc<Exchange>>,
    worst: Vec<(Why, Rc<Exchange>)>,
    faults: Vec<&'a FaultGroup>,
    frames: Frames,
    times: Shown,
}

impl<'a> Page<'a> {
    fn new(
        collector: &'a Collector,
        about: &'a About,
        findings: &'a [Finding],
        verdict: &'a Verdict,
        rows: Rows,
    ) -> Self {
        let listed = collector.chosen.listed(rows.exchanges);
        let worst = collector.chosen.worst(rows.worst);
        let faults = collector.faults.kinds();
        let start = collector.summary.rate.start();
        let length = collector.summary.frames.duration();
        let frames = Frames::new(&listed, &worst, &faults, rows);
        Self {
            collector,
            about,
            findings,
            verdict,
            rows,
            listed,
            worst,
            faults,
            frames,
            times: Shown::new(start, length),
        }
    }

    fn title(&self) -> String {
        match self.about.files.as_slice() {
            [] => "Capture".to_owned(),
            [(only, _)] => file_name(only).to_owned(),
            [(first, _), others @ ..] => {
                format!("{} and {} more", file_name(first), others.len())
            }
        }
    }

    fn write(&self) -> String {
        let parts: Vec<(&str, &str, Option<Markup>)> = vec![
            ("findings", "Findings", Some(self.findings())),
            ("rate", "Over time", self.rate()),
            ("response", "Response times", self.response_times()),
            ("users", "Users and addresses", self.users()),
            ("exchanges", "Exchanges", self.exchanges()),
            ("worst", "Slowest and worst", self.worst()),
            ("wireshark", "Wireshark", self.wireshark()),
            ("conformance", "Conformance", Some(self.conformance())),
            ("counts", "Counts", Some(self.counts())),
            ("capture", "Capture", Some(self.capture())),
        ];
        let there: Vec<_> = parts
            .iter()
            .filter_map(|(id, name, part)| Some((*id, *name, part.as_ref()?)))
            .collect();
        let nav: Vec<(&str, &str)> = there.iter().map(|(id, name, _)| (*id, *name)).collect();
        let body = html! {
            (self.head())
            (document::nav(&nav))
            main {
                (self.tiles())
                @for (_, _, part) in &there { (part) }
                (self.frames_elsewhere())
                div.chosen #chosen hidden role="status" aria-live="polite" {}
            }
            (document::footer())
            (self.statistics())
        };
        document::document(&self.title(), &body)
    }

    /// The bar of the summary's rate that a time belongs to.
    fn bar(&self, time: Timestamp) -> usize {
        let rate = &self.collector.summary.rate;
        let offset = u64::try_from(time.since(rate.start())).unwrap_or(0);
        let bar = usize::try_from(offset / rate.width()).unwrap_or(usize::MAX);
        bar.min(rate.bars().len().saturating_sub(1))
    }

    /// When a bar of the summary's rate begins, as short as tells it apart.
    fn tick(&self, bar: usize) -> String {
        let after = self.collector.summary.rate.width() * bar as u64;
        self.times.tick(i64::try_from(after).unwrap_or(i64::MAX))
    }

    /// So many labels for the axis of a chart whose columns are those of the summary's rate.
    fn axis(&self, labels: u64) -> Markup {
        let rate = &self.collector.summary.rate;
        let length = rate.width() * rate.bars().len() as u64;
        let ticks =
            (0..labels).map(|part| i64::try_from(length / (labels - 1) * part).unwrap_or(i64::MAX));
        html! {
            div.x aria-hidden="true" {
                @for tick in ticks { span { (self.times.tick(tick)) } }
            }
        }
    }

    /// Rectangles over a chart, one a bar of the summary's rate, that choose its time.
    fn hits(&self, [width, height]: [f64; 2], title: impl Fn(usize) -> String) -> Markup {
        html! {
            @for at in 0..self.collector.summary.rate.bars().len() {
                rect.hit data-b=(at) x=(at as f64 * width) width=(width) height=(height) { title { (title(at)) } }
            }
        }
    }
}

/// The last part of a path.
fn file_name(path: &str) -> &str {
    match path {
        "-" => "standard input",
        path => path.rsplit('/').next().unwrap_or(path),
    }
}

/// A part of the page with its heading.
fn section(id: &str, name: &str, sub: &Markup, content: &Markup) -> Markup {
    html! {
        section #(id) {
            div.head {
                h2 { (name) }
                p.sub { (sub) }
            }
            (content)
        }
    }
}
