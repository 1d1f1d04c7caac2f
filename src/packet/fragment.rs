//! Reassembles fragmented IP datagrams as the receiving host would (RFC 791 section 3.2, RFC 8200 section 4.5).
//!
//! The first copy of a byte wins, as with TCP; the datagram says if a later copy differs. Datagrams that are never
//! completed are dropped by capture time, and memory is bounded.

#![expect(
    clippy::cast_possible_truncation,
    reason = "fragments of a datagram of at most 65,535 bytes"
)]

use std::collections::VecDeque;
use std::net::IpAddr;

use hashbrown::HashMap;

use super::ip::Ip;
use super::vlan::VlanTags;
use crate::capture::Timestamp;

/// Length in bytes of the largest payload of an IP datagram.
const MAX_PAYLOAD: u32 = 65_535;

/// Limits on the memory for incomplete datagrams.
#[derive(Debug, Clone, Copy)]
pub struct DefragmentLimits {
    /// Bytes of memory for all fragments, approximately.
    pub octets: usize,
    /// Nanoseconds of capture time after which an incomplete datagram is dropped: 30 s, as in Linux
    /// (`net.ipv4.ipfrag_time`).
    pub age: i64,
}

impl Default for DefragmentLimits {
    fn default() -> Self {
        Self {
            octets: 4 << 20,
            age: 30 * Timestamp::SECOND,
        }
    }
}

/// What identifies the fragments of one datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    identification: u32,
    tags: VlanTags,
}

/// The bytes of a datagram that one frame carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Frame that carried them.
    pub frame: u64,
    /// Offset of the first byte in the datagram's payload.
    pub start: u32,
    /// Number of bytes.
    pub len: u32,
}

/// A reassembled datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datagram {
    /// The header of the fragment that completed it, changed to describe the whole datagram. Its offsets refer to
    /// `payload`, so `payload_start` is 0.
    pub ip: Ip,
    /// The payload.
    pub payload: Vec<u8>,
    /// The frames that carried it, in order of capture.
    pub pieces: Vec<Piece>,
    /// Whether fragments overlapped.
    pub overlap: bool,
    /// Whether a fragment differed from bytes that were already there.
    pub conflict: bool,
}

#[derive(Debug)]
struct Partial {
    first_seen: Timestamp,
    payload: Vec<u8>,
    /// Ranges of `payload` that are filled: in order and not adjacent.
    filled: Vec<(u32, u32)>,
    /// Length of the payload, known once the last fragment was captured.
    total: Option<u32>,
    pieces: Vec<Piece>,
    overlap: bool,
    conflict: bool,
    /// Whether it may contain TCP, so that its loss is counted.
    may_carry_tcp: bool,
}

/// Most entries of `order` for datagrams that are complete, besides as many as there are incomplete datagrams.
const FORGOTTEN: usize = 1024;

/// Bytes of memory that a datagram takes besides its payload, approximately.
const OVERHEAD: usize = 256;

impl Partial {
    fn memory(&self) -> usize {
        self.payload.capacity()
            + self.pieces.capacity() * size_of::<Piece>()
            + self.filled.capacity() * size_of::<(u32, u32)>()
            + OVERHEAD
    }

    /// Copies `octets` to offset `start`. Bytes that are already there stay.
    fn fill(&mut self, start: u32, octets: &[u8]) {
        let end = start + octets.len() as u32;
        if self.payload.len() < end as usize {
            self.payload.resize(end as usize, 0);
        }
        let mut at = start;
        let mut merged = (start, end);
        let filled = std::mem::take(&mut self.filled);
        let mut apart = Vec::with_capacity(filled.len() + 1);
        for (from, to) in filled {
            if to < start || from > end {
                apart.push((from, to));
                continue;
            }
            merged = (merged.0.min(from), merged.1.max(to));
            let (overlap_from, overlap_to) = (from.max(start), to.min(end));
            if overlap_from < overlap_to {
                self.overlap = true;
                let theirs =
                    &octets[(overlap_from - start) as usize..(overlap_to - start) as usize];
                self.conflict |=
                    self.payload[overlap_from as usize..overlap_to as usize] != *theirs;
            }
            if from > at {
                self.copy(at, from, start, octets);
            }
            at = at.max(to);
        }
        if at < end {
            self.copy(at, end, start, octets);
        }
        apart.push(merged);
        apart.sort_unstable();
        self.filled = apart;
    }

    fn copy(&mut self, from: u32, to: u32, start: u32, octets: &[u8]) {
        self.payload[from as usize..to as usize]
            .copy_from_slice(&octets[(from - start) as usize..(to - start) as usize]);
    }

    fn is_whole(&self) -> bool {
        self.total.is_some_and(|total| {
            self.filled
                .first()
                .is_some_and(|f| f.0 == 0 && f.1 >= total)
        })
    }
}

