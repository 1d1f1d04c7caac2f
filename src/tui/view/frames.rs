//! Wireshark's three panes: a list of frames, the details of one, its bytes. Selecting a field highlights its bytes,
//! and selecting a byte highlights its field.

use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::pen::{Pen, below, folded, row};
use super::table::{Looks, Table, row_text};
use super::times::{since_above, time_text};
use crate::capture::Timestamp;
use crate::output::Highlight;
use crate::text::escape::HexOctet;
use crate::tui::answer::{FrameDetail, FrameRow, TreeLine};
use crate::tui::columns::FrameColumn;
use crate::tui::layout;
use crate::tui::state::{Part, Pending, State};
use crate::tui::theme;

/// Draws the view.
pub fn draw(pen: &mut Pen<'_>) {
    let state = pen.state;
    let areas = layout::frames(state);
    list(pen, areas.list);
    details(pen, areas.details);
    bytes(pen, areas.bytes);
}

fn list(pen: &mut Pen<'_>, area: Rect) {
    let state = pen.state;
    let theme = &state.settings.theme;
    let list = &state.frames;
    let table = Table::new(state, area, &state.settings.frames, list.left);
    table.titles(pen, |_| "");
    if list.shown.is_empty() {
        let text = if state.progress.ended || state.filter.is_some() {
            "no frame matches"
        } else {
            "reading"
        };
        table.nothing(pen, text);
    }
    let chosen = theme.chosen_in(state.part == Part::List);
    let mut before = state.frame_above;
    for (y, number) in (area.y + 1..area.bottom()).zip(list.seen()) {
        let row = state.frame_rows.get(&number);
        let looks = Looks {
            marked: state.marked_frames.contains(&number),
            chosen: (list.chosen() == Some(number)).then_some(chosen),
        };
        table.row(pen, y, &looks, |column| match (row, column) {
            (Some(row), _) => {
                let style = match column {
                    FrameColumn::Protocol | FrameColumn::Info => theme.highlight(row.highlight),
                    _ => Style::new(),
                };
                (cell_text(state, column, row, before), style)
            }
            (None, FrameColumn::Number) => (number.to_string(), Style::new()),
            (None, FrameColumn::Info) => (state.sign("…", "...").to_owned(), theme.faint()),
            (None, _) => (String::new(), Style::new()),
        });
        before = row.map(|row| row.time);
    }
}

fn cell_text(
    state: &State,
    column: FrameColumn,
    row: &FrameRow,
    before: Option<Timestamp>,
) -> String {
    let port = |side: usize| row.ports.map(|ports| ports[side].to_string());
    match column {
        FrameColumn::Number => row.number.to_string(),
        FrameColumn::Time => time_text(state, row.time, before),
        FrameColumn::Delta => since_above(state, row.time, before),
        FrameColumn::Source => row.addresses[0].clone(),
        FrameColumn::SourcePort => port(0).unwrap_or_default(),
        FrameColumn::Destination => row.addresses[1].clone(),
        FrameColumn::DestinationPort => port(1).unwrap_or_default(),
        FrameColumn::Protocol => row.protocol.to_owned(),
        FrameColumn::Length => row.length.to_string(),
        FrameColumn::Stream => row.stream.map_or_else(String::new, |one| one.to_string()),
        FrameColumn::Info => row.info.clone(),
    }
}

/// The lines of details that are not under a folded one.
#[must_use]
pub fn visible(state: &State) -> Vec<&TreeLine> {
    let mut lines = Vec::new();
    let mut below: Option<usize> = None;
    for line in state
        .detail
        .ready()
        .map(|detail| &detail.tree)
        .into_iter()
        .flatten()
    {
        if below.is_some_and(|depth| line.depth > depth) {
            continue;
        }
        below = (line.has_children && state.folded.contains(&line.path)).then_some(line.depth);
        lines.push(line);
    }
    lines
}

/// A line of the details in as many rows as it needs.
fn rows_of(state: &State, line: &TreeLine, width: u16) -> Vec<String> {
    let sign = match (line.has_children, state.folded.contains(&line.path)) {
        (false, _) => " ",
        (true, true) => state.sign("▸", "+"),
        (true, false) => state.sign("▾", "-"),
    };
    let first = format!("{}{sign} ", "  ".repeat(line.depth));
    // Keeps a distance to the part beside it.
    let room = usize::from(width.saturating_sub(1));
    folded(&first, &line.text, 2 * line.depth + 4, room)
}

/// The first visible line of the details: all rows of the selected line are visible, and no row is left empty that
/// could be filled.
fn first_seen(state: &State, lines: &[&TreeLine], area: Rect) -> usize {
    let height = usize::from(area.height);
    let at = state.tree.at.min(lines.len().saturating_sub(1));
    let mut top = state.tree.top.min(at);
    let rows = |place: usize| rows_of(state, lines[place], area.width).len();
    let mut taken: usize = (top..=at).take(lines.len()).map(rows).sum();
    while top < at && taken > height {
        taken -= rows(top);
        top += 1;
    }
    for place in at + 1..lines.len() {
        if taken >= height {
            return top;
        }
        taken += rows(place);
    }
    while top > 0 && taken + rows(top - 1) <= height {
        top -= 1;
        taken += rows(top);
    }
    top
}

