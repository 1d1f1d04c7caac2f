//! Captures of conversations in the protocols of [`designs`](crate::designs), with messages in one segment or in
//! several.

use crate::designs::{Message, Protocol};
use authscope::synth::{Conversation, IpForm, Link, PcapForm, Side, frames, merge, write_pcap};
use fastrand::Rng;

/// What becomes of segments on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// A message a segment.
    Plain,
    /// Messages cut into several segments.
    Cut,
}

/// A capture of so many connections with so many exchanges each, and the messages of each connection.
pub fn talks(
    protocol: &Protocol,
    random: &mut Rng,
    (connections, exchanges): (u16, u32),
    port: u16,
    wire: Wire,
) -> (Vec<u8>, Vec<Vec<Message>>) {
    let mut talks = Vec::new();
    let mut all = Vec::new();
    for index in 0..connections {
        let client = ([10, 0, 0, 2], 40_000 + index).into();
        let mut talk = Conversation::new(client, ([10, 0, 0, 1], port).into());
        talk.handshake();
        let messages = protocol.conversation(random, exchanges);
        for (from_client, message) in &messages {
            let side = if *from_client {
                Side::Client
            } else {
                Side::Server
            };
            send(&mut talk, side, message, random, wire);
            talk.ack(side.other());
        }
        talk.close(Side::Client);
        all.push(messages);
        talks.push(talk);
    }
    let talks: Vec<&Conversation> = talks.iter().collect();
    let link = Link::ETHERNET;
    let frames = frames(&merge(&talks), &link, &IpForm::default()).expect("frames");
    (write_pcap(&PcapForm::usual(link.link_type()), &frames), all)
}

fn send(talk: &mut Conversation, side: Side, message: &[u8], random: &mut Rng, wire: Wire) {
    if wire == Wire::Plain || random.bool() {
        talk.send(side, message);
        return;
    }
    let mut cuts = vec![
        0,
        random.usize(1..message.len()),
        random.usize(1..message.len()),
        message.len(),
    ];
    cuts.sort_unstable();
    cuts.dedup();
    for part in cuts.windows(2) {
        talk.send(side, &message[part[0]..part[1]]);
    }
}
