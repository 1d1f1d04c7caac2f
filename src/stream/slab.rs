//! Things by number, in pieces that stay where they are: growing copies nothing.

#![expect(
    clippy::cast_possible_truncation,
    reason = "slots, of which an entry has 32 bits"
)]

use std::ops::{Index, IndexMut};

/// Things in a piece. So large a one of flows comes from the system when it is needed, and goes back to it when
/// it is dropped, whatever the allocator keeps; what of it is not in use takes no memory.
const PIECE: usize = 1 << 17;

/// Things by number, from 0.
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

    pub fn len(&self) -> usize {
        let last = self.pieces.last().map_or(0, Vec::len);
        self.pieces.len().saturating_sub(1) * PIECE + last
    }

    /// Adds a thing, and gives its number.
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

    /// How many things stand in each piece that these numbers are of.
    pub fn in_pieces(&self, numbers: &[u32]) -> Vec<usize> {
        let mut counts = vec![0; self.pieces.len()];
        for number in numbers {
            counts[*number as usize / PIECE] += 1;
        }
        counts
    }

    /// The piece that a thing stands in.
    pub const fn piece_of(number: u32) -> usize {
        number as usize / PIECE
    }

    /// Gives a piece's memory back. Its things are not to be asked for again.
    pub fn let_go_piece(&mut self, piece: usize) {
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
        assert_eq!(slab.in_pieces(&[0, 1, PIECE as u32]), [2, 1, 0]);
        slab.let_go_piece(Slab::<u32>::piece_of(1));
        assert_eq!((slab.get(1), slab[count - 1]), (None, count - 1));
    }
}
