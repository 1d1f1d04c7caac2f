//! The counts of what was read: messages, protocols, connections, notes.

use maud::{Markup, html};

use super::number::{cell, count, key, of_row};
use super::{Page, section};
use crate::capture::Seconds;
use crate::dissect::{Group, Severity};
use crate::session::summary::{ACTIONS, MESSAGE_TYPES};
use crate::text::capitalised;
use crate::text::number::thousands;

impl Page<'_> {
    pub(super) fn counts(&self) -> Markup {
        let sub = html! { "As " code { "authscope stats" } " has them." };
        let content = html! {
            div.pair {
                (self.messages())
                (self.frames_and_notes())
            }
            (self.connections())
        };
        section("counts", "Counts", &sub, &content)
    }

    fn messages(&self) -> Markup {
        let summary = &self.collector.summary;
        html! {
            div.card {
                h3 { "Messages" }
                div.wrap {
                    table {
                        thead { tr { th { "Type" } th.n { "Count" } th.n { "Success" } th.n { "Failure" } th.n { "Other" } } }
                        tbody {
                            @for (command, number) in MESSAGE_TYPES.iter().zip(summary.messages) {
                                @if number > 0 || command.kind().is_some() {
                                    tr {
                                        td { (command.title()) }
                                        (cell(format_args!("/messages/{}", key(command.name())), number))
                                        @if let Some(at) = ACTIONS.iter().position(|action| action.response() == *command) {
                                            @let (noun, outcomes) = (ACTIONS[at].noun(), summary.outcomes[at]);
                                            (cell(format_args!("/outcomes/{noun} success"), outcomes.success))
                                            (cell(format_args!("/outcomes/{noun} failure"), outcomes.failure))
                                            (cell(format_args!("/outcomes/{noun} other"), outcomes.unclear))
                                        } @else { td {} td {} td {} }
                                    }
                                }
                            }
                            @for (at, counts) in summary.described.iter().enumerate() {
                                @for (kind, number) in counts.by_kind() {
                                    tr {
                                        td { (counts.layout.name()) " " (kind) }
                                        (cell(format_args!("/layouts/{at}/messages/{}", key(kind)), number))
                                        td {} td {} td {}
                                    }
                                }
                                tr {
                                    td { (counts.layout.name()) " responses" }
                                    td {}
                                    (cell(format_args!("/layouts/{at}/outcomes/success"), counts.outcomes.success))
                                    (cell(format_args!("/layouts/{at}/outcomes/failure"), counts.outcomes.failure))
                                    (cell(format_args!("/layouts/{at}/outcomes/other"), counts.outcomes.unclear))
                                }
                            }
                        }
                    }
                }
                p.more {
                    "Without a response: "
                    @for (at, action) in ACTIONS.iter().enumerate() {
                        @if at > 0 { ", " }
                        (count(format_args!("/unanswered/{}", action.noun()), summary.unanswered.counts[at])) " " (action.noun()) @if summary.unanswered.counts[at] != 1 { "s" }
                    }
                    @for (at, counts) in summary.described.iter().enumerate() {
                        ", " (count(format_args!("/layouts/{at}/unanswered"), counts.unanswered)) " of " (counts.layout.name())
                    }
                    "."
                }
            }
        }
    }

    fn frames_and_notes(&self) -> Markup {
        let summary = &self.collector.summary;
        let frames = &summary.frames;
        let notes = |severity: Severity| summary.notes(severity).iter().sum::<u64>();
        let groups = Group::ALL.iter().enumerate().map(|(at, group)| {
            let sum: u64 = Severity::ALL
                .iter()
                .map(|severity| summary.notes(*severity)[at])
                .sum();
            (group.name(), sum)
        });
        html! {
            div.card {
                h3 { "Frames, streams and notes" }
                div.wrap {
                    table {
                        tbody {
                            tr { td { "Frames" } (cell("/frames", frames.frames)) }
                            tr { td { "of watched ports, or with messages" } (cell("/watched_frames", frames.watched)) }
                            tr { td { "Bytes on the wire" } (cell("/octets", frames.octets)) }
                            @if frames.cut > 0 { tr { td { "Cut by the snapshot length" } (cell("/cut_frames", frames.cut)) } }
                            @for (reason, number) in frames.without_tcp.reasons() {
                                tr { td { "Without TCP: " (reason) } (cell(format_args!("/frames_without_tcp/{}", key(reason)), number)) }
                            }
                            tr { td { "Streams" } (cell("/streams", summary.streams)) }
                            @for (protocol, number) in summary.all_protocols() {
                                @if number > 0 {
                                    tr { td { "Streams of " (protocol) } (cell(format_args!("/protocols/{}", key(&protocol.to_string())), number)) }
                                }
                            }
                            @for severity in Severity::ALL.into_iter().rev() {
                                @if notes(severity) > 0 {
                                    tr { td { "Notes: " (severity.name()) } (cell(format_args!("/notes/{}", severity.name()), notes(severity))) }
                                }
                            }
                            @for (group, number) in groups {
                                @if number > 0 {
                                    tr { td { "Notes about " (group) } (cell(format_args!("/note_groups/{group}"), number)) }
                                }
                            }
                            @for (name, number) in summary.given_up.counts() {
                                @if number > 0 {
                                    tr { td { (capitalised(&name.replace('_', " "))) " given up" } (cell(format_args!("/given_up/{name}"), number)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn connections(&self) -> Markup {
        let summary = &self.collector.summary;
        let largest = summary.conversations.largest();
        if largest.is_empty() {
            return html! {};
        }
        let shown = largest.len().min(self.rows.conversations);
        let left = summary.conversations.count() - shown as u64;
        html! {
            div.card.long {
                h3 { "Largest connections" }
                div.wrap {
                    table.sortable.connections {
                        thead { tr {
                            th { "Client" } th { "Server" } th { "Protocol" } th data-key="stream" { "Stream" }
                            th data-key="client_frames" { "Frames to server" } th data-key="server_frames" { "to client" }
                            th data-key="client_octets" { "Bytes to server" } th data-key="server_octets" { "to client" } th { "Seconds" }
                        } }
                        tbody {
                            @for (at, flow) in largest.iter().take(shown).enumerate() {
                                tr data-row={ "/conversations/" (at) } {
                                    td { (flow.ends[0]) }
                                    td { (flow.ends[1]) }
                                    td { (flow.protocol) }
                                    @for number in [
                                        u64::from(flow.stream), u64::from(flow.frames[0]), u64::from(flow.frames[1]), flow.octets[0], flow.octets[1],
                                    ] { (of_row(number)) }
                                    td { (Seconds(flow.times[1].since(flow.times[0]))) }
                                }
                            }
                        }
                    }
                }
                @if left > 0 { p.more { (thousands(left)) " smaller ones." } }
            }
        }
    }
}
