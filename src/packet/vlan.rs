//! The VLANs of a packet: the same addresses on different VLANs are different hosts.

/// The VLAN numbers of a packet's tags (IEEE 802.1Q), including service tags (802.1ad).
///
/// A tag without a VLAN number, which only sets a priority, is ignored. Of more than two tags, the last two before IP
/// count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct VlanTags(u32);

impl VlanTags {
    /// No tag.
    pub const NONE: Self = Self(0);

    /// Bits of a VLAN number.
    const BITS: u32 = 12;
    const NUMBER: u32 = (1 << Self::BITS) - 1;
    const TWO: u32 = (1 << (2 * Self::BITS)) - 1;

    /// These tags and one more after them. `control` is its control information: priority and VLAN number.
    #[must_use]
    pub const fn and(self, control: u16) -> Self {
        match control as u32 & Self::NUMBER {
            0 => self,
            number => Self((self.0 << Self::BITS | number) & Self::TWO),
        }
    }

    /// Both tags as one number; 0 if there is none.
    #[must_use]
    pub const fn as_u32(self) -> u32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_of_tags_is_another() {
        let tags = |controls: &[u16]| {
            let all = controls.iter().copied();
            all.fold(VlanTags::NONE, VlanTags::and)
        };
        let all = [tags(&[]), tags(&[7]), tags(&[7, 9]), tags(&[9, 7])];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[at + 1..].contains(one), "{one:?}");
        }
        assert_eq!(tags(&[1, 7, 9]), tags(&[7, 9]));
    }

    #[test]
    fn a_priority_makes_no_difference() {
        assert_eq!(VlanTags::NONE.and(0xe000), VlanTags::NONE);
        assert_eq!(VlanTags::NONE.and(0xa007), VlanTags::NONE.and(7));
    }
}