/// Keeps fragments until their datagram is complete.
#[derive(Debug, Default)]
pub struct Defragmenter {
    limits: DefragmentLimits,
    partial: HashMap<Key, Partial, foldhash::fast::RandomState>,
    /// Incomplete datagrams in the order of first fragments. Some entries may be complete or dropped.
    order: VecDeque<(Timestamp, Key)>,
    memory: usize,
    given_up: GivenUpDatagrams,
}

/// Counts of datagrams that were never completed, of those that may contain TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GivenUpDatagrams {
    /// All such datagrams.
    pub incomplete: u64,
    /// Those that were dropped because too many fragments waited.
    pub crowded: u64,
}

impl Defragmenter {
    /// A defragmenter with these limits.
    #[must_use]
    pub fn new(limits: DefragmentLimits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Datagrams that were dropped while incomplete, and those that still wait.
    #[must_use]
    pub fn given_up(&self) -> GivenUpDatagrams {
        let waiting = self.partial.values().filter(|one| one.may_carry_tcp);
        GivenUpDatagrams {
            incomplete: self.given_up.incomplete + waiting.count() as u64,
            ..self.given_up
        }
    }

    /// Adds the fragment in frame `number`. `octets` are the bytes that the header `ip` was read from. Returns the
    /// datagram if this fragment completes it.
    pub fn push(
        &mut self,
        number: u64,
        time: Timestamp,
        ip: &Ip,
        octets: &[u8],
    ) -> Option<Datagram> {
        self.expire(time);
        let fragment = ip.payload(octets);
        let end = ip.fragment_offset.checked_add(ip.payload_len)?;
        if end > MAX_PAYLOAD || fragment.is_empty() {
            return None;
        }
        let key = Key {
            source: ip.source,
            destination: ip.destination,
            protocol: ip.protocol,
            identification: ip.identification,
            tags: ip.tags,
        };
        let partial = self.partial.entry(key).or_insert_with(|| {
            self.order.push_back((time, key));
            Partial {
                first_seen: time,
                payload: Vec::new(),
                filled: Vec::new(),
                total: None,
                pieces: Vec::new(),
                overlap: false,
                conflict: false,
                may_carry_tcp: ip.may_carry_tcp(),
            }
        });
        let before = if partial.pieces.is_empty() {
            0
        } else {
            partial.memory()
        };
        partial.fill(ip.fragment_offset, fragment);
        partial.pieces.push(Piece {
            frame: number,
            start: ip.fragment_offset,
            len: fragment.len() as u32,
        });
        // A last fragment that was cut off never completes the datagram, because its end is missing.
        if !ip.more_fragments {
            partial.total = Some(partial.total.map_or(end, |total| total.min(end)));
        }
        self.memory = self.memory - before + partial.memory();
        if !partial.is_whole() {
            self.expire(time);
            return None;
        }
        let mut partial = self.partial.remove(&key)?;
        self.memory -= partial.memory();
        let total = partial.total.unwrap_or_default();
        partial.payload.truncate(total as usize);
        Some(Datagram {
            ip: Ip {
                fragmented: false,
                more_fragments: false,
                fragment_offset: 0,
                start: 0,
                payload_start: 0,
                payload_len: total,
                ..*ip
            },
            payload: partial.payload,
            pieces: partial.pieces,
            overlap: partial.overlap,
            conflict: partial.conflict,
        })
    }

    fn expire(&mut self, now: Timestamp) {
        // Entries of complete datagrams take memory as well.
        if self.order.len() > 2 * self.partial.len() + FORGOTTEN {
            let partial = &self.partial;
            self.order.retain(|(since, key)| {
                let known = partial.get(key);
                known.is_some_and(|partial| partial.first_seen == *since)
            });
        }
        while let Some(&(since, key)) = self.order.front() {
            let old = now.since(since) > self.limits.age;
            if !old && self.memory <= self.limits.octets {
                break;
            }
            self.order.pop_front();
            let same = |partial: &Partial| partial.first_seen == since;
            if self.partial.get(&key).is_some_and(same)
                && let Some(partial) = self.partial.remove(&key)
            {
                self.memory -= partial.memory();
                self.given_up.incomplete += u64::from(partial.may_carry_tcp);
                self.given_up.crowded += u64::from(partial.may_carry_tcp && !old);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn ip(offset: u32, more: bool, len: u32) -> Ip {
        Ip {
            source: Ipv4Addr::LOCALHOST.into(),
            destination: Ipv4Addr::LOCALHOST.into(),
            protocol: 6,
            ttl: 64,
            identification: 1,
            dont_fragment: false,
            fragmented: true,
            more_fragments: more,
            fragment_offset: offset,
            start: 0,
            header_len: 0,
            length: len,
            payload_start: 0,
            payload_len: len,
            tags: VlanTags::NONE,
        }
    }

    fn push(pool: &mut Defragmenter, offset: u32, more: bool, octets: &[u8]) -> Option<Datagram> {
        let header = ip(offset, more, octets.len() as u32);
        pool.push(1, Timestamp(0), &header, octets)
    }

    #[test]
    fn any_order_gives_the_datagram() {
        let parts: [(u32, bool, &[u8]); 3] = [
            (0, true, b"aaaaaaaa"),
            (8, true, b"bbbbbbbb"),
            (16, false, b"cc"),
        ];
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
            let mut pool = Defragmenter::default();
            let mut datagram = None;
            for index in order {
                assert_eq!(datagram, None);
                let (offset, more, octets) = parts[index];
                datagram = push(&mut pool, offset, more, octets);
            }
            let datagram = datagram.unwrap();
            assert_eq!(datagram.payload, b"aaaaaaaabbbbbbbbcc");
            assert_eq!(datagram.pieces.len(), 3);
            assert!(!datagram.overlap);
            assert_eq!(pool.memory, 0);
        }
    }

    #[test]
    fn the_first_copy_wins_and_a_conflict_is_reported() {
        let mut pool = Defragmenter::default();
        push(&mut pool, 8, true, b"bbbbbbbb");
        assert_eq!(push(&mut pool, 0, true, b"aaaaaaaaBBbbbbbb"), None);
        let datagram = push(&mut pool, 16, false, b"cc").unwrap();
        assert_eq!(datagram.payload, b"aaaaaaaabbbbbbbbcc");
        assert!(datagram.overlap && datagram.conflict);
    }

    #[test]
    fn the_same_bytes_again_are_an_overlap_but_no_conflict() {
        let mut pool = Defragmenter::default();
        push(&mut pool, 0, true, b"aaaaaaaa");
        push(&mut pool, 0, true, b"aaaaaaaa");
        let datagram = push(&mut pool, 8, false, b"bb").unwrap();
        assert!(datagram.overlap && !datagram.conflict);
    }

    #[test]
    fn fragments_on_two_vlans_are_two_datagrams() {
        let mut pool = Defragmenter::default();
        let [one, other] = [10, 20].map(|number| VlanTags::NONE.and(number));
        let mut push = |tags, offset, more, octets: &[u8]| {
            let header = Ip {
                tags,
                ..ip(offset, more, octets.len() as u32)
            };
            pool.push(1, Timestamp(0), &header, octets)
        };
        assert_eq!(push(one, 0, true, b"aaaaaaaa"), None);
        assert_eq!(push(other, 0, true, b"bbbbbbbb"), None);
        let datagram = push(one, 8, false, b"a").unwrap();
        assert_eq!(
            (datagram.payload, datagram.ip.tags),
            (b"aaaaaaaaa".to_vec(), one)
        );
        let datagram = push(other, 8, false, b"b").unwrap();
        assert_eq!(
            (datagram.payload, datagram.conflict),
            (b"bbbbbbbbb".to_vec(), false)
        );
    }

    #[test]
    fn what_never_becomes_whole_is_dropped() {
        let mut pool = Defragmenter::default();
        push(&mut pool, 0, true, b"aaaaaaaa");
        let late = Timestamp(31 * Timestamp::SECOND);
        assert_eq!(pool.push(2, late, &ip(8, false, 2), b"bb"), None);
        // The other one still waits.
        assert_eq!(
            (pool.given_up.incomplete, pool.given_up().incomplete),
            (1, 2)
        );
    }

    #[test]
    fn memory_is_bounded() {
        let mut pool = Defragmenter::new(DefragmentLimits {
            octets: 10_000,
            ..DefragmentLimits::default()
        });
        for identification in 0..1000 {
            let header = Ip {
                identification,
                ..ip(0, true, 1000)
            };
            pool.push(1, Timestamp(0), &header, &[0; 1000]);
            assert!(pool.memory <= 10_000, "{}", pool.memory);
        }
        let given_up = pool.given_up();
        assert!(given_up.crowded > 900);
        assert_eq!(given_up.incomplete, 1000);
    }

    #[test]
    fn datagrams_that_became_whole_leave_nothing() {
        let mut pool = Defragmenter::default();
        for identification in 0..100_000 {
            for (offset, more) in [(0, true), (8, false)] {
                let header = Ip {
                    identification,
                    ..ip(offset, more, 8)
                };
                pool.push(1, Timestamp(0), &header, &[0; 8]);
            }
            assert!(pool.order.len() <= FORGOTTEN + 3);
        }
        assert_eq!(pool.memory, 0);
        assert_eq!(pool.given_up(), GivenUpDatagrams::default());
    }
}
