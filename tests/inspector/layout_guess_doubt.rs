//! A guessed layout marks its errors as uncertain. Over many invented protocols and little or much traffic, each field
//! whose boundary, name or type differs from the true one has a comment.

use std::collections::BTreeMap;

use authscope::layout::guess::guess;
use authscope::layout::{Frame, Layout, Node, Side, Value, parse};

use crate::invented::Invented;
use crate::leaves::leaves;
use crate::tshark::in_parallel;

/// The fields of which a proposal is unsure, by part and key.
fn doubted(text: &str) -> BTreeMap<(String, String), bool> {
    let mut part = String::new();
    let mut doubted = BTreeMap::new();
    for line in text.lines() {
        if let Some(name) = line.strip_suffix(" = [") {
            name.clone_into(&mut part);
        } else if let Some(field) = line.trim_start().strip_prefix('"') {
            let key = field.split(':').next().unwrap_or_default().to_owned();
            doubted.insert((part.clone(), key), line.contains("# unsure: "));
        }
    }
    doubted
}

/// The innermost fields with the bytes that they have.
fn spans(
    layout: &Layout,
    nodes: &[Node<'_>],
    into: &mut Vec<(std::ops::Range<usize>, (String, String))>,
) {
    for node in nodes {
        match &node.value {
            Value::Record(inside) => spans(layout, inside, into),
            Value::Records(records) => {
                let part = &layout.parts[node.field.0];
                let key = &part.fields[node.field.1].key;
                into.push((node.range.clone(), (part.name.clone(), key.clone())));
                for inside in records {
                    spans(layout, inside, into);
                }
            }
            _ => {
                let part = &layout.parts[node.field.0];
                let key = &part.fields[node.field.1].key;
                into.push((node.range.clone(), (part.name.clone(), key.clone())));
            }
        }
    }
}

/// What a proposal says with certainty and is wrong in.
fn certain_and_wrong(truth: &Layout, text: &str, messages: &[(Side, Vec<u8>)]) -> Vec<String> {
    let guessed = parse(text).expect("the proposal is a layout");
    let doubted = doubted(text);
    let is_doubted = |part: &str, key: &str| {
        let place = (part.to_owned(), key.to_owned());
        doubted.get(&place).copied().unwrap_or(false)
    };
    let mut wrong = Vec::new();
    for (index, (side, message)) in messages.iter().enumerate() {
        if guessed.frame(message, *side) != Frame::Whole(message.len()) {
            if !is_doubted("header", "length") {
                wrong.push(format!("message {index} is cut otherwise"));
            }
            continue;
        }
        let [meant, read] = [truth, &guessed].map(|layout| {
            let kind = layout.decode(message, *side).kind;
            kind.and_then(|kind| layout.kinds[kind].value)
        });
        if meant != read && !is_doubted("header", "kind") {
            wrong.push(format!(
                "message {index} is of kind {read:?}, not {meant:?}"
            ));
        }
        let mut own = Vec::new();
        spans(&guessed, &guessed.decode(message, *side).nodes, &mut own);
        let found = leaves(&guessed, message, *side);
        for leaf in leaves(truth, message, *side) {
            if leaf.0.is_empty() || found.contains(&leaf) {
                continue;
            }
            let mut over = own
                .iter()
                .filter(|(range, _)| range.start < leaf.0.end && leaf.0.start < range.end);
            if !over.clone().any(|(_, (part, key))| is_doubted(part, key)) {
                let named: Vec<String> = over
                    .by_ref()
                    .map(|(_, (part, key))| format!("{part}.{key}"))
                    .collect();
                wrong.push(format!("message {index}: {leaf:?} is read as {named:?}"));
            }
        }
    }
    wrong
}

/// Protocols that are invented: as many as GUESS_DESIGNS says, else 24.
fn designs() -> u64 {
    let designs = std::env::var("GUESS_DESIGNS").ok();
    designs.and_then(|text| text.parse().ok()).unwrap_or(24)
}

#[test]
fn where_a_guess_is_wrong_it_says_that_it_is_unsure() {
    let seeds: Vec<u64> = (0..designs()).collect();
    let failed = in_parallel(&seeds, |seed| {
        let invented = Invented::new(*seed);
        let (connections, exchanges) = [(1, 3), (2, 4), (4, 8), (8, 8)][*seed as usize % 4];
        let (talks, messages) = invented.traffic(connections, exchanges);
        let whose = format!("{seed}, {connections} x {exchanges}");
        let Some(proposal) = guess(&talks, 9000) else {
            return Some(format!("{whose}: nothing is proposed\n{}", invented.file));
        };
        let said = certain_and_wrong(&invented.layout, &proposal.text, &messages);
        let few = said.len().min(4);
        (!said.is_empty()).then(|| {
            let [file, text] = [&invented.file, &proposal.text];
            format!("{whose}: {}\n{file}\n{text}", said[..few].join("\n"))
        })
    });
    assert!(failed.is_empty(), "{}", failed.join("\n----\n"));
}
