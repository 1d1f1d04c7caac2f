//! Writes a capture of SIP calls (RFC 3261), for sngrep.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::net::Ipv4Addr;
use std::path::Path;

/// Messages of a call: INVITE, 100, 180, 200, ACK, BYE and 200, each a frame.
pub const FRAMES_A_CALL: u64 = 7;

const CALLER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
const CALLED: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const PORT: u16 = 5060;

/// Writes calls with about so many frames in total. Returns the number of frames.
pub fn write(path: &Path, frames: u64) -> io::Result<u64> {
    let mut out = BufWriter::new(File::create(path)?);
    let mut header = Vec::new();
    header.extend(0xa1b2_c3d4_u32.to_le_bytes());
    header.extend([2, 0, 4, 0]);
    header.extend([0; 8]);
    header.extend(65_535_u32.to_le_bytes());
    header.extend(1_u32.to_le_bytes());
    out.write_all(&header)?;
    let mut written = 0;
    let mut call = 0;
    while written < frames {
        for step in 0..FRAMES_A_CALL {
            let frame = frame(call, step);
            let micros = written * 50;
            let seconds = (1_700_000_000 + micros / 1_000_000) as u32;
            let len = frame.len() as u32;
            for number in [seconds, (micros % 1_000_000) as u32, len, len] {
                out.write_all(&number.to_le_bytes())?;
            }
            out.write_all(&frame)?;
            written += 1;
        }
        call += 1;
    }
    out.flush()?;
    Ok(written)
}

fn frame(call: u64, step: u64) -> Vec<u8> {
    let (start, sequence, by_caller) = match step {
        0 => ("INVITE sip:bob@192.0.2.1 SIP/2.0", "1 INVITE", true),
        1 => ("SIP/2.0 100 Trying", "1 INVITE", false),
        2 => ("SIP/2.0 180 Ringing", "1 INVITE", false),
        3 => ("SIP/2.0 200 OK", "1 INVITE", false),
        4 => ("ACK sip:bob@192.0.2.1 SIP/2.0", "1 ACK", true),
        5 => ("BYE sip:bob@192.0.2.1 SIP/2.0", "2 BYE", true),
        _ => ("SIP/2.0 200 OK", "2 BYE", false),
    };
    let text = format!(
        "{start}\r\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK{call}\r\nFrom: <sip:alice{}@192.0.2.10>;tag=a{call}\r\n\
         To: <sip:bob@192.0.2.1>;tag=b{call}\r\nCall-ID: {call}@192.0.2.10\r\nCSeq: {sequence}\r\nContent-Length: 0\r\n\r\n",
        call % 1000
    );
    let (source, destination) = if by_caller {
        (CALLER, CALLED)
    } else {
        (CALLED, CALLER)
    };
    let builder = etherparse::PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2])
        .ipv4(source.octets(), destination.octets(), 64)
        .udp(PORT, PORT);
    let mut frame = Vec::with_capacity(builder.size(text.len()));
    builder
        .write(&mut frame, text.as_bytes())
        .expect("it fits a datagram");
    frame
}
