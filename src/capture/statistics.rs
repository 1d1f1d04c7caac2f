//! Interface statistics at the end of a capture: frames received and lost.

use super::batch::{AsideContent, Batch};
use super::options::{self, INTERFACE_DROPPED, RECEIVED, STATISTICS, SYSTEM_DROPPED};

/// Bytes before the options: number of the interface, and a time.
const HEAD: usize = 12;

/// Counts of an interface during the capture (pcapng's interface statistics block, draft-ietf-opsawg-pcapng section
/// 4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InterfaceStatistics {
    /// The interface, as in [`FrameHeader::interface`](super::FrameHeader::interface).
    pub interface: u32,
    /// Frames received (`isb_ifrecv`).
    pub received: Option<u64>,
    /// Frames lost in the interface (`isb_ifdrop`).
    pub interface_dropped: Option<u64>,
    /// Frames lost in the capturing system (`isb_osdrop`).
    pub system_dropped: Option<u64>,
}

impl InterfaceStatistics {
    /// Decodes an aside of a batch; `None` if it is something else. Sources return statistics only if they were opened
    /// with [`keep`](super::ReadOptions::keep).
    #[must_use]
    pub fn of(what: &AsideContent, batch: &Batch) -> Option<Self> {
        let AsideContent::Block { kind, body } = what else {
            return None;
        };
        let body = batch.buffer.get(body.clone())?;
        if *kind != STATISTICS || body.len() < HEAD {
            return None;
        }
        let (number, _) = body.split_first_chunk::<4>()?;
        let mut found = Self {
            interface: u32::from_le_bytes(*number),
            ..Self::default()
        };
        for (code, value) in options::list(&body[HEAD..]) {
            let count = value.try_into().ok().map(u64::from_le_bytes);
            match code {
                RECEIVED => found.received = count,
                INTERFACE_DROPPED => found.interface_dropped = count,
                SYSTEM_DROPPED => found.system_dropped = count,
                _ => {}
            }
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_and_other_blocks_are_not() {
        let mut body = vec![3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        options::push(&mut body, RECEIVED, &700_u64.to_le_bytes());
        options::push(&mut body, SYSTEM_DROPPED, &9_u64.to_le_bytes());
        let batch = Batch {
            buffer: body,
            ..Batch::default()
        };
        let block = |kind| AsideContent::Block {
            kind,
            body: 0..batch.buffer.len(),
        };
        assert_eq!(
            InterfaceStatistics::of(&block(STATISTICS), &batch),
            Some(InterfaceStatistics {
                interface: 3,
                received: Some(700),
                interface_dropped: None,
                system_dropped: Some(9),
            })
        );
        assert_eq!(InterfaceStatistics::of(&block(6), &batch), None);
    }
}
