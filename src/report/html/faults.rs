//! What does not conform to the protocol, each kind with the bytes of the first message.

use maud::{Markup, html};

use super::bytes::bytes;
use super::{Page, section};
use crate::text::capitalised;
use crate::text::number::{counted, thousands};

impl Page<'_> {
    pub(super) fn conformance(&self) -> Markup {
        let shown = self.faults.len().min(self.rows.faults);
        let messages: u64 = self.faults.iter().map(|kind| kind.count).sum();
        let sub = html! {
            @if self.faults.is_empty() { "Every message is as the protocol says." }
            @else { (counted(messages + self.collector.faults.others, "remark")) " of " (counted(self.faults.len() as u64, "kind")) "; of each kind the first message, byte by byte." }
        };
        let content = html! {
            @if shown > 0 {
                div.worst {
                    @for (at, kind) in self.faults.iter().take(shown).enumerate() {
                        @let severity = kind.note.severity().name();
                        article.card id={ "fault-" (at) } {
                            h3 { span class={ "tag " (severity) } { (severity) } (counted(kind.count, "message")) }
                            p { (capitalised(&kind.note.to_string())) "." }
                            p.sub { (self.frames.links(&kind.frames)) @if kind.count > kind.frames.len() as u64 { " and " (thousands(kind.count - kind.frames.len() as u64)) " more" } }
                            (bytes(&kind.first, None))
                        }
                    }
                }
            }
            @if shown < self.faults.len() || self.collector.faults.others > 0 {
                p.more { "Further kinds are not shown: " code { "authscope stats " (self.about.arguments) } }
            }
        };
        section("conformance", "Conformance to the protocol", &sub, &content)
    }
}
