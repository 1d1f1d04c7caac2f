//! Splits one direction's bytes into records, and finds records again after a gap.

#![expect(
    clippy::cast_possible_truncation,
    reason = "bytes of a chunk in memory"
)]

use super::record::{ContentType, HEADER_LEN, Header, MAX_BODY, Version};

/// Fewest bytes of a record that has a sequence number: a tag of 8 bytes and one byte of content.
const SMALLEST: u64 = HEADER_LEN as u64 + 9;

/// A number of records that may have been sent but not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Missed {
    /// Fewest.
    pub least: u64,
    /// Most.
    pub most: u64,
    /// Offset of the first of them in the direction's bytes.
    pub from: u64,
}

impl Missed {
    /// One record, at offset `from`.
    pub const fn one(from: u64) -> Self {
        Self {
            least: 1,
            most: 1,
            from,
        }
    }

    /// Any number from 0, at offset `from`.
    pub const fn any(from: u64) -> Self {
        Self {
            least: 0,
            most: u64::MAX,
            from,
        }
    }

    /// The sum of two numbers of consecutive records.
    pub fn and(self, next: Self) -> Self {
        Self {
            least: self.least.saturating_add(next.least),
            most: self.most.saturating_add(next.most),
            from: self.from.min(next.from),
        }
    }
}

/// How the next bytes are processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// A record begins or continues.
    Records,
    /// This many bytes of a damaged record are skipped.
    Skip(usize),
    /// The next record is searched for.
    Search,
}

/// Something found in a direction's bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A complete record at this offset. [`Framing::record`] returns its header and body.
    Record(u64),
    /// There is no record at this offset, where one should begin.
    NotTls(u64),
}

/// Splits the bytes of one direction into records.
#[derive(Debug)]
pub(super) struct Framing {
    /// Offset in the direction's bytes after the bytes held.
    position: u64,
    /// An incomplete record, or bytes to search.
    held: Vec<u8>,
    step: Step,
    /// Bytes at the front of `held` that are the record returned last.
    given: usize,
}

impl Framing {
    /// Framing of a direction. `from_start` says that its first byte was captured and begins a record; otherwise the
    /// first record is searched for.
    pub const fn new(from_start: bool) -> Self {
        Self {
            position: 0,
            held: Vec::new(),
            step: if from_start {
                Step::Records
            } else {
                Step::Search
            },
            given: 0,
        }
    }

    /// Offset in the direction's bytes of the first byte held, or of the next one.
    pub fn needed_from(&self) -> u64 {
        self.position - (self.held.len() - self.given) as u64
    }

    /// Removes bytes from the front of `bytes` until something is found; `None` if they are used up.
    pub fn take(&mut self, bytes: &mut &[u8]) -> Option<Found> {
        self.held.drain(..std::mem::take(&mut self.given));
        loop {
            match self.step {
                Step::Records => {
                    let need = match self.held.first_chunk::<HEADER_LEN>() {
                        None => HEADER_LEN,
                        Some(header) => {
                            let Some(header) = Header::read(header) else {
                                self.step = Step::Search;
                                return Some(Found::NotTls(self.needed_from()));
                            };
                            if self.held.len() >= header.record_len() {
                                self.given = header.record_len();
                                return Some(Found::Record(self.position - self.held.len() as u64));
                            }
                            header.record_len()
                        }
                    };
                    if bytes.is_empty() {
                        return None;
                    }
                    self.hold(bytes, need - self.held.len());
                }
                Step::Skip(left) => {
                    let passed = left.min(bytes.len());
                    *bytes = &bytes[passed..];
                    self.position += passed as u64;
                    if passed < left {
                        self.step = Step::Skip(left - passed);
                        return None;
                    }
                    self.step = Step::Records;
                }
                Step::Search => {
                    self.hold(bytes, bytes.len());
                    if !self.search() {
                        return None;
                    }
                    self.step = Step::Records;
                }
            }
        }
    }

    /// Header and body of the record found last.
    pub fn record(&mut self) -> Option<(Header, &mut [u8])> {
        let (header, body) = self
            .held
            .get_mut(..self.given)?
            .split_at_mut_checked(HEADER_LEN)?;
        Some((Header::read(header)?, body))
    }

    /// Processes a gap of `bytes` bytes. Returns how many records it may have lost; `None` if only part of a record
    /// that is already counted.
    pub fn gap(&mut self, bytes: u64) -> Option<Missed> {
        self.held.drain(..std::mem::take(&mut self.given));
        let from = self.needed_from();
        self.position += bytes;
        let need = match (self.step, Header::read(&self.held)) {
            (Step::Skip(left), _) => Some(left),
            (Step::Records, Some(header)) => Some(header.record_len() - self.held.len()),
            _ => None,
        };
        let begun = self.step == Step::Records;
        self.held.clear();
        match need.map(|need| (need, bytes.checked_sub(need as u64))) {
            // Only the rest of a record is lost, or part of it: the start of the next record is known.
            Some((need, None | Some(0))) => {
                self.step = Step::Skip(need - bytes as usize);
                begun.then_some(Missed::one(from))
            }
            behind => {
                self.step = Step::Search;
                let behind = behind.and_then(|(_, behind)| behind).unwrap_or(bytes);
                Some(Missed {
                    least: u64::from(begun),
                    most: u64::from(begun) + 1 + behind / SMALLEST,
                    from,
                })
            }
        }
    }

