//! Generates pcap files, in every form that occurs in practice.

use super::{ByteOrder, Frame};
use crate::capture::{LinkType, Timestamp};

/// The formats that share the pcap layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PcapKind {
    /// Times in microseconds.
    Microseconds,
    /// Times in nanoseconds.
    Nanoseconds,
    /// Kuznetzov's format: microseconds, and 8 more bytes in each record's header (interface, protocol, packet type).
    Kuznetzov,
}

impl PcapKind {
    const fn magic(self) -> u32 {
        match self {
            Self::Microseconds => 0xa1b2_c3d4,
            Self::Nanoseconds => 0xa1b2_3c4d,
            Self::Kuznetzov => 0xa1b2_cd34,
        }
    }

    const fn nanoseconds_per_tick(self) -> i64 {
        match self {
            Self::Nanoseconds => 1,
            Self::Microseconds | Self::Kuznetzov => 1000,
        }
    }
}

/// Form of a pcap file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PcapForm {
    /// Byte order of the file's numbers.
    pub order: ByteOrder,
    /// Which format.
    pub kind: PcapKind,
    /// Link type of every frame.
    pub link: LinkType,
    /// Snapshot length in the file's header, in bytes.
    pub snapshot: u32,
}

impl PcapForm {
    /// Little-endian, microseconds, complete frames: what tcpdump writes on most machines.
    #[must_use]
    pub const fn usual(link: LinkType) -> Self {
        Self {
            order: ByteOrder::Little,
            kind: PcapKind::Microseconds,
            link,
            snapshot: 262_144,
        }
    }
}

/// A complete pcap file. Times before 1970 are written as 1970.
#[must_use]
pub fn write_pcap(form: &PcapForm, frames: &[Frame]) -> Vec<u8> {
    let order = form.order;
    let mut file = order.u32(form.kind.magic()).to_vec();
    file.extend([order.u16(2), order.u16(4)].concat()); // version 2.4
    file.extend([0; 8]); // time zone and accuracy, unused
    file.extend(order.u32s(&[form.snapshot, form.link.0.into()]));
    for frame in frames {
        let time = frame.time.0.max(0);
        let seconds = u32::try_from(time / Timestamp::SECOND).unwrap_or(u32::MAX);
        let ticks = (time % Timestamp::SECOND) / form.kind.nanoseconds_per_tick();
        let ticks = u32::try_from(ticks).unwrap_or(0);
        let captured = frame.octets.len() as u32;
        file.extend(order.u32s(&[seconds, ticks, captured, frame.wire as u32]));
        if form.kind == PcapKind::Kuznetzov {
            file.extend(order.u32(1)); // interface
            file.extend(order.u16(0x0800)); // protocol
            file.extend([0, 0]); // packet type, filling
        }
        file.extend_from_slice(&frame.octets);
    }
    file
}
