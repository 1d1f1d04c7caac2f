//! What Wireshark says of the first message of each kind, and what that is.

use maud::{Markup, html};

use super::exchanges::cut;
use super::{Page, section};
use crate::dissect::Message;
use crate::output::info;
use crate::wireshark::explain::{Explanation, Fate, alone, explained};

impl Page<'_> {
    pub(super) fn wireshark(&self) -> Option<Markup> {
        let messages = self.collector.examples.messages();
        if messages.is_empty() {
            return None;
        }
        let sub = html! { "Without a plugin Wireshark takes RegLogin for SMPP, as the two headers look alike. The first message of each kind:" };
        let content = html! {
            div.card {
                div.wrap {
                    table {
                        thead { tr { th.n { "Frame" } th { "What it is" } th { "What Wireshark says" } } }
                        tbody {
                            @for message in messages {
                                @let explanation = alone(message);
                                tr {
                                    td.n { (message.frame) }
                                    td.text { (what(message)) }
                                    td.text {
                                        @if message.encrypted { "TLS: it cannot read what is inside without the secrets" }
                                        @else {
                                            (says(message, &explanation))
                                            details {
                                                summary { "Why" }
                                                pre { (explained(message, &explanation)) }
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
                p.more { "Said of a message whose segment comes in order. A plugin mends it: " code { "authscope wireshark plugin --install" } }
            }
        };
        Some(section(
            "wireshark",
            "What Wireshark says, and what it is",
            &sub,
            &content,
        ))
    }
}

fn what(message: &Message) -> String {
    let mut text = String::new();
    info::summary(&mut text, message, false);
    cut(text, 120)
}

fn says(message: &Message, explanation: &Explanation) -> Markup {
    match (&explanation.fate, &explanation.pdu) {
        (Fate::Shown(_), Some(pdu)) => html! {
            strong { "SMPP " (pdu.name) }
            @if pdu.runs_off.is_some() { " " span.tag.error { "Malformed Packet" } }
            @if let Some((port, name)) = explanation.tried_first { ", unless " (name) " of port " (port) " takes it" }
        },
        (Fate::Shown(_), None) => html! { strong { "SMPP" } ", of an unknown command" },
        (Fate::Waits(_), _) => html! { strong { "TCP" } ": its SMPP dissector waits for more" },
        _ if message.is_reassembled() => {
            html! { strong { "TCP" } ": the message comes in several segments" }
        }
        _ => html! { strong { "TCP" } },
    }
}