    fn hold(&mut self, bytes: &mut &[u8], most: usize) {
        let (taken, rest) = bytes.split_at(most.min(bytes.len()));
        self.held.extend_from_slice(taken);
        self.position += taken.len() as u64;
        *bytes = rest;
    }

    /// Drops the held bytes before the first record. Returns whether there is one. A header alone would be found by
    /// chance in a few megabytes, so another header must follow the record, or nothing yet.
    fn search(&mut self) -> bool {
        let mut keep = None;
        for at in 0..self.held.len() {
            let behind = &self.held[at..];
            if behind.len() < HEADER_LEN {
                keep = keep.or(Some(at));
                break;
            }
            let Some(header) = Header::read(behind).filter(|header| {
                (Version::TLS10..=Version::TLS12).contains(&header.version)
                    && header.content != ContentType::HEARTBEAT
            }) else {
                continue;
            };
            match behind.get(header.record_len()..) {
                None => keep = keep.or(Some(at)),
                Some(next) if can_begin(next) => {
                    self.held.drain(..at);
                    return true;
                }
                Some(_) => {}
            }
        }
        self.held.drain(..keep.unwrap_or(self.held.len()));
        debug_assert!(self.held.len() < HEADER_LEN + MAX_BODY);
        false
    }
}

/// Whether these bytes can be the start of a record.
fn can_begin(bytes: &[u8]) -> bool {
    match bytes {
        [] => true,
        [content] | [content, 3] | [content, 3, 1..=3] | [content, 3, 1..=3, _] => {
            ContentType(*content).name().is_some()
        }
        _ => Header::read(bytes).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(content: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![content, 3, 3];
        bytes.extend((body.len() as u16).to_be_bytes());
        bytes.extend_from_slice(body);
        bytes
    }

    /// Offsets and bodies of the records found.
    fn find(framing: &mut Framing, mut bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
        let mut found = Vec::new();
        while let Some(what) = framing.take(&mut bytes) {
            if let Found::Record(at) = what {
                let (_, body) = framing.record().unwrap();
                found.push((at, body.to_vec()));
            }
        }
        found
    }

    #[test]
    fn after_a_gap_inside_a_record_the_next_one_is_known() {
        let mut framing = Framing::new(true);
        let bytes = [record(23, &[9; 100]), record(23, b"abcdefghi")].concat();
        assert_eq!(find(&mut framing, &bytes[..50]), []);
        assert_eq!(framing.gap(30), Some(Missed::one(0)));
        // The rest of the damaged record is part of the same gap.
        assert_eq!(framing.gap(5), None);
        let found = find(&mut framing, &bytes[85..]);
        assert_eq!(found, [(105, b"abcdefghi".to_vec())]);
        assert_eq!(framing.needed_from(), 119);
    }

    #[test]
    fn after_a_gap_beyond_a_record_the_next_one_is_searched() {
        let mut framing = Framing::new(true);
        let bytes = [
            record(23, &[9; 100]),
            record(23, &[8; 90]),
            record(23, b"abcdefghi"),
        ]
        .concat();
        find(&mut framing, &bytes[..105]);
        let missed = framing.gap(10).unwrap();
        assert_eq!(
            missed,
            Missed {
                least: 1,
                most: 2,
                from: 105
            }
        );
        assert_eq!(
            find(&mut framing, &bytes[115..]),
            [(200, b"abcdefghi".to_vec())]
        );
    }

    #[test]
    fn what_is_no_record_is_reported_once_and_skipped() {
        let mut framing = Framing::new(true);
        let mut bytes = &b"GET / HTTP/1.0\r\n"[..];
        assert_eq!(framing.take(&mut bytes), Some(Found::NotTls(0)));
        assert_eq!(framing.take(&mut bytes), None);
        let more = record(22, b"0123");
        assert_eq!(find(&mut framing, &more), [(16, b"0123".to_vec())]);
    }

    proptest! {
        #[test]
        fn records_begin_and_end_anywhere(
            bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..200), 1..12),
            parts in proptest::collection::vec(1..90usize, 1..40),
        ) {
            let (mut bytes, mut expected) = (Vec::new(), Vec::new());
            for body in bodies {
                expected.push((bytes.len() as u64, body.clone()));
                bytes.extend(record(23, &body));
            }
            let (mut framing, mut rest, mut found) = (Framing::new(true), &bytes[..], Vec::new());
            for len in parts.into_iter().chain([bytes.len()]) {
                let (part, behind) = rest.split_at(len.min(rest.len()));
                found.extend(find(&mut framing, part));
                rest = behind;
            }
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn offsets_are_right_whatever_comes(
            from_start: bool,
            parts in proptest::collection::vec(
                (any::<bool>(), proptest::collection::vec(prop_oneof![Just(23u8), Just(3), any::<u8>()], 0..60)),
                0..30,
            ),
        ) {
            let (mut framing, mut stream) = (Framing::new(from_start), Vec::new());
            for (gap, part) in parts {
                stream.extend_from_slice(&part);
                if gap {
                    framing.gap(part.len() as u64);
                } else {
                    for (at, body) in find(&mut framing, &part) {
                        let at = at as usize + HEADER_LEN;
                        prop_assert_eq!(&stream[at..at + body.len()], &body[..]);
                    }
                }
                prop_assert_eq!(framing.position, stream.len() as u64);
                prop_assert!(framing.needed_from() <= framing.position);
            }
        }
    }
}
