//! Response times over time: counts in a grid of time and the logarithm of the response time, so that the chart shows
//! every answer, however many there are.

use super::scale::{Scale, halve};
use crate::capture::Timestamp;
use crate::layout::LayoutId;
use crate::protocol::Action;
use crate::session::{Resolution, Subject};

/// Columns of time.
pub(super) const COLUMNS: usize = 128;
/// Steps of each decade of how long it took.
pub(super) const STEPS: usize = 10;
/// Decades, from a microsecond on.
pub(super) const DECADES: u32 = 9;
const ROWS: usize = STEPS * DECADES as usize;
/// The most kinds of requests that are distinguished; further layouts are left out of the chart, and the page says
/// so.
pub(super) const MOST_SERIES: usize = 6;

/// What is asked for, as far as the chart tells it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Series {
    /// A RegLogin request.
    RegLogin(Action),
    /// A request of a layout.
    Layout(LayoutId),
}

impl Series {
    /// Its name in the chart.
    pub fn name(self) -> String {
        match self {
            Self::RegLogin(action) => {
                let mut name = action.noun().to_owned();
                name[..1].make_ascii_uppercase();
                name
            }
            Self::Layout(layout) => layout.name().to_owned(),
        }
    }
}

type Column = [u32; ROWS];

/// The answers of one series.
#[derive(Debug)]
pub(super) struct Grid {
    pub series: Series,
    columns: Vec<Column>,
}

/// All answers.
#[derive(Debug)]
pub(super) struct Points {
    scale: Scale,
    grids: Vec<Grid>,
    /// Answers with a negative time: from two clocks, or a clock that was set back.
    pub negative: u64,
    /// Answers of series that are not distinguished.
    pub left_out: u64,
}

impl Grid {
    const fn new(series: Series) -> Self {
        Self {
            series,
            columns: Vec::new(),
        }
    }

    /// The cells that are not empty: column, row, answers.
    pub fn cells(&self) -> impl Iterator<Item = (usize, usize, u32)> {
        let columns = self.columns.iter().enumerate();
        columns.flat_map(|(x, column)| {
            let rows = column.iter().enumerate();
            rows.filter(|(_, count)| **count > 0)
                .map(move |(y, count)| (x, y, *count))
        })
    }

    fn double(&mut self) {
        for row in 0..ROWS {
            let mut cells = [0; COLUMNS];
            for (cell, column) in cells.iter_mut().zip(&self.columns) {
                *cell = column[row];
            }
            halve(&mut cells);
            for (cell, column) in cells.iter().zip(&mut self.columns) {
                column[row] = *cell;
            }
        }
    }
}

/// Where the steps of a decade begin, in thousandths of its beginning: powers of the tenth root of 10.
const BEGINNINGS: [u64; STEPS] = [1000, 1259, 1585, 1995, 2512, 3162, 3981, 5012, 6310, 7943];

/// The row of a time in nanoseconds.
fn row(elapsed: u64) -> usize {
    // A microsecond is a thousand of them.
    let elapsed = elapsed.max(1000);
    let decade = elapsed.ilog10() - 3;
    let thousandths = elapsed / 10_u64.pow(decade);
    let step = BEGINNINGS.partition_point(|beginning| *beginning <= thousandths) - 1;
    (decade as usize * STEPS + step).min(ROWS - 1)
}

impl Points {
    /// None yet; time begins here.
    pub const fn new(start: Timestamp) -> Self {
        Self {
            scale: Scale::new(start, COLUMNS),
            grids: Vec::new(),
            negative: 0,
            left_out: 0,
        }
    }

    /// Counts the answer to a request, if there is one.
    pub fn add(&mut self, resolution: &Resolution) {
        let Some(response) = resolution.response else {
            return;
        };
        let Ok(elapsed) = u64::try_from(response.elapsed) else {
            self.negative += 1;
            return;
        };
        let series = match resolution.subject {
            Subject::RegLogin(action) => Series::RegLogin(action),
            Subject::Layout(layout, _) => Series::Layout(layout),
        };
        let known = self.grids.iter().position(|grid| grid.series == series);
        let at = match known {
            Some(at) => at,
            None if self.grids.len() < MOST_SERIES => {
                self.grids.push(Grid::new(series));
                self.grids.len() - 1
            }
            None => {
                self.left_out += 1;
                return;
            }
        };
        let grids = &mut self.grids;
        let column = self.scale.column(resolution.ended(), || {
            grids.iter_mut().for_each(Grid::double);
        });
        let columns = &mut self.grids[at].columns;
        if columns.is_empty() {
            *columns = vec![[0; ROWS]; COLUMNS];
        }
        let cell = &mut columns[column][row(elapsed)];
        *cell = cell.saturating_add(1);
    }

    /// Nanoseconds that a column represents.
    pub const fn width(&self) -> u64 {
        self.scale.width()
    }

    /// The series, registrations before logins before layouts.
    pub fn grids(&self) -> Vec<&Grid> {
        let mut grids: Vec<&Grid> = self.grids.iter().collect();
        grids.sort_by_key(|grid| match grid.series {
            Series::RegLogin(Action::Register) => (0, ""),
            Series::RegLogin(Action::Login) => (1, ""),
            Series::Layout(layout) => (2, layout.name()),
        });
        grids
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_steps_of_decades() {
        assert_eq!(row(0), 0);
        assert_eq!(row(1_000), 0);
        assert_eq!(row(10_000), STEPS);
        assert_eq!(row(1_000_000), 3 * STEPS);
        assert_eq!(row(1_999_999), 3 * STEPS + 3);
        assert_eq!(row(999_000_000_000), ROWS - 1);
        assert_eq!(row(u64::MAX), ROWS - 1);
    }
}
