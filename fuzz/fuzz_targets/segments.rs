#![no_main]

use arbitrary::Arbitrary;
use authscope::stream::Role;
use authscope_fuzz::Piece;
use libfuzzer_sys::fuzz_target;

/// A piece of the fuzzer, whose payload is often a part of a correct message.
#[derive(Debug, Arbitrary)]
struct Made {
    client: bool,
    seq: u8,
    ack: Option<u8>,
    flags: u8,
    missing: u8,
    payload: Payload,
}

#[derive(Debug, Arbitrary)]
enum Payload {
    Request { from: u8, len: u8 },
    Response { from: u8, len: u8 },
    Octets(Vec<u8>),
}

fn part(header: [u8; 8], total: usize, from: u8, len: u8) -> Vec<u8> {
    let mut message = header.to_vec();
    message.extend_from_slice(b"alice");
    message.resize(total, 0);
    let repeated = message.iter().cycle().skip(usize::from(from) % total);
    repeated.take(usize::from(len)).copied().collect()
}

fuzz_target!(|made: Vec<Made>| {
    let pieces: Vec<Piece> = made
        .into_iter()
        .map(|made| Piece {
            from: if made.client { Role::Client } else { Role::Server },
            seq: made.seq.into(),
            ack: made.ack.map(Into::into),
            flags: made.flags,
            missing: made.missing % 8,
            payload: match made.payload {
                Payload::Request { from, len } => part([0, 0, 0, 58, 0, 0, 0, 1], 58, from, len),
                Payload::Response { from, len } => part([0, 0, 0, 73, 0, 0, 0, 2], 73, from, len),
                Payload::Octets(octets) => octets,
            },
        })
        .collect();
    authscope_fuzz::segments(&pieces);
});
