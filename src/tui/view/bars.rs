//! The first line, which says what is read and how far, and the last, which says what keys do here.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use unicode_width::UnicodeWidthStr;

use super::pen::put;
use crate::text::number::{counted, thousands};
use crate::tui::keys::{Action, Pane, TABLE};
use crate::tui::state::{State, Tab};

/// Draws both.
pub fn draw(buffer: &mut Buffer, state: &State) {
    let (columns, rows) = state.size;
    let bar = state.settings.theme.bar();
    let first = Rect::new(0, 0, columns, 1);
    buffer.set_style(first, bar);
    put(buffer, (0, 0), columns, &head(state), bar, state.charset);
    let last = Rect::new(0, rows - 1, columns, 1);
    if let Some(said) = &state.said {
        let style = if said.wrong {
            state
                .settings
                .theme
                .of(crate::tui::theme::Part::Failure)
                .add_modifier(Modifier::BOLD)
        } else {
            ratatui::style::Style::new().add_modifier(Modifier::BOLD)
        };
        put(
            buffer,
            (1, rows - 1),
            columns - 1,
            &said.text,
            style,
            state.charset,
        );
        return;
    }
    buffer.set_style(last, bar);
    let mut x = 1;
    for (key, word) in footer(state) {
        let width = u16::try_from(key.width() + word.width() + 3).unwrap_or(u16::MAX);
        if x + width > columns {
            break;
        }
        buffer.set_stringn(
            x,
            rows - 1,
            &key,
            columns.into(),
            bar.add_modifier(Modifier::BOLD),
        );
        x += u16::try_from(key.width()).unwrap_or_default() + 1;
        buffer.set_stringn(x, rows - 1, word, columns.into(), bar);
        x += u16::try_from(word.width()).unwrap_or_default() + 2;
    }
}

/// Rows that are marked in this view.
fn marked(state: &State) -> usize {
    match state.pane() {
        Pane::Frames => state.marked_frames.len(),
        _ => state.marked.len(),
    }
}

/// What is read, and how far.
fn head(state: &State) -> String {
    let progress = &state.progress;
    let mut parts = vec![format!(" {}", state.source)];
    let [exchanges, ok, no, noted] = progress.counts;
    match state.pane() {
        Pane::Exchanges => {
            parts.push(counted(exchanges, "exchange"));
            parts.push(format!("{} ok", thousands(ok)));
            parts.push(format!("{} no", thousands(no)));
            if noted > 0 {
                parts.push(format!("{} !", thousands(noted)));
            }
        }
        pane => {
            parts.push(pane.name().to_owned());
            if pane == Pane::Frames {
                parts.push(counted(progress.frames, "frame"));
            }
        }
    }
    if let Some(live) = progress.live {
        let seconds = live.running.as_secs();
        parts.push(format!("{}/s", thousands(live.rate)));
        parts.push(format!("{} dropped", thousands(live.dropped)));
        parts.push(format!("{:02}:{:02}", seconds / 60, seconds % 60));
        if progress.let_go > 0 {
            parts.push(format!("oldest {} let go", thousands(progress.let_go)));
        }
        if state.paused {
            parts.push("PAUSED".to_owned());
        }
    } else if let Some((read, total)) = progress.read.filter(|_| !progress.ended) {
        match (read * 100).checked_div(total) {
            Some(percent) => parts.push(format!("reading {percent}%")),
            None => parts.push("reading".to_owned()),
        }
    }
    if progress.spooled && !state.is_live() {
        parts.push("spooled".to_owned());
    }
    let list = if state.pane() == Pane::Frames {
        &state.frames
    } else {
        &state.exchanges
    };
    match state.tab {
        Tab::All => {}
        Tab::Failed => parts.push("failed".to_owned()),
        Tab::Noted => parts.push("noted".to_owned()),
    }
    let is_restricted = state.tab != Tab::All || state.filter.is_some();
    if is_restricted && matches!(state.pane(), Pane::Exchanges | Pane::Frames) {
        parts.push(format!("{} shown", thousands(list.shown.len() as u64)));
    }
    if let Some(filter) = &state.filter {
        let percent = filter
            .progress
            .and_then(|(at, all)| (at * 100).checked_div(all));
        // Before the text, which may be longer than the line.
        parts.push(match percent {
            Some(percent) => format!("filter {}%: {}", percent.min(100), filter.text),
            None => format!("filter: {}", filter.text),
        });
    }
    let marked = marked(state);
    if marked > 0 {
        parts.push(format!("{marked} marked"));
    }
    if state.shows_passwords {
        parts.push("PASSWORDS SHOWN".to_owned());
    }
    parts.join("  ")
}

/// The keys that matter here, those that end the view last; what does not fit is left out before them.
fn footer(state: &State) -> Vec<(String, &'static str)> {
    let pane = state.pane();
    let of = |action: Action| state.settings.keys.of(action).into_iter().next();
    let mut all: Vec<(String, &'static str)> = Vec::new();
    let mut back = None;
    let are_two = marked(state) == 2;
    for binding in TABLE
        .iter()
        .filter(|binding| !binding.word.is_empty() && binding.is_of(pane))
    {
        let live_only = matches!(binding.action, Action::Newest | Action::Pause);
        if live_only && !state.is_live() {
            continue;
        }
        let Some(key) = of(binding.action) else {
            continue;
        };
        let word = match (binding.action, pane) {
            (Action::Difference, _) if are_two => "diff of the two",
            (Action::Back, Pane::Exchanges) => "quit",
            (Action::Enter, Pane::Exchanges) => "flow",
            (Action::Enter, Pane::Ladder) => "frame",
            (Action::Ladder, Pane::Exchanges) => ladder_word(state),
            _ => binding.word,
        };
        if word.is_empty() {
            continue;
        }
        let key = match key.as_str() {
            "enter" => "Enter".to_owned(),
            "space" => "Space".to_owned(),
            "tab" => "Tab".to_owned(),
            _ => key,
        };
        if binding.action == Action::Back {
            back = Some((key, word));
        } else if binding.action == Action::Difference && are_two {
            // What two marks are for stands where it is never left out.
            all.insert(0, (key, word));
        } else {
            all.push((key, word));
        }
    }
    // The way out is always there.
    let width = |(key, word): &(String, &str)| key.width() + word.width() + 3;
    let room = usize::from(state.size.0).saturating_sub(1);
    let mut taken = back.as_ref().map_or(0, width);
    all.retain(|entry| {
        taken += width(entry);
        taken <= room
    });
    all.extend(back);
    all
}

/// With nothing marked Enter shows the flow already.
fn ladder_word(state: &State) -> &'static str {
    if state.marked.is_empty() {
        ""
    } else {
        "flow of marked"
    }
}
