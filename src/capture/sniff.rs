//! Detects the type of a file: a capture, a compressed file, or something else with a name.

use crate::text::escape::HexJoined;
use memchr::memmem;

/// Capture formats that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Pcap,
    Pcapng,
}

/// Compressions that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Zstd,
}

/// First bytes of a pcapng section header block, the same in both byte orders.
pub(super) const SECTION_HEADER: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// pcap's magic numbers, read from a little-endian file: microseconds, nanoseconds, modified.
const PCAP_MAGICS: [u32; 3] = [0xa1b2_c3d4, 0xa1b2_3c4d, 0xa1b2_cd34];

/// The capture format of a file with these first bytes, by its magic number.
pub(super) fn format(first: &[u8]) -> Option<Format> {
    let magic = *first.first_chunk::<4>()?;
    if magic == SECTION_HEADER {
        return Some(Format::Pcapng);
    }
    PCAP_MAGICS
        .iter()
        .any(|known| magic == known.to_le_bytes() || magic == known.to_be_bytes())
        .then_some(Format::Pcap)
}

/// The compression of a file with these first bytes.
pub(super) fn compression(first: &[u8]) -> Option<Compression> {
    if first.starts_with(&[0x1f, 0x8b, 0x08]) {
        return Some(Compression::Gzip);
    }
    // A frame, or one of the 16 kinds of skippable frames that may precede it (RFC 8878 section 3.1).
    let magic = u32::from_le_bytes(*first.first_chunk()?);
    (magic == 0xfd2f_b528 || magic & 0xffff_fff0 == 0x184d_2a50).then_some(Compression::Zstd)
}

/// First bytes of other file types, and their names. Sources: each format's specification.
const OTHERS: &[(&[u8], &str)] = &[
    (b"\x7fELF", "an ELF program or library"),
    (b"MZ", "a Windows program"),
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"PK\x03\x04", "a zip archive (unpack it first)"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive (unpack it first)"),
    (b"Rar!\x1a\x07", "a RAR archive (unpack it first)"),
    (b"BZh", "bzip2 data (decompress it with bunzip2 first)"),
    (b"\xfd7zXZ\0", "xz data (decompress it with unxz first)"),
    (
        b"\x04\x22\x4d\x18",
        "lz4 data (decompress it with lz4 -d first)",
    ),
    (
        b"\x1f\x9d",
        "compress data (decompress it with uncompress first)",
    ),
    (b"SQLite format 3\0", "an SQLite database"),
    (
        b"snoop\0\0\0",
        "a Solaris snoop capture (convert it with: editcap -F pcapng IN OUT)",
    ),
    (
        b"\xa1\xb2\xc3\xcd",
        "an old or unusual pcap variant (convert it with: editcap -F pcapng IN OUT)",
    ),
    (
        b"\x1c\x00\x01\xac",
        "an Ixia hardware capture (convert it with: editcap -F pcapng IN OUT)",
    ),
    (
        b"\x1c\x00\x01\xab",
        "an Ixia software capture (convert it with: editcap -F pcapng IN OUT)",
    ),
    (
        b"RTSS",
        "a Microsoft Network Monitor 1 capture (convert it with: editcap -F pcapng IN OUT)",
    ),
    (
        b"GMBU",
        "a Microsoft Network Monitor 2 capture (convert it with: editcap -F pcapng IN OUT)",
    ),
    (
        b"XCP\0",
        "a Sniffer for Windows capture (convert it with: editcap -F pcapng IN OUT)",
    ),
    (
        b"TRSNIFF data",
        "a Sniffer capture (convert it with: editcap -F pcapng IN OUT)",
    ),
    (
        b"btsnoop\0",
        "a Bluetooth snoop capture (convert it with: editcap -F pcapng IN OUT)",
    ),
    (
        b"<?xml",
        "XML text (a capture exported as PDML or PSML cannot be read back)",
    ),
    (b"#!", "a script"),
];

/// A clause that describes a file that is no capture, for a message after "not a capture file: ". `inside` is the
/// compression that was undone.
pub(super) fn looks_like(first: &[u8], inside: Option<Compression>) -> String {
    let around = match inside {
        None => "",
        Some(Compression::Gzip) => "gzip data with ",
        Some(Compression::Zstd) => "zstd data with ",
    };
    if first.is_empty() {
        return match inside {
            None => "it is empty".into(),
            Some(_) => format!("it is {around}nothing inside"),
        };
    }
    let inner = if inside.is_some() { " inside" } else { "" };
    if let Some(name) = name(first) {
        return format!("it looks like {around}{name}{inner}");
    }
    let hex = HexJoined(&first[..first.len().min(8)], ' ');
    format!(
        "it is {around}something unknown{inner}; it begins with the bytes {hex}, a capture with a pcap or pcapng magic number"
    )
}

