#![expect(clippy::cast_possible_truncation, reason = "packets of a few bytes")]

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::*;
use crate::capture::{Batch, FrameHeader, LinkType, Timestamp};
use crate::packet::Flags;
use crate::protocol::layout::{DESCRIPTION, PASSWORD, USER_NAME};
use crate::session::decoded::{Decoded, Decoding};
use crate::session::inspected::Inspected;
use crate::session::inspector::{Inspector, Wanted};
use crate::session::options::Options;
use crate::stream::FlowTable;

/// A million connections can be open at once.
#[test]
fn an_open_flow_is_small() {
    let octets = FlowTable::<FlowState>::BYTES_PER_FLOW;
    assert!(octets <= 288, "{octets} bytes");
}

/// A segment of a connection.
#[derive(Debug, Clone)]
struct Sent {
    port: u8,
    by_client: bool,
    flags: Flags,
    /// Bytes before it that were not captured.
    lost: u32,
    payload: Vec<u8>,
}

fn field(text: &str, width: usize) -> Vec<u8> {
    let mut field = text.as_bytes().to_vec();
    field.resize(width, 0);
    field
}

fn message(code: u8, body: &[Vec<u8>]) -> Vec<u8> {
    let body = body.concat();
    let mut octets = vec![0, 0, 0, 8 + body.len() as u8, 0, 0, 0, code];
    octets.extend(body);
    octets
}

/// Messages with and without faults, of either side.
fn any_message() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![4 => "[a-z]{1,4}", 1 => "[a-z]{20}", 1 => Just(String::new())];
    let password = prop_oneof![4 => "[a-z]{1,3}", 1 => "[a-z]{30}", 1 => Just(String::new())];
    let code = prop_oneof![8 => Just(0), 1 => 0..4u8];
    let request = (
        prop_oneof![Just(1u8), Just(3)],
        name,
        password,
        code.clone(),
    );
    let request = request.prop_map(|(own, name, password, aside)| {
        let fields = [
            field(&name, USER_NAME.width),
            field(&password, PASSWORD.width),
        ];
        message(own.wrapping_add(aside), &fields)
    });
    let text = prop_oneof![2 => Just(""), 1 => Just("no such user"), 1 => Just("Wrong password")];
    let response = (prop_oneof![Just(2u8), Just(4)], 0..3u8, text, code);
    let response = response.prop_map(|(own, status, text, aside)| {
        let fields = [vec![status], field(text, DESCRIPTION.width)];
        message(own.wrapping_add(aside), &fields)
    });
    prop_oneof![request, response]
}

fn sent() -> impl Strategy<Value = Sent> {
    let flags = prop_oneof![
        16 => Just(Flags::ACK),
        2 => Just(Flags::SYN),
        2 => Just(Flags(Flags::SYN.0 | Flags::ACK.0)),
        1 => Just(Flags(Flags::FIN.0 | Flags::ACK.0)),
        1 => Just(Flags::RST),
    ];
    let payload = prop_oneof![
        8 => any_message(),
        1 => (any_message(), any_message()).prop_map(|(one, other)| [one, other].concat()),
        1 => (any_message(), 1..72usize).prop_map(|(mut one, len)| {
            one.truncate(len);
            one
        }),
        1 => Just(b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n".to_vec()),
        1 => proptest::collection::vec(0..3u8, 0..20),
        2 => Just(Vec::new()),
    ];
    let lost = prop_oneof![20 => Just(0), 1 => 1..80u32];
    (0..3u8, any::<bool>(), flags, lost, payload).prop_map(
        |(port, by_client, flags, lost, payload)| Sent {
            port,
            by_client,
            flags,
            lost,
            // Only the other segments carry bytes.
            payload: if flags == Flags::ACK {
                payload
            } else {
                Vec::new()
            },
        },
    )
}

/// The packets of these segments. The server's port is watched for all but the last connection.
fn batch(all: &[Sent]) -> Batch {
    let mut batch = Batch {
        first_number: 1,
        ..Batch::default()
    };
    let mut next = [[100u32; 2]; 3];
    for (at, sent) in (0..).zip(all) {
        let port = usize::from(sent.port);
        let server = if port < 2 { 8888u16 } else { 9999 };
        let ends = [40_000 + u16::from(sent.port), server].map(u16::to_be_bytes);
        let [from, to] = if sent.by_client {
            ends
        } else {
            [ends[1], ends[0]]
        };
        let ack = next[port][usize::from(!sent.by_client)];
        let next = &mut next[port][usize::from(sent.by_client)];
        *next += sent.lost;
        let total = (40 + sent.payload.len() as u16).to_be_bytes();
        let start = batch.buffer.len();
        let octets = &mut batch.buffer;
        octets.extend([0x45, 0, total[0], total[1], 0, 0, 0, 0, 64, 6, 0, 0]);
        octets.extend([127, 0, 0, 1, 127, 0, 0, 1]);
        octets.extend([from, to].concat());
        octets.extend(next.to_be_bytes());
        octets.extend(ack.to_be_bytes());
        octets.extend((0x5000 | sent.flags.0).to_be_bytes());
        octets.extend([1, 0, 0, 0, 0, 0]);
        octets.extend(&sent.payload);
        let takes_one = sent.flags.has(Flags(Flags::SYN.0 | Flags::FIN.0));
        *next += sent.payload.len() as u32 + u32::from(takes_one);
        let captured = (batch.buffer.len() - start) as u32;
        batch.headers.push(FrameHeader {
            time: Timestamp(1_000_000 * at),
            start,
            captured,
            wire: captured,
            interface: 0,
            link: LinkType::RAW,
        });
    }
    batch
}

/// All that is found in a run that counts messages without notes, and how many those are.
fn counted(batch: &Batch, judges: bool) -> (String, usize) {
    let mut inspector = Inspector::new(&Options::default());
    inspector.wanted = Wanted::Counts;
    let decoding = Decoding {
        judges,
        ..inspector.decoding()
    };
    let (mut decoded, mut inspected) = (Decoded::default(), Inspected::default());
    decoded.fill(batch, &decoding);
    inspector.inspect(batch, &decoded, &mut inspected);
    let brought: Vec<_> = inspected.brought().collect();
    let (clean, resolutions) = (inspected.clean(), inspected.resolutions());
    let found = format!(
        "{clean:?} {brought:?} {resolutions:?} {}",
        inspected.watched()
    );
    (format!("{found} {:?}", inspector.finish()), clean.len())
}

#[test]
fn messages_judged_while_decoding_count_as_those_judged_in_their_stream() {
    let clean = Cell::new(0);
    let mut runner = TestRunner::new(ProptestConfig::with_cases(500));
    let outcome = runner.run(&proptest::collection::vec(sent(), 1..60), |all| {
        let batch = batch(&all);
        let (found, messages) = counted(&batch, true);
        let (expected, _) = counted(&batch, false);
        prop_assert_eq!(found, expected);
        clean.set(clean.get() + messages);
        Ok(())
    });
    outcome.unwrap();
    assert!(clean.get() > 500, "{} messages", clean.get());
}
