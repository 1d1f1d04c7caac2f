//! Turns an event into the next state and the commands to run. Nothing is read, written or awaited here.

mod answers;
mod marking;
mod mouse;
mod moving;
mod opening;
#[cfg(test)]
mod tests;

use super::answer::Question;
use super::dialog::{self, ColumnsDialog, Dialog, FilterDialog, SaveDialog};
use super::input::Input;
use super::keys::{self, Action, Key, Pane};
use super::state::{Command, Event, Pending, Progress, State, Tab};
use crate::output::TimeFormat;
use marking::{mark, mark_all};
use opening::{back, difference, enter, explain, follow, frames, ladder, leave, open};

pub use moving::go_to_frame;

/// Handles an event.
pub fn update(state: &mut State, event: Event) -> Vec<Command> {
    let before = seen(state);
    let mut commands = match event {
        Event::Key(key) => on_key(state, key),
        Event::Paste(text) => {
            let keys = text.chars().filter(|one| !one.is_control());
            let code = |one| ratatui::crossterm::event::KeyCode::Char(one);
            match state.dialog {
                Some(_) => keys
                    .flat_map(|one| {
                        on_key(
                            state,
                            Key {
                                code: code(one),
                                ctrl: false,
                            },
                        )
                    })
                    .collect(),
                None => Vec::new(),
            }
        }
        Event::Mouse(mouse, x, y) => mouse::update(state, mouse, x, y),
        Event::Resize(columns, rows) => {
            state.size = (columns, rows);
            again(state)
        }
        Event::Progress(progress) => on_progress(state, progress),
        Event::Exchanges(more, kept) => {
            state.marked.retain(|number| *number >= kept.start);
            let is_kept = |number: &u64, _: &mut u32| *number >= kept.start;
            state.marked_streams.retain(is_kept);
            state.exchanges.grow(&more, kept);
            Vec::new()
        }
        Event::Frames(more, kept) => {
            state.marked_frames.retain(|number| *number >= kept.start);
            state.frames.grow(&more, kept);
            Vec::new()
        }
        Event::ShowExchanges(shown) => {
            state.exchanges.show(shown);
            Vec::new()
        }
        Event::ShowFrames(shown) => {
            state.frames.show(shown);
            Vec::new()
        }
        Event::Found(Some(number)) => {
            match state.pane() {
                Pane::Frames => state.frames.go_to(number),
                _ => state.exchanges.go_to(number),
            };
            Vec::new()
        }
        Event::Found(None) => {
            state.say("there is no further failure or note");
            Vec::new()
        }
        Event::Filtering(progress) => {
            if let Some(filter) = &mut state.filter {
                filter.progress = progress;
            }
            Vec::new()
        }
        Event::Reading(percent) => {
            state.reading = percent;
            Vec::new()
        }
        Event::Answer(answer) => answers::update(state, answer),
    };
    super::layout::fit(state);
    commands.extend(wanted(state, before));
    commands
}

/// What is shown besides lists: the view, and the selected exchange, frame and step.
fn seen(state: &State) -> [Option<u64>; 3] {
    let step = state
        .flow
        .ready()
        .and_then(|flow| flow.steps.get(state.step.at));
    [
        state.exchanges.chosen(),
        state.frames.chosen(),
        step.map(|step| step.frame),
    ]
}

/// Asks for shown content that has not been computed.
fn wanted(state: &mut State, before: [Option<u64>; 3]) -> Vec<Command> {
    let mut commands = Vec::new();
    let [exchange, frame, step] = seen(state);
    let ask = |question| Command::Ask(question);
    match state.pane() {
        Pane::Exchanges => {
            let is_missing = matches!(state.preview, Pending::NotAsked) || exchange != before[0];
            if exchange.is_none() {
                state.preview = Pending::NotAsked;
            }
            if let Some(exchange) = exchange.filter(|_| is_missing) {
                state.preview = Pending::Running;
                commands.push(ask(Question::Preview(exchange)));
            }
        }
        Pane::Frames => {
            let missing: Vec<u64> = state
                .frames
                .seen()
                .filter(|frame| !state.frame_rows.contains_key(frame))
                .collect();
            // Asking again would restart the computation, so a long one would never finish.
            let are_asked = missing.iter().all(|one| state.rows_asked.contains(one));
            if !are_asked {
                state.rows_asked.clone_from(&missing);
                commands.push(ask(Question::Rows(missing)));
            }
            let is_missing = matches!(state.detail, Pending::NotAsked) || frame != before[1];
            if frame.is_none() {
                state.detail = Pending::NotAsked;
            }
            if let Some(frame) = frame.filter(|_| is_missing) {
                state.detail = Pending::Running;
                commands.push(ask(Question::Frame(frame)));
            }
        }
        Pane::Ladder => {
            let is_missing = matches!(state.step_detail, Pending::NotAsked) || step != before[2];
            if let Some(frame) = step.filter(|_| is_missing) {
                state.step_detail = Pending::Running;
                commands.push(ask(Question::Step(frame)));
            }
        }
        _ => {}
    }
    commands
}

fn on_progress(state: &mut State, progress: Progress) -> Vec<Command> {
    let has_more =
        progress.counts != state.progress.counts || progress.ended != state.progress.ended;
    state.progress = progress;
    // Statistics are updated while they are shown.
    if has_more && state.pane() == Pane::Statistics && !state.paused {
        return vec![Command::Ask(Question::Statistics(state.size.0))];
    }
    Vec::new()
}

