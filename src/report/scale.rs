//! Time in a fixed number of columns, whose width doubles as the capture grows.

use std::ops::AddAssign;

use crate::capture::Timestamp;

/// Width of a column at first: a millisecond in nanoseconds, as that of the summary's bars.
const FIRST_WIDTH: u64 = 1_000_000;

/// Where columns begin and how wide they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scale {
    start: Timestamp,
    width: u64,
    columns: usize,
}

impl Scale {
    /// This many columns, the first of which begins at `start`. The number is even.
    pub const fn new(start: Timestamp, columns: usize) -> Self {
        Self {
            start,
            width: FIRST_WIDTH,
            columns,
        }
    }

    /// Nanoseconds that a column represents.
    pub const fn width(&self) -> u64 {
        self.width
    }

    /// The column of a time; earlier times belong to the first column. `double` is called each time before pairs of
    /// columns are merged.
    pub fn column(&mut self, time: Timestamp, mut double: impl FnMut()) -> usize {
        let offset = u64::try_from(time.since(self.start)).unwrap_or(0);
        while offset / self.width >= self.columns as u64 {
            double();
            self.width *= 2;
        }
        usize::try_from(offset / self.width).unwrap_or(self.columns - 1)
    }
}

/// Merges pairs of columns.
pub(super) fn halve<T: AddAssign + Copy + Default>(columns: &mut [T]) {
    for at in 0..columns.len() / 2 {
        let [mut one, other] = [columns[2 * at], columns[2 * at + 1]];
        one += other;
        columns[at] = one;
    }
    let half = columns.len() / 2;
    columns[half..].fill(T::default());
}

/// Columns of one width as fewer of a width that is that one doubled a few times, `most` of them at most.
pub(super) fn folded<T: AddAssign + Copy + Default>(
    columns: &[T],
    width: u64,
    into: u64,
    most: usize,
) -> Vec<T> {
    let mut wide = vec![T::default(); most];
    for (at, column) in (0..).zip(columns) {
        let to = usize::try_from(at * width / into).unwrap_or(most);
        if let Some(place) = wide.get_mut(to.min(most.saturating_sub(1))) {
            *place += *column;
        }
    }
    wide
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_double_and_nothing_is_lost() {
        let mut columns = [0_u32; 4];
        let mut scale = Scale::new(Timestamp(5), 4);
        for millisecond in 0..13 {
            let time = Timestamp(5 + millisecond * 1_000_000);
            let at = scale.column(time, || halve(&mut columns));
            columns[at] += 1;
        }
        assert_eq!((columns, scale.width()), ([4, 4, 4, 1], 4_000_000));
        assert_eq!(scale.column(Timestamp(-7), || unreachable!()), 0);
        assert_eq!(folded(&columns, 4, 8, 32)[..3], [8, 5, 0]);
        assert_eq!(folded(&columns, 4, 4, 2), [4, 9]);
    }
}
