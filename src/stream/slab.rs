//! A growing list in pieces that never move: growing copies nothing.

#![expect(clippy::cast_possible_truncation, reason = "slots, which have 32 bits")]

use std::ops::{Index, IndexMut};

/// Items in a piece. A piece of flows is so large that the allocator gets it from the system and returns it when it is
/// freed, and that its unused part takes no memory.
const PIECE: usize = 1 << 17;

/// Items by number, from 0.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    /// All but the last are full.
    pieces: Vec<Vec<T>>,
}

impl<T> Slab<T> {
    pub const fn new() -> Self {
        Self { pieces: Vec::new() }
    }

    #[inline]
    pub fn get(&self, number: u32) -> Option<&T> {
        let number = number as usize;
        self.pieces.get(number / PIECE)?.get(number % PIECE)
    }

    #[inline]
    pub fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        let number = number as usize;
        self.pieces.get_mut(number / PIECE)?.get_mut(number % PIECE)
    }

    pub fn len(&self) -> usize {
        let last = self.pieces.last().map_or(0, Vec::len);
        self.pieces.len().saturating_sub(1) * PIECE + last
    }

    /// Adds an item, and returns its number.
    pub fn push(&mut self, thing: T) -> u32 {
        let number = self.len() as u32;
        match self.pieces.last_mut() {
            Some(last) if last.len() < PIECE => last.push(thing),
            _ => {
                let mut piece = Vec::with_capacity(PIECE);
                piece.push(thing);
                self.pieces.push(piece);
            }
        }
        number
    }

    /// For each piece, how many of these numbers are in it.
    pub fn count_by_piece(&self, numbers: impl Iterator<Item = u32>) -> Vec<usize> {
        let mut counts = vec![0; self.pieces.len()];
        for number in numbers {
            counts[number as usize / PIECE] += 1;
        }
        counts
    }

    /// The piece that an item is in.
    pub const fn piece_of(number: u32) -> usize {
        number as usize / PIECE
    }

    /// Frees a piece's memory. Its items must not be used again.
    pub fn free_piece(&mut self, piece: usize) {
        self.pieces[piece] = Vec::new();
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.pieces.iter_mut().flatten()
    }
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Index<u32> for Slab<T> {
    type Output = T;

    #[inline]
    fn index(&self, number: u32) -> &T {
        &self.pieces[number as usize / PIECE][number as usize % PIECE]
    }
}

impl<T> IndexMut<u32> for Slab<T> {
    #[inline]
    fn index_mut(&mut self, number: u32) -> &mut T {
        &mut self.pieces[number as usize / PIECE][number as usize % PIECE]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_each_other_over_pieces() {
        let mut slab = Slab::new();
        let count = 2 * PIECE as u32 + 3;
        for number in 0..count {
            assert_eq!(slab.len(), number as usize);
            assert_eq!(slab.push(number), number);
        }
        slab[1] = 7;
        assert_eq!((slab[1], slab[count - 1]), (7, count - 1));
        assert_eq!(
            (slab.get(count), slab.get(count - 1)),
            (None, Some(&(count - 1)))
        );
        assert_eq!(slab.iter_mut().count(), count as usize);
        assert_eq!(
            slab.count_by_piece([0, 1, PIECE as u32].into_iter()),
            [2, 1, 0]
        );
        slab.free_piece(Slab::<u32>::piece_of(1));
        assert_eq!((slab.get(1), slab[count - 1]), (None, count - 1));
    }
}