fn on_key(state: &mut State, key: Key) -> Vec<Command> {
    if let Some(dialog) = state.dialog.take() {
        return dialog::key(state, dialog, key);
    }
    state.status = None;
    let Some(action) = state.settings.keys.action(key) else {
        return Vec::new();
    };
    if let Some(where_it_does) = keys::elsewhere(action, state.pane()) {
        state.say(format!("{key} works in {where_it_does}"));
        return Vec::new();
    }
    act(state, action)
}

/// Executes the action of a key.
fn act(state: &mut State, action: Action) -> Vec<Command> {
    if moving::act(state, action) {
        return Vec::new();
    }
    match action {
        Action::Quit => state.ends = true,
        Action::Back => return back(state),
        Action::Leave => return leave(state),
        Action::Enter => return enter(state),
        Action::Help => state.dialog = Some(Dialog::Help(Input::default(), 0)),
        Action::Filter => {
            let text = state.filter.as_ref().map(|filter| filter.text.clone());
            let dialog = FilterDialog::new(&text.unwrap_or_default(), state);
            state.dialog = Some(Dialog::Filter(dialog));
        }
        Action::GoTo => state.dialog = Some(Dialog::GoTo(Input::default())),
        Action::All => return show(state, Tab::All),
        Action::Failed => return show(state, Tab::Failed),
        Action::Noted => return show(state, Tab::Noted),
        Action::Next => return vec![Command::Find(true)],
        Action::Previous => return vec![Command::Find(false)],
        Action::Mark => mark(state),
        Action::MarkAll => mark_all(state),
        Action::Difference => return difference(state),
        Action::Frames => return frames(state),
        Action::Follow => return follow(state),
        Action::Ladder => return ladder(state),
        Action::Statistics => {
            open(state, Pane::Statistics);
            state.statistics = Pending::Running;
            return vec![Command::Ask(Question::Statistics(state.size.0))];
        }
        Action::Explain => return explain(state),
        Action::Columns => state.dialog = ColumnsDialog::new(state).map(Dialog::Columns),
        Action::Sort => state.dialog = Some(Dialog::Sort(0)),
        Action::Save => state.dialog = Some(Dialog::Save(SaveDialog::new(state))),
        Action::Copy => return copy(state),
        Action::Time => {
            state.time = next_time(state.time);
            return again(state);
        }
        Action::Passwords if state.shows_passwords => return show_passwords(state, false),
        Action::Passwords => state.dialog = Some(Dialog::Passwords),
        Action::Newest => {
            state.paused = false;
            state.exchanges.newest();
            state.frames.newest();
        }
        Action::Pause if state.is_live() => {
            state.paused = !state.paused;
            state.say(if state.paused {
                "paused: capturing goes on"
            } else {
                "goes on"
            });
        }
        Action::Clear if state.is_live() => {
            state.marked.clear();
            state.marked_streams.clear();
            state.marked_frames.clear();
            state.frame_rows.clear();
            state.rows_asked.clear();
            return vec![Command::Clear];
        }
        Action::Pause | Action::Clear => state.say("this is for live captures"),
        Action::Redraw => return vec![Command::Redraw],
        _ => {}
    }
    Vec::new()
}

const fn next_time(time: TimeFormat) -> TimeFormat {
    match time {
        TimeFormat::Relative => TimeFormat::Delta,
        TimeFormat::Delta => TimeFormat::Absolute,
        TimeFormat::Absolute => TimeFormat::Utc,
        TimeFormat::Utc => TimeFormat::Epoch,
        TimeFormat::Epoch => TimeFormat::Relative,
    }
}

/// Computes the open views again, because they must look different.
fn again(state: &mut State) -> Vec<Command> {
    state.frame_rows.clear();
    state.rows_asked.clear();
    state.preview = Pending::NotAsked;
    state.detail = Pending::NotAsked;
    state.step_detail = Pending::NotAsked;
    let mut commands = Vec::new();
    if let Some(flow) = state.flow.ready() {
        let streams = flow.streams.iter().map(|(stream, _)| *stream).collect();
        commands.push(Command::Ask(Question::Flow(streams)));
    }
    if let Some(follow) = state.follow.ready() {
        commands.push(Command::Ask(Question::Follow(
            follow.stream,
            follow.as_bytes,
        )));
    }
    if let Some(explained) = state.explained.ready() {
        commands.push(Command::Ask(Question::Explain(explained.stream)));
    }
    if state.statistics.ready().is_some() {
        commands.push(Command::Ask(Question::Statistics(state.size.0)));
    }
    commands
}

/// Shows passwords, or hides them.
pub fn show_passwords(state: &mut State, shows: bool) -> Vec<Command> {
    state.shows_passwords = shows;
    state.say(if shows {
        "passwords are shown; p hides them"
    } else {
        "passwords are hidden"
    });
    // A comparison that was made with passwords shown contains them.
    if state.pane() == Pane::Difference {
        state.views.pop();
    }
    state.differences = Pending::NotAsked;
    again(state)
}

fn show(state: &mut State, tab: Tab) -> Vec<Command> {
    state.tab = tab;
    vec![Command::Arrange]
}

fn copy(state: &mut State) -> Vec<Command> {
    let Some(text) = super::view::text_to_copy(state) else {
        state.say("there is nothing to copy here");
        return Vec::new();
    };
    let count = text.lines().count();
    let what = if count == 1 {
        "a line".to_owned()
    } else {
        format!("{count} lines")
    };
    state.say(format!("copied {what}"));
    vec![Command::Copy(text)]
}
