//! The mouse: a click selects, or sorts by the column whose title is clicked; the wheel scrolls; borders can be
//! dragged.

use ratatui::layout::Rect;

use crate::tui::columns::ExchangeColumn;
use crate::tui::dialog;
use crate::tui::keys::Pane;
use crate::tui::layout;
use crate::tui::state::{Border, Command, Mouse, Part, State};
use crate::tui::view;

/// Rows that a step of the wheel moves.
const WHEEL: isize = 3;

/// Handles a mouse event.
pub fn update(state: &mut State, mouse: Mouse, x: u16, y: u16) -> Vec<Command> {
    if state.dialog.is_some() {
        return Vec::new();
    }
    match mouse {
        Mouse::Wheel(steps) => {
            if state.pane() == Pane::Frames {
                state.part = part_at(state, x, y).unwrap_or(state.part);
            }
            super::moving::step(state, isize::from(steps) * WHEEL);
        }
        Mouse::Press => {
            state.drags = border_at(state, x, y);
            if let Some(column) = title_at(state, x, y) {
                return dialog::sort_by(state, Some(column));
            }
            if state.drags.is_none() {
                press(state, x, y);
            }
        }
        Mouse::Drag => drag(state, x, y),
        Mouse::Release => state.drags = None,
    }
    Vec::new()
}

fn part_at(state: &State, x: u16, y: u16) -> Option<Part> {
    let areas = layout::frames(state);
    let is_in = |area: Rect| area.contains((x, y).into());
    let all = [
        (areas.list, Part::List),
        (areas.details, Part::Details),
        (areas.bytes, Part::Bytes),
    ];
    all.into_iter()
        .find(|(area, _)| is_in(*area))
        .map(|(_, part)| part)
}

/// The column of exchanges whose title is at this place: a click on it sorts by it.
fn title_at(state: &State, x: u16, y: u16) -> Option<ExchangeColumn> {
    let list = layout::exchanges(state).list;
    let is_title = state.pane() == Pane::Exchanges && y == list.y && list.contains((x, y).into());
    is_title.then(|| view::exchanges::column_at(state, x))?
}

/// The border at this place.
fn border_at(state: &State, x: u16, y: u16) -> Option<Border> {
    let on = |area: Rect, beside: bool| match beside {
        true if x == area.x && area.contains((x, y).into()) => Some(Border::Right),
        false if y == area.y => Some(Border::Lower),
        _ => None,
    };
    match state.pane() {
        Pane::Exchanges => {
            let areas = layout::exchanges(state);
            on(areas.preview?, areas.beside)
        }
        Pane::Ladder => {
            let areas = layout::ladder(state);
            on(areas.message?, areas.beside)
        }
        Pane::Frames => {
            let areas = layout::frames(state);
            let is_beside = areas.bytes.y == areas.details.y;
            on(areas.details, false).or_else(|| on(areas.bytes, true).filter(|_| is_beside))
        }
        _ => None,
    }
}

fn press(state: &mut State, x: u16, y: u16) {
    match state.pane() {
        Pane::Exchanges => {
            let areas = layout::exchanges(state);
            if areas.list.contains((x, y).into()) && y > areas.list.y {
                let at = state.exchanges.top + usize::from(y - areas.list.y - 1);
                state.exchanges.follows = false;
                state.exchanges.go(at);
            }
        }
        Pane::Frames => {
            let areas = layout::frames(state);
            let Some(part) = part_at(state, x, y) else {
                return;
            };
            state.part = part;
            match part {
                Part::List if y > areas.list.y => {
                    let at = state.frames.top + usize::from(y - areas.list.y - 1);
                    state.frames.follows = false;
                    state.frames.go(at);
                }
                Part::Details if y > areas.details.y => {
                    let row = usize::from(y - areas.details.y - 1);
                    if let Some(at) = view::frames::line_in_row(state, row) {
                        let chosen = state.tree.at == at;
                        state.tree.at = at;
                        view::frames::line_chosen(state);
                        if chosen {
                            super::moving::turn(state);
                        }
                    }
                }
                Part::Bytes => view::frames::press_byte(state, x, y),
                _ => {}
            }
        }
        Pane::Ladder => {
            let area = layout::ladder(state).steps;
            if y >= area.y + 2 && area.contains((x, y).into()) {
                let at = state.step.top + usize::from(y - area.y - 2);
                let len = view::lines(state);
                state.step.at = at.min(len.saturating_sub(1));
            }
        }
        Pane::Statistics => {
            let len = view::lines(state);
            let at = state.statistics_at.top + usize::from(y.saturating_sub(2));
            state.statistics_at.at = at.min(len.saturating_sub(1));
        }
        _ => {}
    }
}

fn drag(state: &mut State, x: u16, y: u16) {
    let (columns, rows) = state.size;
    match state.drags {
        Some(Border::Lower) => {
            let lower = rows.saturating_sub(1).saturating_sub(y);
            state.split = Some(lower.clamp(3, rows.saturating_sub(6).max(3)));
        }
        Some(Border::Right) => state.side = Some(columns.saturating_sub(x)),
        None => {}
    }
}
