//! Streams of other protocols on RegLogin's port are not taken for RegLogin, whichever side sends first, and Wireshark
//! dissects them the same with and without the plugin.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::Value;

use crate::inspector::authscope;
use crate::tshark::{Tshark, in_parallel};
use authscope::synth::foreign::openings;
use authscope::synth::{
    Conversation, IpForm, Link, PcapForm, Side, frames, merge, start_time, write_pcap,
};

/// Who says the opening, and the ports of client and server, where they are not counted on from 41,000.
const SCENES: [(Side, Option<u16>, u16); 3] = [
    (Side::Client, None, 8888),
    (Side::Server, None, 8888),
    // Only the client happens to use the port.
    (Side::Client, Some(8888), 22),
];

/// Wireshark shows more of it as soon as any script asks for fields.
const FIX: &str = "FIX";

/// A capture for each scene, with a connection for each opening, which comes whole or in two segments.
fn captures(folder: &tempfile::TempDir, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for (index, (from, client_port, server_port)) in SCENES.into_iter().enumerate() {
        for cut in [false, true] {
            let talks: Vec<Conversation> = (0u16..)
                .zip(openings().into_iter().filter(|(name, _)| wanted(name)))
                .map(|(number, (_, octets))| {
                    let client = [192, 0, 2, 10 + number as u8];
                    let client = SocketAddr::from((client, client_port.unwrap_or(41_000 + number)));
                    let server = SocketAddr::from(([198, 51, 100, 1], server_port));
                    let mut talk = Conversation::new(client, server).at(start_time());
                    talk.wait(i64::from(number) * 1_000_000).handshake();
                    let cuts = if cut {
                        vec![octets.len() / 2]
                    } else {
                        Vec::new()
                    };
                    talk.send_cut(from, &octets, &cuts)
                        .ack(from.other())
                        .close(Side::Client);
                    talk
                })
                .collect();
            let all = merge(&talks.iter().collect::<Vec<_>>());
            let all = frames(&all, &Link::ETHERNET, &IpForm::default()).unwrap();
            let path = folder.path().join(format!("{index}-{cut}.pcap"));
            let form = PcapForm::usual(Link::ETHERNET.link_type());
            std::fs::write(&path, write_pcap(&form, &all)).unwrap();
            paths.push(path);
        }
    }
    paths
}

#[test]
fn no_other_protocol_is_claimed() {
    let folder = tempfile::tempdir().unwrap();
    for path in captures(&folder, |_| true) {
        let path = path.to_str().unwrap();
        let stats: Value =
            serde_json::from_str(&authscope(&["stats", "-T", "json", path]).stdout).unwrap();
        let openings = openings();
        assert_eq!(stats["streams"], openings.len());
        let conversations = stats["conversations"].as_array().unwrap();
        for conversation in conversations {
            let number = conversation["stream"].as_u64().unwrap() as usize;
            let name = openings[number].0;
            assert_ne!(conversation["protocol"], "RegLogin", "{path}: {name}");
            for (start, named) in [
                ("SSH", "SSH"),
                ("HTTP/2", "HTTP2"),
                ("TLS", "TLS"),
                ("RTSP", "RTSP"),
            ] {
                // In two segments some say too little at a time.
                if name == start && path.contains("false") {
                    assert_eq!(conversation["protocol"], named, "{path}: {name}");
                }
            }
        }
        assert_eq!(stats["protocols"]["RegLogin"], 0);
        let messages = authscope(&["read", "-T", "jsonl", path]).stdout;
        assert_eq!(messages, "", "{path}");
    }
}

#[test]
fn the_plugin_leaves_them_to_wireshark() {
    let Some(tshark) = Tshark::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    let paths = captures(&folder, |name| name != FIX);
    // With any heuristic in Lua, Wireshark names a dissector among a frame's protocols that waits for more.
    let said = |text: String| -> Vec<String> {
        let lines = text
            .lines()
            .filter(|line| !line.contains("[Protocols in frame:"));
        lines.map(str::to_owned).collect()
    };
    let list = [
        "-T",
        "fields",
        "-e",
        "_ws.col.Protocol",
        "-e",
        "_ws.col.Info",
    ];
    let wrong = in_parallel(&paths, |path| {
        [&["-V"][..], &list].into_iter().find_map(|arguments| {
            let without = said(tshark.plain(path, arguments));
            let with = said(tshark.with_plugin(path, arguments));
            let differs = without.iter().zip(&with).find(|(one, other)| one != other);
            (without != with).then(|| format!("{}: {differs:?}", path.display()))
        })
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
