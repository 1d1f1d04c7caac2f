//! A section of the summary's text: a table whose title is the heading of its first column.

use std::io::{self, Write};

use comfy_table::{Cell, CellAlignment, ColumnConstraint, Table, TableStyle};
use unicode_width::UnicodeWidthStr;

/// The table of a section.
pub(super) struct Section(Table);

impl Section {
    /// A table with these headings and no rows.
    pub(super) fn new(header: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let mut table = Table::new();
        table.load_style(TableStyle::new());
        table.force_no_tty();
        let header: Vec<Cell> = header
            .into_iter()
            .map(|title| Cell::new_owned(title.into()))
            .collect();
        table.set_header(header);
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        Self(table)
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        let cells = cells.into_iter().map(|text| Cell::new_owned(text.into()));
        self.0.add_row(cells.collect::<Vec<_>>());
    }

    /// Whether it has no rows.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Hides columns, in this order, until the lines fit into `width`.
    pub(super) fn fit(&mut self, width: Option<u16>, least_wanted: &[usize]) {
        let Some(width) = width else { return };
        for &index in least_wanted {
            let widest = self.lines().map(|line| line.width()).max();
            if widest <= Some(width.into()) {
                return;
            }
            self.hide(index);
        }
    }

    /// Hides a column.
    pub(super) fn hide(&mut self, index: usize) {
        if let Some(column) = self.0.column_mut(index) {
            column.set_constraint(ColumnConstraint::Hidden);
        }
    }

    /// Its lines, without spaces at their ends.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        self.0.lines().map(|line| line.trim_end().to_owned())
    }

    /// Aligns these columns to the right.
    pub(super) fn align_right(&mut self, columns: impl IntoIterator<Item = usize>) {
        for index in columns {
            if let Some(column) = self.0.column_mut(index) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
    }

    /// Writes the section. All columns except the first `left` are aligned to the right.
    pub(super) fn write(mut self, out: &mut impl Write, left: usize) -> io::Result<()> {
        let columns = self.0.column_count();
        self.align_right(left..columns);
        writeln!(out)?;
        for line in self.lines() {
            writeln!(out, "{line}")?;
        }
        Ok(())
    }
}
