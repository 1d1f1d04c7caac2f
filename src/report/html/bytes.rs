//! A message's bytes field by field: what they are, what they say, and what is wrong with them.

use std::fmt::Write as _;
use std::ops::Range;

use maud::{Markup, html};

use super::exchanges::cut;
use crate::dissect::Message;
use crate::output::{Node, Space, info, message_tree};
use crate::text::escape::HexOctet;
use crate::text::secret::clear_of;

/// Fields shown at most: a layout's message may have any number of records.
const FIELDS: usize = 24;
/// Bytes of a field shown at most.
const OCTETS: usize = 40;
/// Characters of a value.
const VALUE: usize = 120;
/// Equal bytes in a row from which on they are counted.
const RUN: usize = 4;

/// The message as a table, a row a field; `frames` describes the frames that carry it, instead of its frame.
pub fn bytes(message: &Message, frames: Option<&Markup>) -> Markup {
    let tree = message_tree(message, Space::Message, false);
    let base = tree.range.as_ref().map_or(0, |range| range.start);
    let mut summary = String::new();
    info::summary(&mut summary, message, false);
    let mut rows = Vec::new();
    collect(&tree.children, base, &mut rows);
    let hidden = rows.len().saturating_sub(FIELDS);
    let rest: Vec<&Node> = tree
        .children
        .iter()
        .filter(|node| node.range.is_none() && is_note(node))
        .collect();
    html! {
        div.wrap {
            table.bytes {
                caption {
                    (cut(summary, VALUE))
                    span.sub { " · " @match frames { Some(frames) => (frames), None => { "frame " (message.frame) } } @if message.encrypted { ", decrypted" } }
                }
                tbody {
                    @for (range, node) in rows.iter().take(FIELDS) {
                        @let (label, value) = node.text.split_once(": ").unwrap_or((&node.text, ""));
                        @let notes = || node.children.iter().filter(|node| is_note(node));
                        tr.fault[notes().next().is_some()] {
                            td { (range.start) @if range.len() > 1 { "–" (range.end - 1) } }
                            td { (label) }
                            td.octets { (octets(message, range)) }
                            td.value { (cut(value.to_owned(), VALUE)) }
                        }
                        @for note in notes() { tr.fault.said { td {} td colspan="3" { (words(&note.text)) } } }
                    }
                }
            }
        }
        @if hidden > 0 { p.more { (hidden) " more fields are not shown." } }
        @for note in rest { p.more { (words(&note.text)) } }
    }
}

/// The fields, of records each field of each.
fn collect<'a>(nodes: &'a [Node], base: usize, rows: &mut Vec<(Range<usize>, &'a Node)>) {
    for node in nodes {
        let Some(range) = &node.range else { continue };
        let fields = node.children.iter().any(|child| child.range.is_some());
        if fields {
            collect(&node.children, base, rows);
        } else {
            let place = |at: usize| at.saturating_sub(base);
            rows.push((place(range.start)..place(range.end), node));
        }
    }
}

fn is_note(node: &Node) -> bool {
    node.text.starts_with('[') && node.text.ends_with(']')
}

/// A note without the brackets around it.
fn words(text: &str) -> &str {
    text.trim_start_matches('[').trim_end_matches(']')
}

/// Bytes in hexadecimal, `**` for each that may be part of a password; runs of one are counted.
fn octets(message: &Message, range: &Range<usize>) -> String {
    let clear = clear_of(message, false);
    let all = message.bytes();
    let end = range.end.min(all.len());
    let signs: Vec<String> = (range.start.min(end)..end)
        .map(|at| HexOctet(clear.has(at).then_some(all[at])).to_string())
        .collect();
    let mut text = String::new();
    let mut shown = 0;
    for run in signs.chunk_by(|one, other| one == other) {
        if shown >= OCTETS {
            text.push_str(" …");
            break;
        }
        if run.len() >= RUN {
            let _ = write!(text, " {}×{}", run[0], run.len());
            shown += 1;
        } else {
            for sign in run {
                let _ = write!(text, " {sign}");
                shown += 1;
            }
        }
    }
    text.trim_start().to_owned()
}
