//! Numbers and options of pcapng: byte order, finding and writing options.

use super::secrets::SECRETS;

/// A file's byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    /// The 32-bit number at offset `at` of a header.
    #[inline]
    pub(super) fn word<const N: usize>(self, head: &[u8; N], at: usize) -> u32 {
        let octets = [head[at], head[at + 1], head[at + 2], head[at + 3]];
        match self {
            Self::Little => u32::from_le_bytes(octets),
            Self::Big => u32::from_be_bytes(octets),
        }
    }

    /// The 16-bit number at offset `at` of a header.
    #[inline]
    pub(super) fn half<const N: usize>(self, head: &[u8; N], at: usize) -> u16 {
        let octets = [head[at], head[at + 1]];
        match self {
            Self::Little => u16::from_le_bytes(octets),
            Self::Big => u16::from_be_bytes(octets),
        }
    }
}

/// Type of an option's value, as needed to change its byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// Bytes or text, the same in both byte orders.
    Octets,
    /// Numbers of this many bytes, as many as fit.
    Numbers(usize),
}

/// `opt_endofopt`: ends a list of options.
pub(super) const END: u16 = 0;
/// `opt_comment`: text, in any list and any number of times.
pub(super) const COMMENT: u16 = 1;
/// `if_name`.
pub(super) const NAME: u16 = 2;
/// `if_tsresol`: resolution of an interface's clock.
pub(super) const RESOLUTION: u16 = 9;
/// `if_tsoffset`: seconds to add to an interface's times.
pub(super) const OFFSET: u16 = 14;

/// Types of a section header's options: all are text.
pub(super) fn of_section(_: u16) -> Value {
    Value::Octets
}

/// Types of an interface's options: `if_speed`, `if_tsoffset`, `if_txspeed` and `if_rxspeed` are numbers.
pub(super) fn of_interface(code: u16) -> Value {
    match code {
        8 | 14 | 16 | 17 => Value::Numbers(8),
        _ => Value::Octets,
    }
}

/// Types of a frame's options: `epb_flags`, `epb_dropcount`, `epb_packetid`, `epb_queue` and `epb_processid_threadid`
/// are numbers.
pub(super) fn of_frame(code: u16) -> Value {
    match code {
        2 | 6 | 8 => Value::Numbers(4),
        4 | 5 => Value::Numbers(8),
        _ => Value::Octets,
    }
}

/// Types of interface statistics' options: times in two halves, then counts.
fn of_statistics(code: u16) -> Value {
    match code {
        2 | 3 => Value::Numbers(4),
        4..=8 => Value::Numbers(8),
        _ => Value::Octets,
    }
}

/// Whether a little-endian list contains this option with this value.
pub(super) fn holds(list: &[u8], code: u16, value: &[u8]) -> bool {
    let mut rest = list;
    while let Some((head, behind)) = rest.split_first_chunk::<4>() {
        let length = usize::from(Order::Little.half(head, 2));
        if Order::Little.half(head, 0) == code && behind.get(..length) == Some(value) {
            return true;
        }
        rest = behind.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    false
}

/// Converts a list of options to little-endian in place. Returns the length in bytes of the well-formed options,
/// without the one that ends the list.
pub(super) fn to_little(order: Order, list: &mut [u8], value: fn(u16) -> Value) -> usize {
    let mut at = 0;
    while let Some(head) = list.get(at..).and_then(|rest| rest.first_chunk::<4>()) {
        let (code, length) = (order.half(head, 0), usize::from(order.half(head, 2)));
        let end = at + 4 + length.next_multiple_of(4);
        if code == END || end > list.len() {
            break;
        }
        if order == Order::Big {
            swap(&mut list[at..at + 4], 2);
            let octets = &mut list[at + 4..at + 4 + length];
            match (code, value(code)) {
                // Custom options begin with the number of the enterprise that defines them.
                (2988 | 2989 | 19372 | 19373, _) => swap(&mut octets[..length.min(4)], 4),
                (_, Value::Numbers(width)) => swap(octets, width),
                (_, Value::Octets) => {}
            }
        }
        at = end;
    }
    at
}

/// The options of a little-endian list, as code and value, up to its end or the first malformed one.
pub(super) fn list(mut octets: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (head, rest) = octets.split_first_chunk::<4>()?;
        let code = Order::Little.half(head, 0);
        let length = usize::from(Order::Little.half(head, 2));
        let value = rest.get(..length)?;
        octets = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        (code != END).then_some((code, value))
    })
}

