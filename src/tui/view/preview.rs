//! The selected exchange in detail: its arrows, and the fields of its messages.

use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::ladder;
use super::pen::{Pen, below, folded};
use crate::output::Highlight;
use crate::tui::answer::Card;
use crate::tui::state::Pending;

/// Draws it below the list, or beside it.
pub fn draw(pen: &mut Pen<'_>, area: Rect, beside: bool) {
    let state = pen.state;
    let title = state.exchange().map_or_else(String::new, |entry| {
        let [client, server] = entry.ends;
        format!("{client} {} {server}", state.sign("→", "->"))
    });
    let inner = if beside {
        let inner = pen.side_border(area);
        let style = state.settings.theme.title();
        pen.put((inner.x, inner.y), inner.width, &title, style);
        below(inner, 1)
    } else {
        pen.border(area, &title, false)
    };
    let preview = match &state.preview {
        Pending::Ready(preview) => preview,
        Pending::Running => return pen.working(inner),
        Pending::NotAsked => return,
    };
    if beside {
        let rows = u16::try_from(preview.steps.len() + 1).unwrap_or(u16::MAX);
        let rows = rows.min(inner.height / 2);
        let steps = Rect {
            height: rows,
            ..inner
        };
        ladder::arrows(pen, steps, &preview.steps);
        cards(pen, below(inner, rows + 1), &preview.cards);
        return;
    }
    let left = (area.width / 2).min(60);
    let steps = Rect {
        width: left,
        ..inner
    };
    ladder::arrows(pen, steps, &preview.steps);
    let right = Rect {
        x: left,
        width: area.width - left,
        ..inner
    };
    let right = pen.side_border(right);
    cards(pen, right, &preview.cards);
}

/// Width of a field's bytes, and of the space after them.
const BYTES: u16 = 8;

fn cards(pen: &mut Pen<'_>, area: Rect, cards: &[Card]) {
    let state = pen.state;
    let theme = &state.settings.theme;
    let mut y = area.y;
    for card in cards {
        if y >= area.bottom() {
            return;
        }
        let title = format!("{}, frame {}", card.title, card.frame);
        let style = theme.highlight(card.highlight).add_modifier(Modifier::BOLD);
        pen.put((area.x, y), area.width, &title, style);
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
                    pen.put((area.x, y), BYTES, &range, faint);
                }
                let style = theme.highlight(*highlight);
                pen.put((area.x + BYTES, y), room, row, style);
                y += 1;
            }
        }
    }
}
