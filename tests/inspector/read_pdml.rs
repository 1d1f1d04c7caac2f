//! `authscope read -T pdml` gives what `tshark -T pdml` gives for frame, ip and tcp, and what tshark with the plugin
//! gives for messages.

use std::collections::HashMap;
use std::path::Path;

use crate::inspector::{authscope, capture};
use crate::tshark::{Tshark, captures, in_parallel};
use roxmltree::{Document, Node};

/// Captures of which tshark tells otherwise which segments are one connection, what is in a tunnel, or how many frames
/// there are; docs/output.md and docs/wireshark.md say why.
const OTHERWISE: [&str; 9] = [
    "same-addresses-",
    "tunnel-",
    "pcapng-custom-block",
    "rst-",
    "syn-",
    "tcp-port-reuse",
    // It knows no times there, as we do, and gives them all the same.
    "pcapng-simple-packets",
    "mistake-numbers-as-text",
    "wrong-text-",
];

/// What tshark alone has: where a frame was captured, what it keeps of a whole connection, options one by one, its own
/// expert information, and the bytes behind fragments and segments.
const THEIRS: [&str; 18] = [
    "frame.encap_type",
    "frame.interface_id",
    "frame.section_number",
    "frame.comment",
    "tcp.completeness",
    "tcp.options",
    "tcp.flags",
    "tcp.analysis",
    "tcp.segment",
    "tcp.reassembled",
    "tcp.pdu",
    "_ws.expert",
    "_ws.malformed",
    "_ws.lua",
    "reglogin.fragment",
    "ip.fragment",
    "ip.reassembled_in",
    "Options",
];

/// A packet's fields by the path of their names, each with its attributes.
type Fields = HashMap<String, Vec<[Option<String>; 5]>>;

fn attributes(node: Node<'_, '_>) -> [Option<String>; 5] {
    ["showname", "size", "pos", "show", "value"]
        .map(|name| node.attribute(name).map(ToOwned::to_owned))
}

fn flatten(node: Node<'_, '_>, path: &str, into: &mut Fields) {
    let children = node.children().filter(Node::is_element);
    for child in children {
        let name = child.attribute("name").filter(|name| !name.is_empty());
        let name = name.or(child.attribute("show")).unwrap_or_default();
        let path = format!("{path}/{name}");
        let all = into.entry(path.clone()).or_default();
        all.push(attributes(child));
        flatten(child, &path, into);
    }
}

/// The protocols of this name in a packet.
fn protocols(packet: Node<'_, '_>, name: &str) -> Vec<(String, Fields)> {
    let all = packet
        .children()
        .filter(|node| node.attribute("name") == Some(name));
    all.map(|node| {
        let mut fields = Fields::new();
        flatten(node, "", &mut fields);
        let place = ["size", "pos"].map(|name| node.attribute(name).unwrap_or_default());
        (format!("{name} {place:?}"), fields)
    })
    .collect()
}

fn packets<'d>(document: &'d Document<'d>) -> Vec<Node<'d, 'd>> {
    let root = document.root_element();
    let all = root.children().filter(|node| node.has_tag_name("packet"));
    // What is told late has no frame of its own.
    let is_frame = |packet: &Node<'_, '_>| !protocols(*packet, "frame").is_empty();
    all.filter(is_frame).collect()
}

fn ours(path: &Path, more: &[&str]) -> String {
    let path = path.to_str().unwrap();
    authscope(&[&["read", "-T", "pdml"], more, &[path]].concat()).stdout
}

/// The protocols that are compared.
const COMPARED: [&str; 5] = ["geninfo", "frame", "ip", "tcp", "reglogin"];

/// What is compared of tshark's document: its packets, and of them the protocols that ours has too.
fn compared(text: &str) -> String {
    let document = Document::parse(text).expect("tshark prints XML");
    let mut kept = String::from("<pdml>");
    for packet in packets(&document) {
        kept += "<packet>";
        for protocol in packet.children().filter(Node::is_element) {
            if COMPARED.contains(&protocol.attribute("name").unwrap_or_default()) {
                kept += &text[protocol.range()];
            }
        }
        kept += "</packet>\n";
    }
    kept + "</pdml>"
}