/// Keeps it visible as other lines are selected.
fn keep_seen(state: &mut State) {
    let area = below(layout::frames(state).details, 1);
    state.tree.top = first_seen(state, &visible(state), area);
}

/// The visible rows of the details, each with the index of its line.
fn detail_rows(state: &State, lines: &[&TreeLine], area: Rect) -> Vec<(usize, String)> {
    let first = first_seen(state, lines, area);
    let all = lines.iter().enumerate().skip(first);
    let rows = all.flat_map(|(place, line)| {
        let own = rows_of(state, line, area.width).into_iter();
        own.map(move |row| (place, row))
    });
    rows.take(area.height.into()).collect()
}

/// The line of the details that a row of its part shows, from 0.
#[must_use]
pub fn line_in_row(state: &State, row: usize) -> Option<usize> {
    let area = below(layout::frames(state).details, 1);
    let rows = detail_rows(state, &visible(state), area);
    rows.get(row).map(|(place, _)| *place)
}

fn details(pen: &mut Pen<'_>, area: Rect) {
    let state = pen.state;
    let title = state
        .frames
        .chosen()
        .map_or_else(String::new, |frame| format!("Details of frame {frame}"));
    let is_front = state.part == Part::Details;
    let inner = pen.border(area, &title, is_front);
    if matches!(state.detail, Pending::Running) {
        return pen.working(inner);
    }
    let theme = &state.settings.theme;
    let lines = visible(state);
    for (y, (at, text)) in (inner.y..).zip(detail_rows(state, &lines, inner)) {
        let line = lines[at];
        let style = match line.highlight {
            Highlight::Plain if line.depth == 0 => Style::new().add_modifier(Modifier::BOLD),
            highlight => theme.highlight(highlight),
        };
        let room = inner.width.saturating_sub(1);
        pen.put((inner.x, y), room, &text, style);
        if at == state.tree.at {
            pen.buffer
                .set_style(row(inner, y), theme.chosen_in(is_front));
        }
    }
    // The display filter of the selected line.
    let filter = lines
        .get(state.tree.at)
        .and_then(|line| line.filter.as_ref());
    if let Some(filter) = filter.filter(|_| is_front && area.width > 40) {
        let text = format!(" {filter} ");
        let width =
            u16::try_from(unicode_width::UnicodeWidthStr::width(text.as_str())).unwrap_or(u16::MAX);
        let room = area.width / 2;
        let x = area.right().saturating_sub(width.min(room) + 1);
        pen.put((x, area.y), room, &text, theme.faint());
    }
}

/// The first visible line of the bytes, so that the selected byte is visible.
fn first_line(state: &State, height: usize) -> usize {
    let per_line = layout::bytes_per_line(state);
    let (_, at) = state.byte;
    let line = at / per_line;
    let len = pane_len(state).div_ceil(per_line);
    line.saturating_sub(height / 2)
        .min(len.saturating_sub(height))
}

fn pane_len(state: &State) -> usize {
    let (pane, _) = state.byte;
    let panes = state.detail.ready().map(|detail| &detail.panes);
    panes
        .and_then(|panes| panes.get(pane))
        .map_or(0, |pane| pane.bytes.len())
}

/// The bytes of the selected line, in the pane that is shown.
fn lit(state: &State) -> std::ops::Range<usize> {
    let lines = visible(state);
    let of_line = lines.get(state.tree.at).and_then(|line| line.bytes.clone());
    of_line
        .filter(|(pane, _)| *pane == state.byte.0)
        .map_or(0..0, |(_, range)| range)
}

fn bytes(pen: &mut Pen<'_>, area: Rect) {
    let state = pen.state;
    let is_front = state.part == Part::Bytes;
    let (pane, at) = state.byte;
    let shown = state
        .detail
        .ready()
        .and_then(|detail| detail.panes.get(pane));
    let count = state.detail.ready().map_or(0, |detail| detail.panes.len());
    let mut title = shown.map_or_else(|| "Bytes".to_owned(), |pane| pane.title.clone());
    if count > 1 {
        title = format!("{title}, {} of {count}", pane + 1);
    }
    let inner = pen.border(area, &title, is_front);
    let Some(shown) = shown else { return };
    let theme = &state.settings.theme;
    let per_line = layout::bytes_per_line(state);
    let first = first_line(state, inner.height.into());
    let lit = lit(state);
    for (y, (index, line)) in (inner.y..)
        .zip(shown.bytes.chunks(per_line).enumerate().skip(first))
        .take(inner.height.into())
    {
        let start = index * per_line;
        pen.put((inner.x, y), 6, &format!("{start:04x}"), theme.faint());
        for (column, byte) in line.iter().enumerate() {
            let here = start + column;
            let mut style = if lit.contains(&here) {
                theme
                    .of(theme::Part::Bytes)
                    .add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
            } else {
                Style::new()
            };
            if here == at && is_front {
                style = style.add_modifier(Modifier::REVERSED);
            }
            let gap = usize::from(column >= per_line / 2);
            let x = inner.x + 6 + u16::try_from(column * 3 + gap).unwrap_or_default();
            let text = HexOctet(*byte).to_string();
            pen.put((x, y), inner.right().saturating_sub(x).min(2), &text, style);
            let x = inner.x + 8 + u16::try_from(per_line * 3 + column + gap).unwrap_or_default();
            let text = match byte {
                None => '*',
                Some(byte @ 0x20..=0x7e) => char::from(*byte),
                Some(_) => '.',
            };
            if x < inner.right() {
                pen.put((x, y), 1, text.encode_utf8(&mut [0; 4]), style);
            }
        }
    }
}

