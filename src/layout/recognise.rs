//! Whether messages of a layout stand somewhere: at the beginning of a stream, or behind bytes that were lost.

use super::decode::Frame;
use super::evidence::ENOUGH;
use super::fault::{Fault, FaultKind};
use super::model::Side;
use super::plan::{Plan, is_structural};

/// Bytes by which the length of a first message may be wrong on the layout's own port.
pub(crate) const NEARLY: usize = 8;
/// Bits that a first message must carry on the layout's own port where the capture begins in mid-stream.
pub(crate) const SOME: u32 = 16;
/// Messages in a row that are looked at for evidence.
pub(crate) const ROW: usize = 16;
/// The longest message that is searched for, in bytes.
pub(crate) const SEARCHED: usize = 1 << 16;
/// Bytes of messages that one search reads.
pub(crate) const BUDGET: usize = 1 << 21;

/// Where bytes stand that may begin a stream's first message.
// Each of these holds or not by itself.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Whether the port is one of the layout's.
    pub own_port: bool,
    /// Whether they are the first of their side.
    pub from_start: bool,
    /// Whether they are a segment's, no more and no less.
    pub one_segment: bool,
    /// Whether no more will come.
    pub whole: bool,
}

/// Whether bytes are the layout's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// They are, by so many bits of evidence.
    Yes(u32),
    /// More bytes may show it.
    More,
    /// They do not show it.
    No,
}

/// What a search found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A message begins behind so many bytes.
    At(usize),
    /// None is known to; what stands before this many bytes begins none.
    NoneBefore(usize),
}

/// What speaks for a message.
enum Weight {
    Fits { len: usize, bits: u32 },
    More,
    No,
}

impl Plan {
    /// Weighs the message at the start of `bytes`, all of which must be there.
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
        // What is no text where text should be speaks against a message that little speaks for.
        if reading.faults.iter().any(is_structural)
            || (!reading.faults.is_empty() && bits < 2 * ENOUGH)
            || reading.faults.iter().any(|fault| self.is_no_text(fault))
        {
            return Weight::No;
        }
        Weight::Fits { len, bits }
    }

    /// Whether a field that should be text begins with what fills it up, and has something else behind that.
    fn is_no_text(&self, fault: &Fault) -> bool {
        let field = fault.field.map(|field| self.field(field));
        let width = field.and_then(|field| field.size(&self.layout.parts));
        fault.kind == FaultKind::Fill && width == Some(fault.range.len() as u64)
    }

    /// By how many bytes a length differs from the size of the message's kind; 0 if either is not known.
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

    /// Whether a header is there that says enough by itself.
    fn header_shows(&self, bytes: &[u8], side: Side) -> bool {
        bytes.len() >= self.least()
            && self.header_bits() >= ENOUGH
            && matches!(self.kind_of(bytes, side), Ok(Some(_)))
    }

    /// The same of a message that is not quite as its layout says, on the layout's own port.
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

    /// Whether messages stand at the start of `bytes` that together carry enough evidence.
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

    /// Whether a message that is as its layout says stands at the start of `bytes`, of which it is likely.
    #[must_use]
    pub fn begins(&self, bytes: &[u8], side: Side, whole: bool) -> Opening {
        match self.weigh(bytes, side, whole) {
            Weight::Fits { bits, .. } => Opening::Yes(bits),
            Weight::More => Opening::More,
            Weight::No => Opening::No,
        }
    }

    /// Whether a message may begin with `bytes`, as far as its header tells.
    #[must_use]
    pub fn may_begin(&self, bytes: &[u8], side: Side) -> bool {
        self.frame(bytes, side) != Frame::None && self.header_fits(bytes, side)
    }

    /// Searches for the first message whose evidence, with that of those behind it, is enough. `whole` says that no more
    /// bytes will come.
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