/// How ours differs from theirs.
fn differences(name: &str, theirs: &str, shown: &str, masked: &str) -> Vec<String> {
    let parse = |text| Document::parse(text).unwrap_or_else(|e| panic!("{name}: {e}"));
    let (theirs, shown, masked) = (parse(theirs), parse(shown), parse(masked));
    let (theirs, shown, masked) = (packets(&theirs), packets(&shown), packets(&masked));
    assert_eq!(theirs.len(), shown.len(), "{name}");
    let mut found = Vec::new();
    let mut fields = 0;
    for (number, ((theirs, shown), masked)) in theirs.iter().zip(&shown).zip(&masked).enumerate() {
        for protocol in COMPARED {
            // The plugin masks what is shown, and gives the bytes as they are.
            let is_message = protocol == "reglogin";
            let own = protocols(if is_message { *masked } else { *shown }, protocol);
            let all = protocols(*theirs, protocol);
            if is_message && all.len() != own.len() {
                // A message whose end is missing, or which came in several frames, has another frame there.
                continue;
            }
            let mut differs = |what: String| found.push(format!("{name} {}: {what}", number + 1));
            if all
                .iter()
                .map(|(place, _)| place)
                .ne(own.iter().map(|(place, _)| place))
            {
                differs(format!("{all:?} {own:?}"));
                continue;
            }
            for ((_, all), (_, own)) in all.iter().zip(&own) {
                for (path, own) in own {
                    let known_here = [
                        "response_in",
                        "_ws.expert",
                        "Body",
                        "time",
                        "response_to",
                        "type",
                        "status",
                    ];
                    let Some(all) = all.get(path) else {
                        if !is_message || !known_here.iter().any(|known| path.contains(known)) {
                            differs(format!("{path} is ours alone"));
                        }
                        continue;
                    };
                    for (their, own) in all.iter().zip(own) {
                        fields += 1;
                        // What lies above TCP has other names there.
                        if path == "/frame.protocols" {
                            continue;
                        }
                        for at in 0..5 {
                            if is_message && (at == 4 || at == 2 && path.matches('/').count() == 1)
                            {
                                continue;
                            }
                            if their[at] != own[at] {
                                differs(format!("{path}: {:?}, ours {:?}", their[at], own[at]));
                            }
                        }
                    }
                }
                for path in all.keys().filter(|path| !own.contains_key(*path)) {
                    if !THEIRS.iter().any(|known| path.contains(known)) {
                        differs(format!("{path} is theirs alone"));
                    }
                }
            }
        }
    }
    assert!(
        fields > 0 || theirs.is_empty(),
        "{name}: nothing was compared"
    );
    found
}

#[test]
fn fields_are_those_of_tshark() {
    let Some(tshark) = Tshark::find() else { return };
    let all: Vec<_> = captures()
        .into_iter()
        .filter(|(name, _)| !OTHERWISE.iter().any(|other| name.starts_with(other)))
        // It takes tshark half a second each.
        .step_by(3)
        .collect();
    assert!(all.len() > 30);
    let found = in_parallel(&all, |(name, path)| {
        let theirs = tshark.part_with_plugin(path, &["-T", "pdml"], "compared", compared);
        let (shown, masked) = (ours(path, &["--show-passwords"]), ours(path, &[]));
        let found = differences(name, &theirs, &shown, &masked);
        (!found.is_empty()).then(|| found.join("\n"))
    });
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_message_and_its_fields_are_written() {
    let done = authscope(&[
        "read",
        "-T",
        "pdml",
        "--messages",
        "-c",
        "5",
        &capture("in-order.pcap"),
    ]);
    insta::assert_snapshot!(done.stdout);
}
