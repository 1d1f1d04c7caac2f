//! Recognises a layout's messages: at the beginning of a stream, or by a search after a gap.

use super::decode::Frame;
use super::evidence::ENOUGH;
use super::fault::{Fault, FaultKind};
use super::model::Side;
use super::plan::{Plan, is_structural};

/// On the layout's own port the length of a first message may be wrong by so many bytes.
pub(crate) const NEARLY: usize = 8;
/// Bits of evidence that a first message needs on the layout's own port if the capture begins in mid-stream.
pub(crate) const SOME: u32 = 16;
/// At most so many consecutive messages are examined for evidence.
pub(crate) const ROW: usize = 16;
/// The largest message that a search accepts, in bytes.
pub(crate) const SEARCHED: usize = 1 << 16;
/// Bytes of messages that one search reads at most.
pub(crate) const BUDGET: usize = 1 << 21;

/// The circumstances of bytes that may begin a stream's first message.
// The conditions are independent of each other.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Whether the port is one of the layout's.
    pub own_port: bool,
    /// Whether they are the first of their direction.
    pub from_start: bool,
    /// Whether they are exactly one segment.
    pub one_segment: bool,
    /// Whether no more bytes will come.
    pub whole: bool,
}

/// Whether bytes belong to the layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// They do, with so many bits of evidence.
    Yes(u32),
    /// More bytes may show it.
    More,
    /// They do not show it.
    No,
}

/// What a search found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A message begins at this offset.
    At(usize),
    /// No message was found, and none begins before this offset.
    NoneBefore(usize),
}

/// The evidence of a message.
enum Weight {
    Fits { len: usize, bits: u32 },
    More,
    No,
}

impl Plan {
    /// Weighs the message at the start of `bytes`, which must be complete.
    fn weigh(&self, bytes: &[u8], side: Side, whole: bool) -> Weight {
        let more = if whole { Weight::No } else { Weight::More };
        let len = match self.frame(bytes, side) {
            Frame::Whole(len) => len,
            Frame::Need(_) if self.header_fits(bytes, side) => return more,
            Frame::Need(_) | Frame::None => return Weight::No,
        };
        if !self.header_fits(bytes, side) || self.sizes_differ(bytes, len, side) > 0 {
            return Weight::No;
        }
        let Some(message) = bytes.get(..len) else {
            return more;
        };
        let reading = self.read(message, side);
        let Some(kind) = reading.kind else {
            return Weight::No;
        };
        let bits = self.kinds[kind].bits;
        // Any fault refutes a message with little evidence, and a text that is none refutes any.
        if reading.faults.iter().any(is_structural)
            || (!reading.faults.is_empty() && bits < 2 * ENOUGH)
            || reading.faults.iter().any(|fault| self.is_no_text(fault))
        {
            return Weight::No;
        }
        Weight::Fits { len, bits }
    }

    /// Whether a text field begins with padding, followed by other bytes.
    fn is_no_text(&self, fault: &Fault) -> bool {
        let field = fault.field.map(|field| self.field(field));
        let width = field.and_then(|field| field.size(&self.layout.parts));
        fault.kind == FaultKind::Fill && width == Some(fault.range.len() as u64)
    }

    /// The difference between a length and the size of the message's kind in bytes; 0 if either is unknown.
    fn sizes_differ(&self, bytes: &[u8], len: usize, side: Side) -> usize {
        match self.kind_of(bytes, side) {
            Ok(Some(kind)) => self.kinds[kind].size.map_or(0, |size| size.abs_diff(len)),
            _ => 0,
        }
    }

    /// Whether a stream of this layout begins with `bytes`, which `side` sent.
    #[must_use]
    pub fn opens(&self, bytes: &[u8], side: Side, setting: Setting) -> Opening {
        let Setting {
            own_port,
            from_start,
            one_segment,
            whole,
        } = setting;
        if !own_port && self.best_bits() < ENOUGH {
            return Opening::No;
        }
        match self.weigh(bytes, side, whole) {
            Weight::Fits { bits, .. } if bits >= ENOUGH => Opening::Yes(bits),
            Weight::Fits { len, bits } if own_port => {
                let alone = one_segment && len == bytes.len();
                let shows = from_start || bits >= SOME || alone;
                if shows {
                    Opening::Yes(bits)
                } else {
                    Opening::No
                }
            }
            Weight::More if own_port && self.header_shows(bytes, side) => {
                Opening::Yes(self.header_bits())
            }
            Weight::More => Opening::More,
            Weight::No if own_port => self.nearly_opens(bytes, side, whole),
            Weight::Fits { .. } | Weight::No => Opening::No,
        }
    }

