//! Findings as cards, with links to the frames to look at.

use maud::{Markup, html};

use super::{Page, section};
use crate::output::Sentence;
use crate::report::times::span;
use crate::text::capitalised;
use crate::text::number::counted;

impl Page<'_> {
    pub(super) fn findings(&self) -> Markup {
        let limits = self.collector.summary.limits();
        let shown = self.findings.len().min(self.rows.findings);
        let sub = html! {
            @if self.findings.is_empty() { "Nothing that is looked for was found." }
            @else { "A finding is a reason to look closer, not a proof." }
        };
        let content = html! {
            @if shown > 0 {
                div.pair {
                    @for (at, finding) in self.findings.iter().take(shown).enumerate() {
                        article class={ "card finding " (finding.severity.name()) } id={ "finding-" (at) } {
                            p.kind {
                                span class={ "tag " (finding.severity.name()) } { (finding.severity.name()) }
                                (capitalised(finding.what.name()))
                            }
                            p data-stat={ "/findings/" (at) "/text" } { (Sentence(finding)) }
                            p.meta {
                                (self.frames.links(&finding.frames))
                                " · " (self.times.time(finding.first))
                                @let length = finding.last.since(finding.first);
                                @if length > 0 { ", over " (span(length)) }
                            }
                        }
                    }
                }
            }
            @if shown < self.findings.len() {
                p.more { (counted((self.findings.len() - shown) as u64, "further finding")) ", smaller ones: "
                    code { "authscope stats " (self.about.arguments) } }
            }
            @if !limits.is_empty() || !self.about.damage.is_empty() {
                ul.mind {
                    @for damage in &self.about.damage { li { (damage) "." } }
                    @for (at, limit) in limits.iter().enumerate() {
                        li { span data-stat={ "/limits/" (at) } { (limit) } "." }
                    }
                }
            }
        };
        section("findings", "Findings", &sub, &content)
    }
}
