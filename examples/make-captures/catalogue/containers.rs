//! The same exchange in every file format, and damaged files.

use std::io::Write;

use authscope::capture::LinkType;
use authscope::protocol::Command::{RegistrationRequest, RegistrationResponse};
use authscope::synth::{
    ByteOrder, Frame, IpForm, Link, PcapForm, PcapKind, Pcapng, SectionLength, Side, SynthError,
    write_pcap,
};

use super::{Case, EXCHANGE, EXCHANGE_FRAMES, client, exchange, exchange_between, server, usual};

const ANSWER: &str = "A registration that succeeds.";
const LINK: LinkType = LinkType::ETHERNET;
const SNAPSHOT: u32 = 262_144;
/// `if_tsresol`: 10 to the power of -9 seconds.
const NANOSECONDS: Option<u8> = Some(9);
/// `if_tsresol`: with this bit, the other bits are the exponent of a power of 2.
const POWER_OF_2: u8 = 0x80;

fn plain() -> Result<Vec<Frame>, SynthError> {
    exchange(40_201)?.frames(&Link::ETHERNET, &IpForm::default())
}

pub fn add(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    pcap(cases)?;
    pcapng(cases)?;
    pcapng_mixed(cases)?;
    compressed(cases)?;
    several_files(cases)?;
    damaged(cases)
}

fn whole(cases: &mut Vec<Case>, file: &'static str, holds: &'static str, octets: Vec<u8>) {
    cases.push(Case::new(
        file,
        [holds, ANSWER],
        octets,
        [EXCHANGE_FRAMES, 1],
        &EXCHANGE,
    ));
}

fn pcap(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    use ByteOrder::{Big, Little};
    use PcapKind::{Kuznetzov, Microseconds, Nanoseconds};
    for (file, holds, order, kind) in [
        (
            "pcap-microseconds-little-endian.pcap",
            "pcap, little-endian, microseconds.",
            Little,
            Microseconds,
        ),
        (
            "pcap-microseconds-big-endian.pcap",
            "pcap, big-endian, microseconds.",
            Big,
            Microseconds,
        ),
        (
            "pcap-nanoseconds-little-endian.pcap",
            "pcap, little-endian, nanoseconds.",
            Little,
            Nanoseconds,
        ),
        (
            "pcap-nanoseconds-big-endian.pcap",
            "pcap, big-endian, nanoseconds.",
            Big,
            Nanoseconds,
        ),
        (
            "pcap-kuznetzov.pcap",
            "Kuznetzov's modified pcap, with longer record headers.",
            Little,
            Kuznetzov,
        ),
    ] {
        let form = PcapForm {
            order,
            kind,
            ..PcapForm::usual(LINK)
        };
        whole(cases, file, holds, write_pcap(&form, &plain()?));
    }
    cases.push(Case::new(
        "pcap-empty.pcap",
        ["pcap, only the file's header.", "Nothing, and no error."],
        usual(LINK, &[]),
        [0, 0],
        &[],
    ));
    Ok(())
}