    /// Whether the header is complete and is enough evidence alone.
    fn header_shows(&self, bytes: &[u8], side: Side) -> bool {
        bytes.len() >= self.least()
            && self.header_bits() >= ENOUGH
            && matches!(self.kind_of(bytes, side), Ok(Some(_)))
    }

    /// Whether a stream begins with a message that has minor faults, on the layout's own port.
    fn nearly_opens(&self, bytes: &[u8], side: Side, whole: bool) -> Opening {
        let Frame::Whole(len) = self.frame(bytes, side) else {
            return Opening::No;
        };
        let says_something = self.header_bits() >= u8::BITS && self.header_fits(bytes, side);
        if !says_something || self.sizes_differ(bytes, len, side) > NEARLY {
            return Opening::No;
        }
        if bytes.len() < len {
            return match (whole, bytes.len() >= self.least()) {
                (false, _) => Opening::More,
                (true, true) => Opening::Yes(self.header_bits()),
                (true, false) => Opening::No,
            };
        }
        let reading = self.read(&bytes[..len], side);
        let is_near = reading.faults.iter().all(|fault| {
            let missing_or_more = fault.kind.is_of_size() && fault.range.len() > NEARLY;
            !missing_or_more && !self.is_no_text(fault)
        });
        if reading.kind.is_some() && is_near {
            Opening::Yes(self.header_bits())
        } else {
            Opening::No
        }
    }

    /// Whether `bytes` begin with messages that together have enough evidence. Their bytes are taken from `budget`.
    fn row(&self, bytes: &[u8], side: Side, whole: bool, budget: &mut usize) -> Opening {
        let (mut at, mut sum) = (0, 0);
        for _ in 0..ROW {
            let rest = &bytes[at..];
            if let Frame::Whole(len) = self.frame(rest, side)
                && len > SEARCHED
            {
                return Opening::No;
            }
            match self.weigh(rest, side, whole) {
                Weight::Fits { len, bits } => {
                    *budget = budget.saturating_sub(len);
                    at += len;
                    sum += bits;
                }
                Weight::More => return Opening::More,
                Weight::No => return Opening::No,
            }
            let behind = &bytes[at..];
            if sum >= ENOUGH {
                let contradicted = !behind.is_empty() && !self.may_begin(behind, side);
                return if contradicted && sum < 2 * ENOUGH {
                    Opening::No
                } else {
                    Opening::Yes(sum)
                };
            }
            if behind.is_empty() {
                return if whole { Opening::No } else { Opening::More };
            }
        }
        Opening::No
    }

    /// Whether `bytes` begin with a message without faults, in a stream that is known to have this layout.
    #[must_use]
    pub fn begins(&self, bytes: &[u8], side: Side, whole: bool) -> Opening {
        match self.weigh(bytes, side, whole) {
            Weight::Fits { bits, .. } => Opening::Yes(bits),
            Weight::More => Opening::More,
            Weight::No => Opening::No,
        }
    }

    /// Whether a message may begin with `bytes`, judging by its header.
    #[must_use]
    pub fn may_begin(&self, bytes: &[u8], side: Side) -> bool {
        self.frame(bytes, side) != Frame::None && self.header_fits(bytes, side)
    }

    /// Searches for the first message with enough evidence, together with those that follow it. `whole`: no more bytes will
    /// come.
    #[must_use]
    pub fn find(&self, bytes: &[u8], side: Side, whole: bool) -> Found {
        if self.best_bits() as usize * ROW < ENOUGH as usize {
            return Found::NoneBefore(bytes.len());
        }
        let mut budget = BUDGET;
        let mut open = None;
        for at in 0..bytes.len() {
            let rest = &bytes[at..];
            if !self.may_begin(rest, side) {
                continue;
            }
            if budget == 0 {
                open.get_or_insert(at);
                break;
            }
            match self.row(rest, side, whole, &mut budget) {
                Opening::Yes(_) => return Found::At(at),
                Opening::More => {
                    open.get_or_insert(at);
                }
                Opening::No => {}
            }
        }
        Found::NoneBefore(open.unwrap_or(bytes.len()))
    }
}