fn name(first: &[u8]) -> Option<String> {
    if let Some((_, name)) = OTHERS.iter().find(|(magic, _)| first.starts_with(magic)) {
        return Some((*name).to_owned());
    }
    if compression(first).is_some() {
        return Some("data compressed twice".to_owned());
    }
    if first.get(257..262) == Some(b"ustar") {
        return Some("a tar archive (unpack it first)".to_owned());
    }
    if let Some(text) = text(first) {
        return Some(text.to_owned());
    }
    if let Some(at) = embedded(first) {
        return Some(format!(
            "a capture with {at} bytes of something else before it (cut them off with: tail -c +{})",
            at + 1
        ));
    }
    erf(first).then(|| "an ERF capture (convert it with: editcap -F pcapng IN OUT)".to_owned())
}

/// Offset of a pcap or pcapng header after other bytes.
fn embedded(first: &[u8]) -> Option<usize> {
    let known = PCAP_MAGICS
        .iter()
        .flat_map(|magic| [magic.to_le_bytes(), magic.to_be_bytes()])
        .chain([SECTION_HEADER]);
    known.filter_map(|magic| memmem::find(first, &magic)).min()
}

/// Whether a file begins like Endace's Extensible Record Format, which has no magic number: a known type (1 to 48)
/// after eight bytes of time, and a record length that leads to another such record.
fn erf(first: &[u8]) -> bool {
    let record = |at: usize| -> Option<usize> {
        let head = first.get(at..at + 16)?;
        let length = usize::from(u16::from_be_bytes([head[10], head[11]]));
        ((1..=48).contains(&(head[8] & 0x7f)) && length > 16).then_some(at + length)
    };
    record(0).and_then(record).is_some()
}

fn text(first: &[u8]) -> Option<&'static str> {
    let shown = &first[..first.len().min(512)];
    let valid = match std::str::from_utf8(shown) {
        Ok(text) => text,
        // The end of the bytes read cuts a character.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&shown[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return None,
    };
    if valid
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}'))
    {
        return None;
    }
    let start = valid.trim_start().to_ascii_lowercase();
    Some(
        if start.starts_with("<!doctype html") || start.starts_with("<html") {
            "an HTML page (a download that went wrong?)"
        } else if start.starts_with('{') || start.starts_with("[{") || start.starts_with("[\n") {
            "JSON text"
        } else if start
            .lines()
            .take(2)
            .all(|line| line.matches(',').count() >= 2)
            && !start.is_empty()
        {
            "CSV text"
        } else if hexdump(&start) {
            "a hex dump in text (convert it with: text2pcap IN OUT)"
        } else {
            "text"
        },
    )
}

/// Whether text looks like output of `hexdump` or `od`: an offset of zeros, then pairs of hexadecimal digits.
fn hexdump(text: &str) -> bool {
    let mut words = text.split_ascii_whitespace();
    words.next().is_some_and(|offset| {
        offset.len() >= 4 && offset.trim_end_matches(':').bytes().all(|o| o == b'0')
    }) && words
        .next()
        .is_some_and(|octet| octet.len() >= 2 && octet.bytes().all(|o| o.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_captures_by_magic_number() {
        for magic in PCAP_MAGICS {
            assert_eq!(format(&magic.to_le_bytes()), Some(Format::Pcap));
            assert_eq!(format(&magic.to_be_bytes()), Some(Format::Pcap));
        }
        assert_eq!(format(&SECTION_HEADER), Some(Format::Pcapng));
        assert_eq!(format(b"\x0a\x0d\x0d"), None);
        assert_eq!(compression(&[0x1f, 0x8b, 8]), Some(Compression::Gzip));
        assert_eq!(
            compression(&[0x28, 0xb5, 0x2f, 0xfd]),
            Some(Compression::Zstd)
        );
    }

    #[test]
    fn names_what_is_no_capture() {
        let says = |first: &[u8]| looks_like(first, None);
        assert_eq!(says(b""), "it is empty");
        assert_eq!(
            says(b"\x7fELF\x02\x01"),
            "it looks like an ELF program or library"
        );
        assert_eq!(says(b"{\"a\": 1}"), "it looks like JSON text");
        assert_eq!(says(b"no,time,src\n1,2,3\n"), "it looks like CSV text");
        assert_eq!(
            says(b"<!DOCTYPE html><html>"),
            "it looks like an HTML page (a download that went wrong?)"
        );
        assert_eq!(
            says(b"0000  00 00 03 04 00 06\n"),
            "it looks like a hex dump in text (convert it with: text2pcap IN OUT)"
        );
        assert_eq!(says("gr\u{fc}ezi".as_bytes()), "it looks like text");
        assert_eq!(
            looks_like(b"hello", Some(Compression::Gzip)),
            "it looks like gzip data with text inside"
        );
        assert!(says(&[0, 1, 2, 3]).contains("begins with the bytes 00 01 02 03"));
        let mut behind = vec![0u8; 7];
        behind.extend(SECTION_HEADER);
        assert!(says(&behind).contains("7 bytes of something else"));
        let mut erf = vec![0u8; 100];
        for at in [0, 40] {
            erf[at + 8] = 2;
            erf[at + 11] = 40;
        }
        assert!(says(&erf).contains("ERF"));
        let mut tar = vec![b'a'; 512];
        tar[100] = 0;
        tar[257..262].copy_from_slice(b"ustar");
        assert!(says(&tar).contains("tar archive"));
    }
}
