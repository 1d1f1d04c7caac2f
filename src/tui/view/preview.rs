//! The selected exchange in detail: its arrows, and the fields of its messages.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::ladder;
use super::pen::{border, folded, put, side_border, working};
use crate::output::Highlight;
use crate::tui::answer::Card;
use crate::tui::state::{Pending, State};

/// Draws it below the list, or beside it.
pub fn draw(buffer: &mut Buffer, area: Rect, beside: bool, state: &State) {
    let title = state.exchange().map_or_else(String::new, |entry| {
        let [client, server] = entry.ends;
        format!("{client} {} {server}", state.sign("→", "->"))
    });
    let below = |area: Rect, rows: u16| Rect {
        y: area.y + rows.min(area.height),
        height: area.height.saturating_sub(rows),
        ..area
    };
    let inner = if beside {
        let inner = side_border(buffer, area, state);
        let style = state.settings.theme.title();
        put(
            buffer,
            (inner.x, inner.y),
            inner.width,
            &title,
            style,
            state.charset,
        );
        below(inner, 1)
    } else {
        border(buffer, area, &title, false, state);
        below(area, 1)
    };
    let preview = match &state.preview {
        Pending::Ready(preview) => preview,
        Pending::Running => return working(buffer, inner, state),
        Pending::NotAsked => return,
    };
    if beside {
        let rows = u16::try_from(preview.steps.len() + 1).unwrap_or(u16::MAX);
        let rows = rows.min(inner.height / 2);
        let steps = Rect {
            height: rows,
            ..inner
        };
        ladder::arrows(buffer, steps, &preview.steps, state);
        cards(buffer, below(inner, rows + 1), &preview.cards, state);
        return;
    }
    let left = (area.width / 2).min(60);
    let steps = Rect {
        width: left,
        ..inner
    };
    ladder::arrows(buffer, steps, &preview.steps, state);
    let right = Rect {
        x: left,
        width: area.width - left,
        ..inner
    };
    let right = side_border(buffer, right, state);
    cards(buffer, right, &preview.cards, state);
}

/// Width of a field's bytes, and of the space after them.
const BYTES: u16 = 8;

fn cards(buffer: &mut Buffer, area: Rect, cards: &[Card], state: &State) {
    let theme = &state.settings.theme;
    let mut y = area.y;
    for card in cards {
        if y >= area.bottom() {
            return;
        }
        let title = format!("{}, frame {}", card.title, card.frame);
        let style = theme.highlight(card.highlight).add_modifier(Modifier::BOLD);
        put(
            buffer,
            (area.x, y),
            area.width,
            &title,
            style,
            state.charset,
        );
        y += 1;
        for (range, text, highlight) in &card.fields {
            let room = area.width.saturating_sub(BYTES);
            let rows = match highlight {
                Highlight::Plain => vec![text.clone()],
                _ => folded("", text, 2, room.into()),
            };
            for (at, row) in rows.iter().enumerate() {
                if y >= area.bottom() {
                    return;
                }
                if at == 0 {
                    let (range, faint) = (format!("{range:>6}"), theme.faint());
                    put(buffer, (area.x, y), BYTES, &range, faint, state.charset);
                }
                let style = theme.highlight(*highlight);
                put(buffer, (area.x + BYTES, y), room, row, style, state.charset);
                y += 1;
            }
        }
    }
}