fn pcapng(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    for (file, holds, order) in [
        (
            "pcapng-little-endian.pcapng",
            "pcapng, little-endian.",
            ByteOrder::Little,
        ),
        (
            "pcapng-big-endian.pcapng",
            "pcapng, big-endian.",
            ByteOrder::Big,
        ),
    ] {
        let mut file_octets = Pcapng::new(order);
        file_octets.interface(LINK, SNAPSHOT, NANOSECONDS, None);
        for frame in &plain()? {
            file_octets.nano_packet(0, frame);
        }
        whole(cases, file, holds, file_octets.finish());
    }
    let mut simple = Pcapng::new(ByteOrder::Little);
    simple.interface(LINK, SNAPSHOT, None, None);
    for frame in &plain()? {
        simple.simple_packet(frame);
    }
    whole(
        cases,
        "pcapng-simple-packets.pcapng",
        "pcapng with simple packet blocks, which have no time.",
        simple.finish(),
    );
    let mut others = Pcapng::new(ByteOrder::Little);
    others
        .interface(LINK, SNAPSHOT, NANOSECONDS, None)
        .name([192, 0, 2, 1], "server.example")
        .tls_secrets("# no secrets\n");
    for (index, frame) in plain()?.iter().enumerate() {
        let ticks = frame.time.0.cast_unsigned();
        let comment = (index == 3).then_some("the request");
        others
            .packet(0, ticks, frame, comment)
            .block(0x0000_7777, b"a block type that nobody knows")
            .statistics(0, ticks, index as u64 + 1);
    }
    whole(
        cases,
        "pcapng-other-blocks.pcapng",
        "pcapng with a comment, name resolution, statistics, decryption secrets and \
         unknown blocks.",
        others.finish(),
    );
    let mut custom = Pcapng::new(ByteOrder::Little);
    custom.interface(LINK, SNAPSHOT, NANOSECONDS, None);
    for frame in &plain()? {
        custom.nano_packet(0, frame);
    }
    custom.custom(b"for one program's eyes");
    cases.push(
        Case::new(
            "pcapng-custom-block.pcapng",
            [
                "pcapng with a custom block at its end.",
                "A registration that succeeds. tshark counts the custom block as a frame, the \
                 twelfth; it is none.",
            ],
            custom.finish(),
            [EXCHANGE_FRAMES, 1],
            &EXCHANGE,
        )
        .tshark_frames(EXCHANGE_FRAMES + 1),
    );
    Ok(())
}

/// Sections and interfaces that differ within one file. Each packet is a frame of one exchange.
fn pcapng_mixed(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let frames = plain()?;
    let (first, second) = frames.split_at(5);
    let section = |order: ByteOrder, frames: &[Frame]| {
        let mut body = Pcapng::new(order);
        body.interface(LINK, SNAPSHOT, NANOSECONDS, None);
        for frame in frames {
            body.nano_packet(0, frame);
        }
        body.finish()
    };
    let first_section = section(ByteOrder::Little, first);
    let second_section = section(ByteOrder::Big, second);
    whole(
        cases,
        "pcapng-two-sections.pcapng",
        "pcapng of two sections, the first little-endian, the second big-endian; interfaces count \
         from 0 in each.",
        [first_section.clone(), second_section].concat(),
    );

    let header_len = Pcapng::new(ByteOrder::Little).finish().len();
    let (_, body) = first_section.split_at(header_len);
    let mut header = Pcapng::new(ByteOrder::Little);
    let length = SectionLength::Octets(body.len() as u64);
    header.section(ByteOrder::Little, length, None);
    let mut sized = header.finish().split_off(header_len);
    sized.extend_from_slice(body);
    sized.extend_from_slice(&section(ByteOrder::Little, second));
    whole(
        cases,
        "pcapng-section-length.pcapng",
        "pcapng of two sections, the first of which says how long it is.",
        sized,
    );

    let null = Link::Null {
        order: ByteOrder::Little,
        ipv6: 30,
    };
    let one = exchange(40_202)?.frames(&Link::ETHERNET, &IpForm::default())?;
    let other = exchange_between(client(40_203), server())?.frames(&null, &IpForm::default())?;
    let mut mixed = Pcapng::new(ByteOrder::Little);
    mixed
        .interface(LINK, SNAPSHOT, None, None) // microseconds where nothing is said
        .interface(
            LinkType::NULL,
            0,
            Some(POWER_OF_2 | 0x14),
            Some(1_000_000_000),
        );
    for (left, right) in one.iter().zip(&other) {
        let microseconds = left.time.0.cast_unsigned() / 1000;
        let since_offset = right.time.0.cast_unsigned() - 1_000_000_000_000_000_000;
        let ticks = (u128::from(since_offset) << 20) / 1_000_000_000;
        mixed
            .packet(0, microseconds, left, None)
            .packet(1, ticks as u64, right, None);
    }
    cases.push(Case::new(
        "pcapng-two-interfaces.pcapng",
        [
            "pcapng with two interfaces: Ethernet in microseconds, and loopback in 1/1048576 \
             seconds from an offset of 10^9 seconds; their frames alternate.",
            "Two registrations, at the same times but for rounding.",
        ],
        mixed.finish(),
        [2 * EXCHANGE_FRAMES, 2],
        &[
            (7, 0, Side::Client, RegistrationRequest),
            (8, 1, Side::Client, RegistrationRequest),
            (11, 0, Side::Server, RegistrationResponse),
            (12, 1, Side::Server, RegistrationResponse),
        ],
    ));
    Ok(())
}

