//! The rows of a list that are shown, the selected one, and the visible part.

use std::ops::Range;

use super::recording::Numbers;

/// Numbers of the items that are shown, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// All of these.
    All(Range<u64>),
    /// These.
    Picked(Numbers),
}

impl Default for Shown {
    fn default() -> Self {
        Self::All(0..0)
    }
}

impl Shown {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::All(range) => usize::try_from(range.end - range.start).unwrap_or(usize::MAX),
            Self::Picked(numbers) => numbers.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The item at a place.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<u64> {
        match self {
            Self::All(range) => {
                let number = range.start + at as u64;
                range.contains(&number).then_some(number)
            }
            Self::Picked(numbers) => numbers.get(at),
        }
    }

    /// The place of an item.
    #[must_use]
    pub fn place(&self, number: u64) -> Option<usize> {
        match self {
            Self::All(range) => {
                let at = number.checked_sub(range.start)?;
                range
                    .contains(&number)
                    .then(|| usize::try_from(at).unwrap_or(usize::MAX))
            }
            Self::Picked(numbers) => {
                let found = numbers.search(number);
                // They may be in another order.
                found.or_else(|| numbers.iter().position(|one| one == number))
            }
        }
    }
}

/// A list of rows, one of which is selected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct List {
    /// What is shown.
    pub shown: Shown,
    /// The position of the selected row.
    pub at: usize,
    /// The position of the first visible row.
    pub top: usize,
    /// Number of visible rows.
    pub height: usize,
    /// Whether the newest row stays selected as more arrive.
    pub follows: bool,
    /// How far rows are scrolled to the left, in columns.
    pub left: usize,
}

impl List {
    /// The selected item.
    #[must_use]
    pub fn chosen(&self) -> Option<u64> {
        self.shown.get(self.at)
    }

    /// The visible items.
    pub fn seen(&self) -> impl Iterator<Item = u64> + '_ {
        (self.top..self.top + self.height).map_while(|at| self.shown.get(at))
    }

    /// The item above the visible ones.
    #[must_use]
    pub fn above(&self) -> Option<u64> {
        self.shown.get(self.top.checked_sub(1)?)
    }

    /// Selects a row, or the last one if there are fewer.
    pub fn go(&mut self, at: usize) {
        self.at = at.min(self.shown.len().saturating_sub(1));
        self.keep_seen();
    }

    /// Moves by so many rows.
    pub fn step(&mut self, rows: isize) {
        self.follows = false;
        self.go(self.at.saturating_add_signed(rows));
    }

    /// Selects an item and shows it in the middle; returns whether it is among the shown rows.
    pub fn go_to(&mut self, number: u64) -> bool {
        let Some(at) = self.shown.place(number) else {
            return false;
        };
        self.follows = false;
        self.at = at;
        self.top = at.saturating_sub(self.height / 2);
        self.keep_seen();
        true
    }

    /// Selects the last row, and from then on the newest.
    pub fn newest(&mut self) {
        self.follows = true;
        self.go(usize::MAX);
    }

    /// Sets the number of visible rows.
    pub fn fit(&mut self, height: usize) {
        self.height = height;
        self.keep_seen();
    }

    /// Scrolls so that the selected row is visible.
    fn keep_seen(&mut self) {
        let height = self.height.max(1);
        self.top = self.top.min(self.at);
        if self.at >= self.top + height {
            self.top = self.at + 1 - height;
        }
        self.top = self.top.min(self.shown.len().saturating_sub(height));
    }

    /// Shows other items. The selected item stays selected if it is among them; otherwise the one at its position is
    /// selected.
    pub fn show(&mut self, shown: Shown) {
        let chosen = self.chosen();
        self.shown = shown;
        let place = chosen.and_then(|number| self.shown.place(number));
        self.go(match place {
            _ if self.follows => usize::MAX,
            Some(place) => place,
            None => self.at,
        });
    }

    /// Shows more items after the others; `kept` are the items that still exist.
    pub fn grow(&mut self, more: &Numbers, kept: Range<u64>) {
        let before = self.shown.len();
        match &mut self.shown {
            Shown::All(range) => {
                let gone = kept.start.saturating_sub(range.start);
                *range = kept;
                self.shift_up(usize::try_from(gone).unwrap_or(usize::MAX));
            }
            Shown::Picked(numbers) => {
                numbers.extend(more.iter());
                if numbers.first().is_some_and(|first| first < kept.start) {
                    let len = numbers.len();
                    let left = numbers.iter().filter(|number| *number >= kept.start);
                    *numbers = left.collect();
                    let gone = len - numbers.len();
                    self.shift_up(gone);
                }
            }
        }
        if self.follows && self.shown.len() != before {
            self.go(usize::MAX);
        } else {
            self.go(self.at);
        }
    }

    fn shift_up(&mut self, gone: usize) {
        self.at = self.at.saturating_sub(gone);
        self.top = self.top.saturating_sub(gone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(numbers: &[u64]) -> Shown {
        Shown::Picked(numbers.iter().copied().collect())
    }

    fn list(shown: Shown) -> List {
        let mut list = List {
            shown,
            ..List::default()
        };
        list.fit(3);
        list
    }

    #[test]
    fn the_chosen_row_is_always_seen() {
        let mut list = list(Shown::All(10..20));
        list.step(4);
        assert_eq!((list.chosen(), list.top), (Some(14), 2));
        assert_eq!(list.seen().collect::<Vec<_>>(), [12, 13, 14]);
        list.step(-100);
        assert_eq!((list.chosen(), list.top), (Some(10), 0));
        assert!(list.go_to(19));
        assert_eq!((list.at, list.top), (9, 7));
        assert!(!list.go_to(20));
        list.fit(5);
        assert_eq!(list.top, 5);
    }

    #[test]
    fn what_is_let_go_moves_no_row_under_the_cursor() {
        let mut all = list(Shown::All(0..10));
        all.go(6);
        let none = Numbers::default();
        all.grow(&none, 4..14);
        assert_eq!(all.chosen(), Some(6));
        all.grow(&none, 8..18);
        assert_eq!(all.chosen(), Some(8));
        all.newest();
        all.grow(&none, 8..30);
        assert_eq!(all.chosen(), Some(29));
        let mut picked = list(picked(&[1, 3, 5]));
        picked.go(2);
        picked.grow(&Numbers::from_iter([9]), 4..10);
        assert_eq!((picked.chosen(), picked.shown.len()), (Some(5), 2));
    }

    #[test]
    fn the_chosen_item_stays_chosen_where_others_are_shown() {
        let mut list = list(Shown::All(0..10));
        list.go(6);
        list.show(picked(&[2, 6, 8]));
        assert_eq!(list.at, 1);
        list.show(picked(&[2, 8]));
        assert_eq!(list.chosen(), Some(8));
        list.show(picked(&[]));
        assert_eq!(list.chosen(), None);
        list.show(picked(&[9, 4, 7]));
        assert_eq!(list.shown.place(4), Some(1));
    }
}
