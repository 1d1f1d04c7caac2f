//! Writes text into an area, cut if it does not fit.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use crate::output::{at_blanks, fit};
use crate::tui::layout;
use crate::tui::state::{Pending, Scroll, State};

/// A line of pieces, each with its style.
#[derive(Debug, Clone, Default)]
pub struct Line {
    /// The pieces.
    pub pieces: Vec<(String, Style)>,
    /// The frame that it is about.
    pub frame: Option<u64>,
}

impl Line {
    /// A line of one piece.
    #[must_use]
    pub fn of(text: impl Into<String>, style: Style) -> Self {
        Self {
            pieces: vec![(text.into(), style)],
            frame: None,
        }
    }

    /// The same with a further piece.
    #[must_use]
    pub fn and(mut self, text: impl Into<String>, style: Style) -> Self {
        self.pieces.push((text.into(), style));
        self
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> String {
        self.pieces.iter().map(|(text, _)| text.as_str()).collect()
    }
}

/// What is drawn on, and from what.
pub struct Pen<'a> {
    /// The screen.
    pub buffer: &'a mut Buffer,
    /// The state that is drawn.
    pub state: &'a State,
}

impl Pen<'_> {
    /// Writes text at a position, at most `width` columns, with a sign if it is cut. Returns the columns that it took.
    pub fn put(&mut self, (x, y): (u16, u16), width: u16, text: &str, style: Style) -> u16 {
        if width == 0 || y >= self.buffer.area.bottom() {
            return 0;
        }
        let text = fit(text, width.into(), self.state.charset);
        let (end, _) = self.buffer.set_stringn(x, y, &text, width.into(), style);
        end - x
    }

    /// Writes a line into an area's first row, scrolled to the left by `left` columns.
    pub fn put_line(&mut self, area: Rect, line: &Line, left: usize) {
        let mut x = area.x;
        let mut skip = left;
        for (text, style) in &line.pieces {
            let width = text.width();
            if skip >= width {
                skip -= width;
                continue;
            }
            let text = without(text, std::mem::take(&mut skip));
            let room = area.right().saturating_sub(x);
            x += self.put((x, area.y), room, text, *style);
        }
    }

    /// Writes lines, one of which is selected.
    pub fn put_lines(&mut self, area: Rect, lines: &[Line], scroll: Scroll) {
        let seen = lines.iter().enumerate().skip(scroll.top);
        for (y, (at, line)) in (area.y..area.bottom()).zip(seen) {
            let row = row(area, y);
            self.put_line(row, line, scroll.left);
            if at == scroll.at {
                let chosen = self.state.settings.theme.chosen();
                self.buffer.set_style(row, chosen);
            }
        }
    }

    /// Draws a border across an area's first row, with a title; returns the rest of the area.
    pub fn border(&mut self, area: Rect, title: &str, is_front: bool) -> Rect {
        let theme = &self.state.settings.theme;
        let (faint, width) = (theme.faint(), area.width);
        let line = self.state.sign("─", "-").repeat(width.into());
        self.buffer
            .set_stringn(area.x, area.y, line, width.into(), faint);
        if !title.is_empty() {
            let style = if is_front { theme.title() } else { faint };
            let (room, title) = (width.saturating_sub(3), format!(" {title} "));
            self.put((area.x + 2, area.y), room, &title, style);
        }
        below(area, 1)
    }

    /// Draws a border in an area's first column; returns the rest of the area.
    pub fn side_border(&mut self, area: Rect) -> Rect {
        self.lifeline(area.x, area.y..area.bottom());
        Rect {
            x: area.x + 2,
            width: area.width.saturating_sub(2),
            ..area
        }
    }

    /// Draws a line down these rows.
    pub fn lifeline(&mut self, x: u16, rows: Range<u16>) {
        let line = self.state.sign("│", "|");
        let faint = self.state.settings.theme.faint();
        for y in rows {
            self.put((x, y), 1, line, faint);
        }
    }

    /// Draws the border of a view with one part, with a title made from its content. Returns the content and the area
    /// for its lines once the content is there. Until then the title is the view's name.
    pub fn bordered<'s, T>(
        &mut self,
        content: &'s Pending<T>,
        name: &str,
        title: impl FnOnce(&T) -> String,
    ) -> Option<(&'s T, Rect)> {
        let area = layout::body(self.state);
        let Some(content) = content.ready() else {
            let inner = self.border(area, name, true);
            self.working(inner);
            return None;
        };
        let inner = self.border(area, &title(content), true);
        Some((content, inner))
    }

    /// Writes into an area that its content is being computed.
    pub fn working(&mut self, area: Rect) {
        if area.height > 0 {
            let style = self.state.settings.theme.faint();
            let mut text = self.state.sign("reading…", "reading...").to_owned();
            if self.state.reading > 0 {
                let _ = write!(text, " {}%", self.state.reading);
            }
            let room = area.width.saturating_sub(1);
            self.put((area.x + 1, area.y), room, &text, style);
        }
    }
}

/// A row of an area.
#[must_use]
pub const fn row(area: Rect, y: u16) -> Rect {
    Rect {
        y,
        height: 1,
        ..area
    }
}

/// An area without its first rows.
#[must_use]
pub fn below(area: Rect, rows: u16) -> Rect {
    Rect {
        y: area.y + rows.min(area.height),
        height: area.height.saturating_sub(rows),
        ..area
    }
}

/// Width from which text is folded rather than cut.
const ROOM_TO_FOLD: usize = 24;

/// Text in as many rows as it needs; rows after the first are indented by this many columns.
#[must_use]
pub fn folded(first: &str, text: &str, further: usize, room: usize) -> Vec<String> {
    if first.width() + text.width() <= room || room < further + ROOM_TO_FOLD {
        return vec![format!("{first}{text}")];
    }
    let further = " ".repeat(further);
    let options = at_blanks(room)
        .initial_indent(first)
        .subsequent_indent(&further);
    let rows = textwrap::wrap(text, options).into_iter();
    rows.map(Cow::into_owned).collect()
}

/// Text without its first columns.
#[must_use]
pub fn without(text: &str, columns: usize) -> &str {
    let mut gone = 0;
    for (at, character) in text.char_indices() {
        if gone >= columns {
            return &text[at..];
        }
        gone += unicode_width::UnicodeWidthChar::width(character).unwrap_or(0);
    }
    ""
}
