//! Writes text into an area, cut if it does not fit.

use std::borrow::Cow;
use std::fmt::Write as _;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use crate::output::{Charset, at_blanks, fit};
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

/// Writes text at a position, at most `width` columns, with a sign if it is cut. Returns the columns that it took.
pub fn put(
    buffer: &mut Buffer,
    (x, y): (u16, u16),
    width: u16,
    text: &str,
    style: Style,
    charset: Charset,
) -> u16 {
    if width == 0 || y >= buffer.area.bottom() {
        return 0;
    }
    let text = fit(text, width.into(), charset);
    let (end, _) = buffer.set_stringn(x, y, &text, width.into(), style);
    end - x
}

/// Writes a line, scrolled to the left by `left` columns.
pub fn put_line(buffer: &mut Buffer, area: Rect, line: &Line, left: usize, charset: Charset) {
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
        x += put(buffer, (x, area.y), room, text, *style, charset);
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

/// Writes lines, one of which is selected.
pub fn put_lines(buffer: &mut Buffer, area: Rect, lines: &[Line], scroll: Scroll, state: &State) {
    let seen = lines.iter().enumerate().skip(scroll.top);
    for (y, (at, line)) in (area.y..area.bottom()).zip(seen) {
        let row = Rect {
            y,
            height: 1,
            ..area
        };
        put_line(buffer, row, line, scroll.left, state.charset);
        if at == scroll.at {
            buffer.set_style(row, state.settings.theme.chosen());
        }
    }
}

/// A border across an area's first row, with a title.
pub fn border(buffer: &mut Buffer, area: Rect, title: &str, is_front: bool, state: &State) {
    let theme = &state.settings.theme;
    let line = state.sign("─", "-").repeat(area.width.into());
    buffer.set_stringn(area.x, area.y, line, area.width.into(), theme.faint());
    if !title.is_empty() {
        let style = if is_front {
            theme.title()
        } else {
            theme.faint()
        };
        let room = area.width.saturating_sub(3);
        put(
            buffer,
            (area.x + 2, area.y),
            room,
            &format!(" {title} "),
            style,
            state.charset,
        );
    }
}

/// Draws a border in an area's first column; returns the rest of the area.
pub fn side_border(buffer: &mut Buffer, area: Rect, state: &State) -> Rect {
    let theme = &state.settings.theme;
    for y in area.y..area.bottom() {
        let line = state.sign("│", "|");
        put(buffer, (area.x, y), 1, line, theme.faint(), state.charset);
    }
    Rect {
        x: area.x + 2,
        width: area.width.saturating_sub(2),
        ..area
    }
}

/// Draws the border of a view with one part, with a title made from its content. Returns the content and the area for
/// its lines once the content is there. Until then the title is the view's name.
pub fn bordered<'s, T>(
    buffer: &mut Buffer,
    state: &State,
    content: &'s Pending<T>,
    name: &str,
    title: impl FnOnce(&T) -> String,
) -> Option<(&'s T, Rect)> {
    let area = layout::body(state);
    let inner = Rect {
        y: area.y + 1,
        height: area.height - 1,
        ..area
    };
    let Some(content) = content.ready() else {
        border(buffer, area, name, true, state);
        working(buffer, inner, state);
        return None;
    };
    border(buffer, area, &title(content), true, state);
    Some((content, inner))
}

/// The text in an area while its content is being computed.
pub fn working(buffer: &mut Buffer, area: Rect, state: &State) {
    if area.height > 0 {
        let style = state.settings.theme.faint();
        let mut text = state.sign("reading…", "reading...").to_owned();
        if state.reading > 0 {
            let _ = write!(text, " {}%", state.reading);
        }
        put(
            buffer,
            (area.x + 1, area.y),
            area.width.saturating_sub(1),
            &text,
            style,
            state.charset,
        );
    }
}
