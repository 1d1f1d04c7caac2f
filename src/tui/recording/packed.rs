//! Numbers and entries in few bytes. Entries are packed in pieces: a piece stores its least number once, and for each
//! number the difference to it, in as many bytes as the piece needs (frame-of-reference encoding).

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

/// Entries in a piece.
pub const PIECE: usize = 4096;

/// Numbers of a piece.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Column {
    least: u64,
    /// Bytes of a number.
    width: usize,
    octets: Box<[u8]>,
}

impl Column {
    /// These numbers.
    #[must_use]
    pub fn of(numbers: impl Iterator<Item = u64> + Clone) -> Self {
        let least = numbers.clone().min().unwrap_or_default();
        let most = numbers.clone().max().unwrap_or_default();
        let width = (u64::BITS - (most - least).leading_zeros()).div_ceil(8) as usize;
        let octets = numbers.flat_map(|number| {
            let more = (number - least).to_le_bytes();
            more.into_iter().take(width)
        });
        Self {
            least,
            width,
            octets: octets.collect(),
        }
    }

    /// The number at a place.
    #[must_use]
    pub fn get(&self, at: usize) -> u64 {
        let mut more = [0; 8];
        let octets = &self.octets[at * self.width..][..self.width];
        for (to, octet) in more.iter_mut().zip(octets) {
            *to = *octet;
        }
        self.least + u64::from_le_bytes(more)
    }
}

/// Values of a piece, many of them equal: stores each distinct value once, and for each place its index (dictionary
/// encoding).
#[derive(Debug, Clone)]
pub struct Table<T> {
    values: Box<[T]>,
    places: Column,
}

impl<T: Ord + Clone> Table<T> {
    /// These values.
    pub fn of(values: impl Iterator<Item = T> + Clone) -> Self {
        let mut known = BTreeMap::new();
        let places: Vec<u64> = values
            .map(|value| {
                let next = known.len() as u64;
                *known.entry(value).or_insert(next)
            })
            .collect();
        let mut values: Vec<(T, u64)> = known.into_iter().collect();
        values.sort_unstable_by_key(|(_, place)| *place);
        Self {
            values: values.into_iter().map(|(value, _)| value).collect(),
            places: Column::of(places.iter().copied()),
        }
    }

    /// The value at a place.
    #[must_use]
    pub fn get(&self, at: usize) -> &T {
        // There are fewer values than a piece has entries.
        &self.values[usize::try_from(self.places.get(at)).unwrap_or_default()]
    }
}

/// A list of numbers, each usually a little larger than the previous one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbers {
    packed: Vec<Column>,
    /// Those behind the whole pieces.
    rest: Vec<u64>,
}

impl Numbers {
    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.packed.len() * PIECE + self.rest.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number at a place.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<u64> {
        match self.packed.get(at / PIECE) {
            Some(piece) => Some(piece.get(at % PIECE)),
            None => self.rest.get(at - self.packed.len() * PIECE).copied(),
        }
    }

    /// The first one.
    #[must_use]
    pub fn first(&self) -> Option<u64> {
        self.get(0)
    }

    /// Adds a number at the end.
    pub fn push(&mut self, number: u64) {
        self.rest.push(number);
        if self.rest.len() == PIECE {
            self.packed.push(Column::of(self.rest.iter().copied()));
            self.rest.clear();
        }
    }

    /// Those from a place on, in order.
    pub fn from(&self, at: usize) -> impl Iterator<Item = u64> + '_ {
        (at..self.len()).map_while(|at| self.get(at))
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.from(0)
    }

    /// Where a number stands in a list in ascending order.
    #[must_use]
    pub fn search(&self, number: u64) -> Option<usize> {
        let mut range = 0..self.len();
        while !range.is_empty() {
            let middle = range.start + range.len() / 2;
            match self.get(middle)?.cmp(&number) {
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Less => range.start = middle + 1,
                std::cmp::Ordering::Greater => range.end = middle,
            }
        }
        None
    }
}

impl Extend<u64> for Numbers {
    fn extend<I: IntoIterator<Item = u64>>(&mut self, numbers: I) {
        for number in numbers {
            self.push(number);
        }
    }
}

impl FromIterator<u64> for Numbers {
    fn from_iter<I: IntoIterator<Item = u64>>(numbers: I) -> Self {
        let mut all = Self::default();
        all.extend(numbers);
        all
    }
}

/// A piece of entries.
pub trait Pack {
    /// An entry.
    type Entry: Clone;

    /// These entries.
    fn pack(entries: &[Self::Entry]) -> Self;

    /// The entry at a place.
    fn entry(&self, at: usize) -> Self::Entry;
}