/// The user selected this line: selects its first byte too, and remembers it for other frames.
pub fn line_chosen(state: &mut State) {
    let lines = visible(state);
    let path = lines.get(state.tree.at).map(|line| line.path.clone());
    state.tree_path = path.unwrap_or_default();
    keep_seen(state);
    byte_of_line(state);
}

/// Selects the first byte of the selected line.
fn byte_of_line(state: &mut State) {
    let lines = visible(state);
    let bytes = lines.get(state.tree.at).and_then(|line| line.bytes.clone());
    if let Some((pane, range)) = bytes {
        state.byte = (pane, range.start);
    }
}

/// Selects the innermost line that contains the selected byte.
fn line_of_byte(state: &mut State) {
    let (pane, at) = state.byte;
    let lines = visible(state);
    let of_byte = lines.iter().enumerate().filter_map(|(index, line)| {
        let (own, range) = line.bytes.as_ref()?;
        (*own == pane && range.contains(&at)).then_some((
            range.len(),
            std::cmp::Reverse(index),
            index,
        ))
    });
    if let Some((_, _, index)) = of_byte.min() {
        let height = layout::frames(state).details.height.saturating_sub(1);
        let len = lines.len();
        state.tree.go(index, len, height.into());
        keep_seen(state);
    }
}

/// Moves the selection to another byte.
pub fn step_byte(state: &mut State, step: isize) {
    let len = pane_len(state);
    let (pane, at) = state.byte;
    state.byte = (
        pane,
        at.saturating_add_signed(step).min(len.saturating_sub(1)),
    );
    line_of_byte(state);
}

/// Selects the byte at a position on the screen.
pub fn press_byte(state: &mut State, x: u16, y: u16) {
    let area = layout::frames(state).bytes;
    let per_line = layout::bytes_per_line(state);
    let Some(row) = y.checked_sub(area.y + 1) else {
        return;
    };
    let column = usize::from(x.saturating_sub(area.x + 6));
    let in_text = column.checked_sub(per_line * 3 + 2);
    let column = match in_text {
        Some(column) => column - usize::from(column > per_line / 2),
        None => (column - usize::from(column >= per_line / 2 * 3)) / 3,
    };
    let height = usize::from(area.height.saturating_sub(1));
    let at = (first_line(state, height) + usize::from(row)) * per_line + column.min(per_line - 1);
    if at < pane_len(state) {
        state.byte.1 = at;
        line_of_byte(state);
    }
}

/// Details of another frame have arrived: selects the line with the same labels as before.
pub fn detail_came(state: &mut State) {
    let lines = visible(state);
    let place = |is_it: &dyn Fn(&TreeLine) -> bool| lines.iter().position(|line| is_it(line));
    let same = place(&|line| line.path == state.tree_path);
    // Messages come after all layers, and each has its own fields.
    let top = lines.iter().rposition(|line| line.depth == 0);
    let last = top.filter(|top| *top > 3 && lines[*top].has_children);
    let at = same.or(last).unwrap_or_default();
    let len = lines.len();
    let height = usize::from(layout::frames(state).details.height.saturating_sub(1));
    let is_top = lines.get(at).is_some_and(|line| line.depth == 0);
    state.tree.go(at, len, height);
    if is_top {
        // Its children are visible with it.
        state.tree.top = at.min(len.saturating_sub(height));
    }
    keep_seen(state);
    state.byte = (0, 0);
    byte_of_line(state);
}

/// The text that the copy key takes.
#[must_use]
pub fn text_to_copy(state: &State) -> Option<String> {
    let detail: &FrameDetail = state.detail.ready()?;
    match state.part {
        Part::List => {
            let row = state.frame_rows.get(&state.frames.chosen()?)?;
            let width = layout::list_width(state);
            let cell = |column| cell_text(state, column, row, None);
            Some(row_text(&state.settings.frames, width, cell))
        }
        Part::Details => {
            let lines = visible(state);
            let line = lines.get(state.tree.at)?;
            Some(line.filter.clone().unwrap_or_else(|| line.text.clone()))
        }
        Part::Bytes => {
            let bytes = &detail.panes.get(state.byte.0)?.bytes;
            let lit = lit(state);
            let range = if lit.is_empty() { 0..bytes.len() } else { lit };
            let hex = bytes
                .get(range)?
                .iter()
                .map(|byte| HexOctet(*byte).to_string());
            Some(hex.collect())
        }
    }
}