/// Appends an option to a little-endian list. Truncates the value to 65,535 bytes.
pub(super) fn push(list: &mut Vec<u8>, code: u16, value: &[u8]) {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    list.extend(code.to_le_bytes());
    list.extend(length.to_le_bytes());
    list.extend(&value[..usize::from(length)]);
    list.resize(list.len() + usize::from(length).wrapping_neg() % 4, 0);
}

/// `isb_ifrecv`, `isb_ifdrop` and `isb_osdrop`: numbers of frames received, and lost in the interface and in the
/// system, 64 bits each.
pub(super) const RECEIVED: u16 = 4;
pub(super) const INTERFACE_DROPPED: u16 = 5;
pub(super) const SYSTEM_DROPPED: u16 = 7;

/// Block type of interface statistics. The body begins with the interface's number.
pub(super) const STATISTICS: u32 = 5;

/// Converts the body of a block to little-endian in place, except sections, interfaces and packets. Replaces an
/// interface's number by the result of `interface`. Returns whether the block can be passed on; blocks of unknown types
/// can, unchanged.
pub(super) fn block_to_little(
    order: Order,
    kind: u32,
    body: &mut [u8],
    interface: impl Fn(u32) -> Option<u32>,
) -> bool {
    const NAMES: u32 = 4;
    const CUSTOM: u32 = 0xbad;
    match kind {
        STATISTICS => {
            let Some((head, list)) = body.split_first_chunk_mut::<12>() else {
                return false;
            };
            let Some(index) = interface(order.word(head, 0)) else {
                return false;
            };
            if order == Order::Big {
                swap(head, 4);
            }
            head[..4].copy_from_slice(&index.to_le_bytes());
            to_little(order, list, of_statistics);
        }
        NAMES if order == Order::Big => {
            // Records have the form of options, with other codes; code 0 ends them as well.
            let end = to_little(order, body, of_section);
            if let Some(list) = body.get_mut(end + 4..) {
                to_little(order, list, of_section);
            }
        }
        SECRETS if order == Order::Big => {
            let Some((head, rest)) = body.split_first_chunk_mut::<8>() else {
                return false;
            };
            let length = order.word(head, 4) as usize;
            swap(head, 4);
            if let Some(list) = rest.get_mut(length.saturating_add(3) & !3..) {
                to_little(order, list, of_section);
            }
        }
        CUSTOM if order == Order::Big => {
            if let Some(enterprise) = body.first_chunk_mut::<4>() {
                swap(enterprise, 4);
            }
        }
        _ => {}
    }
    true
}

/// Reverses each number of `width` bytes. A remainder at the end stays unchanged.
fn swap(octets: &mut [u8], width: usize) {
    for number in octets.chunks_exact_mut(width) {
        number.reverse();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_options_and_stops_at_the_broken_one() {
        let mut list = vec![0, 1, 0, 2, b'h', b'i', 0, 0, 0, 4, 0, 8];
        list.extend(7u64.to_be_bytes());
        list.extend([0, 2, 0, 200, 1, 2]);
        let used = to_little(Order::Big, &mut list, of_frame);
        assert_eq!(used, 20);
        assert_eq!(&list[..12], &[1, 0, 2, 0, b'h', b'i', 0, 0, 4, 0, 8, 0]);
        assert_eq!(&list[12..20], &7u64.to_le_bytes());
        let before = list.clone();
        assert_eq!(to_little(Order::Little, &mut list, of_frame), 20);
        assert_eq!(list, before);
    }

    #[test]
    fn statistics_get_the_interface_number_of_the_whole_capture() {
        let mut body = [0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
        assert!(block_to_little(Order::Big, 5, &mut body, |i| Some(i + 4)));
        assert_eq!(body, [5, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]);
        assert!(!block_to_little(Order::Little, 5, &mut body, |_| None));
        assert!(!block_to_little(Order::Little, 5, &mut body[..8], Some));
    }
}
