//! Connections with the same addresses and ports on several VLANs are told apart by their tags, unless an option
//! ignores tags.

use std::path::{Path, PathBuf};

use authscope::capture::LinkType;
use authscope::synth::Side::{Client, Server};
use authscope::synth::{Conversation, Frame, IpForm, Link, PcapForm, frames, write_pcap};
use serde_json::Value;

use crate::inspector::{authscope, capture};

/// Streams with the messages on each.
fn streams(arguments: &[&str]) -> Vec<(u64, usize)> {
    let out = authscope(&[&["read", "-T", "json"], arguments].concat());
    let messages: Vec<Value> = serde_json::from_str(&out.stdout).expect("JSON");
    let mut streams = std::collections::BTreeMap::new();
    for message in messages {
        *streams
            .entry(message["stream"].as_u64().unwrap())
            .or_default() += 1;
    }
    streams.into_iter().collect()
}

/// A capture whose client's frames have the first tags, and its server's the second.
#[allow(clippy::needless_pass_by_value, reason = "it reads as a list of tags")]
fn saved(folder: &Path, tags: [Vec<(u16, u16)>; 2]) -> PathBuf {
    let ends = ["192.0.2.10:40001", "192.0.2.1:8888"].map(|end| end.parse().unwrap());
    let [client, server] = ends;
    let mut talk = Conversation::new(client, server);
    let mut request = vec![0, 0, 0, 58, 0, 0, 0, 1];
    request.resize(58, b'a');
    let mut response = vec![0, 0, 0, 73, 0, 0, 0, 2, 1];
    response.resize(73, 0);
    talk.handshake()
        .send(Client, &request)
        .send(Server, &response);
    let all: Vec<Frame> = talk
        .segments()
        .iter()
        .flat_map(|timed| {
            let from_server = timed.segment.source.port() == 8888;
            let tags = tags[usize::from(from_server)].clone();
            let link = Link::Ethernet { tags, minimum: 0 };
            frames(std::slice::from_ref(timed), &link, &IpForm::default()).unwrap()
        })
        .collect();
    let path = folder.join("tags.pcap");
    let form = PcapForm::usual(LinkType::ETHERNET);
    std::fs::write(&path, write_pcap(&form, &all)).unwrap();
    path
}

#[test]
fn tags_tell_connections_apart() {
    let two = capture("same-addresses-on-two-vlans.pcap");
    assert_eq!(streams(&[&two]), [(0, 4), (1, 4)]);
    let four = capture("same-addresses-in-qinq.pcap");
    assert_eq!(streams(&[&four]), [(0, 4), (1, 4), (2, 4), (3, 4)]);
}

#[test]
fn tags_that_change_on_the_way_can_be_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let tag = |number| vec![(0x8100, number)];
    let path = saved(folder.path(), [tag(10), tag(20)]);
    let path = path.to_str().unwrap();
    assert_eq!(streams(&[path]), [(0, 1), (1, 1)]);
    assert_eq!(streams(&["--ignore-vlan-tags", path]), [(0, 2)]);
    for command in [&["stats"][..], &["follow", "--stream", "0"]] {
        let text = |more: &[&str]| authscope(&[command, more, &[path]].concat()).stdout;
        assert_ne!(text(&[]), text(&["--ignore-vlan-tags"]), "{command:?}");
    }
}

#[test]
fn a_priority_is_no_vlan() {
    let folder = tempfile::tempdir().unwrap();
    let priority = vec![(0x8100, 0xa000)];
    let path = saved(folder.path(), [priority, Vec::new()]);
    assert_eq!(streams(&[path.to_str().unwrap()]), [(0, 2)]);
}
