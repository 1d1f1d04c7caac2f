//! Where the page comes from: the files, the interfaces, what was lost, the command, and the statistics as JSON.

use maud::{Markup, PreEscaped, html};

use super::{Page, section};
use crate::output::{StatsFormat, link_name, write_summary};
use crate::report::times::full;
use crate::text::escape::Escaped;
use crate::text::number::{counted, thousands};

/// Interfaces shown at most.
const INTERFACES: usize = 12;

impl Page<'_> {
    pub(super) fn capture(&self) -> Markup {
        let summary = &self.collector.summary;
        let sub = html! { "What this page was made from." };
        let content = html! {
            div.card {
                dl.facts {
                    @for (name, digest) in &self.about.files {
                        dt { "File" }
                        dd {
                            (Escaped(name))
                            @match digest {
                                Some(digest) => {
                                    ", " (counted(digest.octets, "byte"))
                                    br;
                                    span.sub { "SHA-256 " code { (digest.sha256) } }
                                },
                                None => { br; span.sub { "no SHA-256: only files that are named have one" } },
                            }
                        }
                    }
                    @if let Some([first, last]) = summary.frames.times {
                        dt { "Time" }
                        dd { (full(first)) " to " (full(last)) }
                    }
                    (self.interfaces())
                    dt { "Command" }
                    dd { code { (self.about.command) } }
                    dt { "Version" }
                    dd { "Authscope " (crate::VERSION) }
                    dt { "Left out" }
                    dd { (self.left_out()) }
                }
            }
        };
        section("capture", "Capture", &sub, &content)
    }

    fn interfaces(&self) -> Markup {
        let facts = &self.collector.facts;
        let left = facts.interfaces.len().saturating_sub(INTERFACES) as u64 + facts.left_out;
        html! {
            @if !facts.interfaces.is_empty() {
                dt { @if facts.interfaces.len() == 1 { "Interface" } @else { "Interfaces" } }
                dd {
                    @for interface in facts.interfaces.iter().take(INTERFACES) {
                        div {
                            @if let Some(name) = &interface.name { (Escaped(name)) ": " }
                            (link_name(interface.link))
                            @if interface.snaplen > 0 { ", up to " (counted(u64::from(interface.snaplen), "byte")) " of a frame" }
                            @if let Some(found) = facts.statistics.iter().find(|found| found.interface == interface.index) {
                                @if let Some(received) = found.received { "; " (thousands(received)) " received" }
                                @let dropped = [(found.interface_dropped, "interface"), (found.system_dropped, "system")];
                                @for (count, by) in dropped {
                                    @if let Some(count) = count { ", " (thousands(count)) " dropped by the " (by) }
                                }
                            }
                        }
                    }
                    @if left > 0 { div { (thousands(left)) " more." } }
                    @if facts.statistics.is_empty() { div.sub { "The capture does not say whether frames were dropped." } }
                }
            }
        }
    }

    /// What of the capture is not on the page.
    fn left_out(&self) -> String {
        let chosen = &self.collector.chosen;
        let summary = &self.collector.summary;
        let parts = [
            (chosen.count - self.listed.len() as u64, "exchange"),
            (
                summary.users.len().saturating_sub(self.rows.users) as u64,
                "user",
            ),
            (
                self.findings.len().saturating_sub(self.rows.findings) as u64,
                "finding",
            ),
            (
                self.faults.len().saturating_sub(self.rows.faults) as u64,
                "kind of fault",
            ),
        ];
        let mut said: Vec<String> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| counted(*count, what).replace("kind of faults", "kinds of faults"))
            .collect();
        let addresses = summary.addresses.len().saturating_sub(self.rows.addresses);
        if addresses > 0 {
            said.push(format!("{} addresses", thousands(addresses as u64)));
        }
        if said.is_empty() {
            return "nothing: all users, addresses, exchanges and findings are listed. Passwords are masked.".to_owned();
        }
        format!(
            "{} are counted and not listed, so that the page stays small whatever the capture's size. Passwords are masked.",
            said.join(", ")
        )
    }

    /// The statistics as `stats -T json` has them, with as many users, addresses and connections as fit.
    pub(super) fn statistics(&self) -> Markup {
        let mut octets = Vec::new();
        // Writing to memory does not fail.
        let _ = write_summary(
            &mut octets,
            &self.collector.summary,
            StatsFormat::Json,
            Some(self.rows.json),
        );
        let json = String::from_utf8_lossy(&octets);
        // What would end the script, or begin a comment in it.
        let json = json.trim_end().replace('<', "\\u003c");
        html! {
            script #statistics type="application/json" data-top=(self.rows.json) { (PreEscaped(json)) }
        }
    }
}
