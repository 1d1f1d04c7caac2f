//! Draws the first line, with the source and its progress, and the last line, with the keys of the view.

use ratatui::layout::Rect;
use ratatui::style::Modifier;
use unicode_width::UnicodeWidthStr;

use super::pen::Pen;
use crate::text::number::{counted, thousands};
use crate::tui::keys::{Action, Pane, TABLE};
use crate::tui::state::{State, Tab};

/// Draws both.
pub fn draw(pen: &mut Pen<'_>) {
    let state = pen.state;
    let (columns, rows) = state.size;
    let bar = state.settings.theme.bar();
    let first = Rect::new(0, 0, columns, 1);
    pen.buffer.set_style(first, bar);
    pen.put((0, 0), columns, &head(state), bar);
    let last = Rect::new(0, rows - 1, columns, 1);
    if let Some(said) = &state.status {
        let style = if said.wrong {
            state
                .settings
                .theme
                .of(crate::tui::theme::Part::Failure)
                .add_modifier(Modifier::BOLD)
        } else {
            ratatui::style::Style::new().add_modifier(Modifier::BOLD)
        };
        pen.put((1, rows - 1), columns - 1, &said.text, style);
        return;
    }
    pen.buffer.set_style(last, bar);
    let mut x = 1;
    for (key, word) in footer(state) {
        let width = u16::try_from(key.width() + word.width() + 3).unwrap_or(u16::MAX);
        if x + width > columns {
            break;
        }
        pen.buffer.set_stringn(
            x,
            rows - 1,
            &key,
            columns.into(),
            bar.add_modifier(Modifier::BOLD),
        );
        x += u16::try_from(key.width()).unwrap_or_default() + 1;
        pen.buffer
            .set_stringn(x, rows - 1, word, columns.into(), bar);
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

/// How important a part of the first line is: if there is not enough room, the least important parts are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Matters {
    /// It is always there.
    Always,
    /// What the view shows.
    Much,
    /// What goes on.
    Some,
    /// What can be left out first.
    Little,
}

/// The source and its progress.
fn head(state: &State) -> String {
    let mut parts = vec![(Matters::Always, format!(" {}", state.source))];
    counts(state, &mut parts);
    going_on(state, &mut parts);
    match state.tab {
        Tab::All => {}
        Tab::Failed => parts.push((Matters::Always, "failed".to_owned())),
        Tab::Noted => parts.push((Matters::Always, "noted".to_owned())),
    }
    let list = if state.pane() == Pane::Frames {
        &state.frames
    } else {
        &state.exchanges
    };
    let is_restricted = state.tab != Tab::All || state.filter.is_some();
    if is_restricted && matches!(state.pane(), Pane::Exchanges | Pane::Frames) {
        let shown = thousands(list.shown.len() as u64);
        parts.push((Matters::Much, format!("{shown} shown")));
    }
    if let Some(filter) = &state.filter {
        let percent = filter
            .progress
            .and_then(|(at, all)| (at * 100).checked_div(all));
        // Before the text, which may be longer than the line.
        let text = match percent {
            Some(percent) => format!("filter {}%: {}", percent.min(100), filter.text),
            None => format!("filter: {}", filter.text),
        };
        parts.push((Matters::Always, text));
    }
    let marked = marked(state);
    if marked > 0 {
        parts.push((Matters::Always, format!("{marked} marked")));
    }
    if state.shows_passwords {
        parts.push((Matters::Always, "PASSWORDS SHOWN".to_owned()));
    }
    leave_out(&mut parts, state.size.0.into());
    let parts: Vec<String> = parts.into_iter().map(|(_, text)| text).collect();
    parts.join("  ")
}

/// Leaves out the least important parts, from the right, until the rest fits.
fn leave_out(parts: &mut Vec<(Matters, String)>, columns: usize) {
    let width = |parts: &[(Matters, String)]| {
        let each = parts.iter().map(|(_, text)| text.width() + 2);
        each.sum::<usize>().saturating_sub(2)
    };
    while width(parts) > columns {
        let least = parts.iter().map(|(matters, _)| *matters).max();
        let least = least.filter(|least| *least != Matters::Always);
        let Some(at) = parts.iter().rposition(|(one, _)| Some(*one) == least) else {
            return;
        };
        parts.remove(at);
    }
}

/// What the view shows, and how many.
fn counts(state: &State, parts: &mut Vec<(Matters, String)>) {
    let [exchanges, ok, no, noted] = state.progress.counts;
    match state.pane() {
        Pane::Exchanges => {
            parts.push((Matters::Much, counted(exchanges, "exchange")));
            parts.push((Matters::Some, format!("{} ok", thousands(ok))));
            parts.push((Matters::Some, format!("{} no", thousands(no))));
            if noted > 0 {
                parts.push((Matters::Some, format!("{} !", thousands(noted))));
            }
        }
        pane => {
            parts.push((Matters::Much, pane.name().to_owned()));
            if pane == Pane::Frames {
                let frames = counted(state.progress.frames, "frame");
                parts.push((Matters::Much, frames));
            }
        }
    }
}

/// The progress of reading or capturing.
fn going_on(state: &State, parts: &mut Vec<(Matters, String)>) {
    let progress = &state.progress;
    if let Some(live) = progress.live {
        let seconds = live.running.as_secs();
        let dropped = match live.dropped {
            0 => Matters::Little,
            _ => Matters::Much,
        };
        parts.push((Matters::Little, format!("{}/s", thousands(live.rate))));
        parts.push((dropped, format!("{} dropped", thousands(live.dropped))));
        parts.push((Matters::Little, time_running(seconds)));
        if progress.discarded > 0 {
            let gone = thousands(progress.discarded);
            parts.push((Matters::Some, format!("oldest {gone} dropped")));
        }
        if state.paused {
            parts.push((Matters::Always, "PAUSED".to_owned()));
        }
    } else if let Some((read, total)) = progress.read.filter(|_| !progress.ended) {
        let text = match (read * 100).checked_div(total) {
            Some(percent) => format!("reading {percent}%"),
            None => "reading".to_owned(),
        };
        parts.push((Matters::Much, text));
    }
    if progress.spooled && !state.is_live() {
        parts.push((Matters::Little, "spooled".to_owned()));
    }
}

/// Minutes and seconds, and hours if needed.
fn time_running(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes:02}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// The keys of this view, those that leave it last; keys that do not fit are left out before these.
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
            // The key for two marked rows comes first, so that it is never left out.
            all.insert(0, (key, word));
        } else {
            all.push((key, word));
        }
    }
    // The key that leaves the view is always shown.
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::tui::state::{Filtered, Live, Progress};

    #[test]
    fn what_matters_stays_in_the_first_line() {
        let mut state = State {
            size: (80, 24),
            source: "live lo :8888".to_owned(),
            views: vec![Pane::Exchanges],
            progress: Progress {
                frames: 1_234_567,
                discarded: 234_567,
                counts: [123_456, 100_000, 23_456, 78],
                live: Some(Live {
                    rate: 12_345,
                    dropped: 0,
                    running: Duration::from_secs(2 * 3600 + 61),
                    ring: 1_000_000,
                }),
                ..Progress::default()
            },
            ..State::default()
        };
        let all = " live lo :8888  123,456 exchanges  100,000 ok  23,456 no  78 !  12,345/s  0 dropped  \
                   2:01:01  oldest 234,567 dropped";
        state.size.0 = u16::try_from(all.len()).unwrap();
        assert_eq!(head(&state), all);
        state.size.0 = 80;
        let short = " live lo :8888  123,456 exchanges  100,000 ok  23,456 no  78 !";
        assert_eq!(head(&state), short);
        state.paused = true;
        state.shows_passwords = true;
        state.filter = Some(Filtered {
            text: "tcp".to_owned(),
            progress: None,
        });
        let expected =
            " live lo :8888  123,456 exchanges  PAUSED  0 shown  filter: tcp  PASSWORDS SHOWN";
        assert_eq!(head(&state), expected);
        if let Some(live) = &mut state.progress.live {
            live.dropped = 5;
        }
        let expected =
            " live lo :8888  123,456 exchanges  5 dropped  PAUSED  filter: tcp  PASSWORDS SHOWN";
        state.size.0 = u16::try_from(expected.len()).unwrap();
        assert_eq!(head(&state), expected);
    }
}