/// An entry, packed or not yet.
#[derive(Debug, Clone, Copy)]
pub enum At<'p, P: Pack> {
    /// In this piece, at this place.
    Packed(&'p P, usize),
    /// Not packed yet.
    Open(&'p P::Entry),
}

/// Entries by number; the first ones may be dropped.
#[derive(Debug)]
pub struct Pieces<P: Pack> {
    packed: VecDeque<P>,
    open: Vec<P::Entry>,
    /// Number of the first entry in a piece, and of the first that is kept.
    base: u64,
    first: u64,
}

impl<P: Pack> Pieces<P> {
    /// An empty list; the first entry gets this number.
    pub const fn from(first: u64) -> Self {
        Self {
            packed: VecDeque::new(),
            open: Vec::new(),
            base: first,
            first,
        }
    }

    /// The numbers that are kept.
    pub fn range(&self) -> Range<u64> {
        self.first..self.base + (self.packed.len() * PIECE + self.open.len()) as u64
    }

    /// An entry, where it is kept.
    pub fn at(&self, number: u64) -> Option<At<'_, P>> {
        if number < self.first {
            return None;
        }
        let at = usize::try_from(number - self.base).ok()?;
        if let Some(piece) = self.packed.get(at / PIECE) {
            return Some(At::Packed(piece, at % PIECE));
        }
        let open = self.open.get(at - self.packed.len() * PIECE)?;
        Some(At::Open(open))
    }

    /// A copy of an entry, where it is kept.
    pub fn entry(&self, number: u64) -> Option<P::Entry> {
        Some(match self.at(number)? {
            At::Packed(piece, at) => piece.entry(at),
            At::Open(entry) => entry.clone(),
        })
    }

    /// Adds an entry at the end.
    pub fn push(&mut self, entry: P::Entry) {
        self.open.push(entry);
        if self.open.len() == PIECE {
            self.packed.push_back(P::pack(&self.open));
            self.open.clear();
        }
    }

    /// Drops the entries before this number; memory is freed by whole pieces.
    pub fn drop_before(&mut self, number: u64) {
        self.first = number.clamp(self.first, self.range().end);
        while self.first >= self.base + PIECE as u64 && self.packed.pop_front().is_some() {
            self.base += PIECE as u64;
        }
    }

    /// Drops all entries; numbers continue.
    pub fn clear(&mut self) {
        self.first = self.range().end;
        self.base = self.first;
        self.packed.clear();
        self.open.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_out_as_they_went_in(numbers in proptest::collection::vec(
            prop_oneof![0..300u64, any::<u64>(), Just(u64::MAX)], 0..50
        )) {
            let column = Column::of(numbers.iter().copied());
            let table = Table::of(numbers.iter().copied());
            for (at, number) in numbers.iter().enumerate() {
                prop_assert_eq!(column.get(at), *number);
                prop_assert_eq!(table.get(at), number);
            }
        }
    }

    #[test]
    fn a_list_takes_no_more_octets_than_its_steps_need() {
        let numbers: Numbers = (1_000_000..1_010_000).map(|number| number * 3).collect();
        assert_eq!(numbers.len(), 10_000);
        assert_eq!(numbers.iter().nth(5000), Some(3_015_000));
        assert_eq!(numbers.search(3_000_003), Some(1));
        assert_eq!(numbers.search(3_000_004), None);
        assert_eq!(numbers.search(3_029_997), Some(9_999));
        assert_eq!(numbers.get(10_000), None);
        assert!(numbers.packed.iter().all(|piece| piece.width == 2));
        let same = Column::of(std::iter::repeat_n(7, 100));
        assert!(same.octets.is_empty() && same.get(99) == 7);
    }

    #[derive(Debug)]
    struct Plain(Vec<u64>);

    impl Pack for Plain {
        type Entry = u64;

        fn pack(entries: &[u64]) -> Self {
            Self(entries.to_vec())
        }

        fn entry(&self, at: usize) -> u64 {
            self.0[at]
        }
    }

    #[test]
    fn entries_keep_their_numbers_when_others_are_let_go() {
        let mut pieces = Pieces::<Plain>::from(1);
        for number in 1..=10_000 {
            pieces.push(number);
        }
        pieces.drop_before(5000);
        assert_eq!(pieces.range(), 5000..10_001);
        assert_eq!((pieces.entry(4999), pieces.entry(5000)), (None, Some(5000)));
        assert_eq!(pieces.packed.len(), 1);
        pieces.clear();
        pieces.push(10_001);
        assert_eq!(pieces.range(), 10_001..10_002);
        assert_eq!(pieces.entry(10_001), Some(10_001));
        pieces.drop_before(20_000);
        assert_eq!(pieces.range(), 10_002..10_002);
        pieces.push(10_002);
        assert_eq!(pieces.entry(10_002), Some(10_002));
    }
}
