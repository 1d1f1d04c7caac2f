//! Writes the fields of an IP or TCP header as Wireshark describes them.

use std::ops::Range;

use super::{Bytes, Item, Tree, drawn, place};

/// A header: its offset in the packet, its bytes, and the index of its values among those of the frame.
pub(super) struct Header<'h> {
    pub start: usize,
    pub octets: &'h [u8],
    pub index: usize,
}

impl Header<'_> {
    pub fn octets(&self, range: &Range<usize>) -> &[u8] {
        self.octets.get(range.clone()).unwrap_or_default()
    }

    pub fn at(&self, range: &Range<usize>) -> (usize, usize) {
        let (start, size) = place(range);
        (self.start + start, size)
    }

    /// Writes a field of whole bytes. `says` makes its description from its value.
    pub fn whole(
        &self,
        tree: &mut Tree<'_>,
        name: &str,
        range: &Range<usize>,
        hidden: bool,
        says: impl FnOnce(&str) -> String,
    ) {
        if let Some(show) = tree.shown(name, self.index) {
            tree.leaf(&Item {
                name,
                showname: &says(&show),
                hidden,
                at: self.at(range),
                show: Some(&show),
                bytes: Bytes::All(self.octets(range)),
            });
        }
    }

    /// Writes a field of some bits. Its description begins with a drawing of `width` bits, unless `width` is 0.
    pub fn bits(
        &self,
        tree: &mut Tree<'_>,
        name: &str,
        range: &Range<usize>,
        (width, mask): (u32, u32),
        says: &str,
        inside: Option<&dyn Fn(&mut Tree<'_>)>,
    ) {
        let (Some(show), octets) = (tree.shown(name, self.index), self.octets(range)) else {
            return;
        };
        let raw = octets
            .iter()
            .fold(0u32, |all, octet| all << 8 | u32::from(*octet));
        // A mask may be wider than the bytes: it then gives their place in a wider field.
        let value = i64::from((raw & mask) >> mask.trailing_zeros());
        let showname = if width == 0 {
            says.to_owned()
        } else {
            format!("{} = {says}", drawn(raw, width, mask))
        };
        let item = Item {
            name,
            showname: &showname,
            hidden: false,
            at: self.at(range),
            show: Some(&show),
            bytes: Bytes::Bits(value, octets),
        };
        match inside {
            Some(inside) => tree.node(&item, inside),
            None => tree.leaf(&item),
        }
    }
}

/// The names, each after a comma.
pub(super) fn listed(names: &[&str]) -> String {
    let comma = if names.is_empty() { "" } else { ", " };
    format!("{comma}{}", names.join(", "))
}

pub(super) const fn is_set(set: bool) -> &'static str {
    if set { "Set" } else { "Not set" }
}