fn compressed(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let file = usual(LINK, &plain()?);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let gzip = encoder
        .write_all(&file)
        .and_then(|()| encoder.finish())
        .map_err(SynthError::Compression)?;
    whole(cases, "gzip.pcap.gz", "pcap, compressed with gzip.", gzip);
    let zstd = zstd::encode_all(file.as_slice(), 3).map_err(SynthError::Compression)?;
    whole(cases, "zstd.pcap.zst", "pcap, compressed with zstd.", zstd);
    Ok(())
}

fn several_files(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let frames = plain()?;
    let (first, second) = frames.split_at(5);
    cases.push(Case::new(
        "split-part-1.pcap",
        [
            "The first part of a capture that was written to two files.",
            "The request; with part 2, one registration in one stream of 11 frames.",
        ],
        usual(LINK, first),
        [5, 1],
        &EXCHANGE[..1],
    ));
    cases.push(Case::new(
        "split-part-2.pcap",
        [
            "The second part of that capture.",
            "On its own a stream that begins in the middle: the response, in frame 1.",
        ],
        usual(LINK, second),
        [6, 1],
        &[(1, 0, Side::Server, RegistrationResponse)],
    ));
    Ok(())
}

fn damaged(cases: &mut Vec<Case>) -> Result<(), SynthError> {
    let frames = plain()?;
    let whole_file = usual(LINK, &frames);
    let up_to = |count: usize| usual(LINK, &frames[..count]);
    let cut = &whole_file[..up_to(5).len() + 30];
    cases.push(
        Case::new(
            "damaged-cut-in-record.pcap",
            [
                "pcap that ends 14 bytes into the sixth record's data.",
                "Five frames and the request; then the damage, which begins at byte 456, exit 2.",
            ],
            cut.to_vec(),
            [5, 1],
            &EXCHANGE[..1],
        )
        .damaged(),
    );
    let mut long = whole_file.clone();
    let at = up_to(5).len() + 8;
    long[at..at + 4].copy_from_slice(&0x7fff_0000_u32.to_le_bytes());
    cases.push(
        Case::new(
            "damaged-record-length.pcap",
            [
                "pcap whose sixth record says that it has 2147418112 bytes.",
                "Five frames and the request; then the damage at byte 464, exit 2.",
            ],
            long,
            [5, 1],
            &EXCHANGE[..1],
        )
        .damaged(),
    );
    let mut file = Pcapng::new(ByteOrder::Little);
    file.interface(LINK, SNAPSHOT, NANOSECONDS, None);
    for frame in &frames[..5] {
        file.nano_packet(0, frame);
    }
    let before = file.clone().finish().len();
    file.nano_packet(0, &frames[5]);
    let mut octets = file.finish();
    octets[before + 4..before + 8].copy_from_slice(&13_u32.to_le_bytes());
    cases.push(
        Case::new(
            "damaged-block-length.pcapng",
            [
                "pcapng whose sixth packet block says that it has 13 bytes.",
                "Five frames and the request; then the damage at byte 584, exit 2.",
            ],
            octets,
            [5, 1],
            &EXCHANGE[..1],
        )
        .damaged(),
    );
    Ok(())
}
