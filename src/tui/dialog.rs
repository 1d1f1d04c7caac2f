//! Dialogs in front of a view, and what keys do there.

use std::path::PathBuf;

use ratatui::crossterm::event::KeyCode;

use super::answer::{Chosen, Question, Save, SaveForm};
use super::columns::{ExchangeColumn, Offered, SIGNS};
use super::input::Input;
use super::keys::{Key, Pane};
use super::layout;
use super::recording::Numbers;
use super::state::{Command, State};
use crate::filter::{Completion, Filter, FilterError, FilterOptions, complete};

/// A dialog.
#[derive(Debug, Clone)]
pub enum Dialog {
    /// A filter is typed.
    Filter(FilterDialog),
    /// A frame's number is typed.
    GoTo(Input),
    /// Whether passwords are to be shown.
    Passwords,
    /// What is saved, as what, and where.
    Save(SaveDialog),
    /// Which columns there are, and in which order.
    Columns(ColumnsDialog),
    /// The column to sort by.
    Sort(usize),
    /// The keys that match these words, and how far the list is scrolled.
    Help(Input, usize),
}

/// A filter that is typed.
#[derive(Debug, Clone, Default)]
pub struct FilterDialog {
    /// Its text.
    pub input: Input,
    /// What is wrong with it so far.
    pub error: Option<FilterError>,
    /// Candidates for completion at the cursor.
    pub completion: Completion,
    /// The candidate that Tab has inserted.
    pub taken: Option<usize>,
}

impl FilterDialog {
    /// Begins with the filter in use.
    #[must_use]
    pub fn new(text: &str, state: &State) -> Self {
        let mut dialog = Self {
            input: Input::new(text),
            ..Self::default()
        };
        dialog.changed(state);
        dialog
    }

    fn changed(&mut self, state: &State) {
        let text = self.input.text();
        let options = FilterOptions {
            show_passwords: state.shows_passwords,
        };
        self.error = if text.trim().is_empty() {
            None
        } else {
            Filter::parse(text, options).err()
        };
        let known = |name: &str| match name {
            "reglogin.user" | "reglogin.username" => state.users.clone(),
            _ => Vec::new(),
        };
        self.completion = complete(text, self.input.at(), known);
        self.taken = None;
    }

    /// Inserts the next candidate.
    fn take(&mut self, state: &State, step: isize) {
        let count = self.completion.candidates.len();
        if count == 0 {
            return;
        }
        let next = match self.taken {
            None if step > 0 => 0,
            None => count - 1,
            Some(taken) => {
                taken
                    .wrapping_add_signed(step)
                    .min(count - 1 + usize::from(taken + 1 == count))
                    % count
            }
        };
        let candidate = self.completion.candidates[next].clone();
        self.input
            .replace(self.completion.place.clone(), &candidate);
        let Completion { place, candidates } = std::mem::take(&mut self.completion);
        self.changed(state);
        self.completion = Completion {
            place: place.start..place.start + candidate.len(),
            candidates,
        };
        self.taken = Some(next);
    }
}

/// What is saved, as what, and where.
#[derive(Debug, Clone)]
pub struct SaveDialog {
    /// Which frames: all, shown, marked.
    pub chosen: usize,
    /// As what.
    pub form: SaveForm,
    /// Whether passwords are replaced by asterisks.
    pub redact: bool,
    /// Where.
    pub path: Input,
    /// The line with the focus: what, format, redacted, path.
    pub line: usize,
    /// The existing file, if Enter must be pressed again to replace it.
    pub replaces: Option<String>,
}

/// The words for what is saved.
pub const WHAT: [&str; 3] = ["all", "what is shown", "what is marked"];

impl SaveDialog {
    fn named(form: SaveForm) -> Input {
        Input::new(format!("authscope.{}", form.name()))
    }

    /// Begins with suitable defaults.
    #[must_use]
    pub fn new(state: &State) -> Self {
        let any_marked = !state.marked.is_empty() || !state.marked_frames.is_empty();
        let form = if state.pane() == Pane::Ladder {
            SaveForm::Svg
        } else {
            SaveForm::Pcapng
        };
        Self {
            chosen: if any_marked { 2 } else { 1 },
            form,
            redact: !state.shows_passwords,
            path: Self::named(form),
            line: 3,
            replaces: None,
        }
    }

    fn turn(&mut self, step: isize) {
        self.replaces = None;
        let turned = |at: usize, count: usize| (at + count).wrapping_add_signed(step) % count;
        match self.line {
            0 => self.chosen = turned(self.chosen, WHAT.len()),
            1 => {
                let is_own = self.path == Self::named(self.form);
                let all = SaveForm::ALL;
                self.form = all[turned(self.form as usize, all.len())];
                if is_own {
                    self.path = Self::named(self.form);
                }
            }
            _ => self.redact = !self.redact,
        }
    }

    fn wanted(&self, state: &State) -> Save {
        let pane = state.pane();
        let chosen = match (pane, &state.flow) {
            (Pane::Ladder, super::state::Pending::Ready(flow)) => {
                Chosen::Streams(flow.streams.iter().map(|(stream, _)| *stream).collect())
            }
            _ => of_lists(state, self.chosen, pane),
        };
        Save {
            path: PathBuf::from(self.path.text()),
            chosen,
            form: self.form,
            redact: self.redact,
            replaces: self.replaces.as_deref() == Some(self.path.text()),
            as_exchanges: pane != Pane::Frames,
        }
    }
}

fn of_lists(state: &State, what: usize, pane: Pane) -> Chosen {
    let all = |list: &super::shown::List| {
        (0..list.shown.len())
            .filter_map(|at| list.shown.get(at))
            .collect::<Numbers>()
    };
    let is_all = state.filter.is_none() && state.tab == super::state::Tab::All;
    match (what, pane) {
        (0, _) => Chosen::All,
        (1, _) if is_all => Chosen::All,
        (1, Pane::Frames) => Chosen::Frames(all(&state.frames)),
        (1, _) => Chosen::Exchanges(all(&state.exchanges)),
        (_, Pane::Frames) => Chosen::Frames(state.marked_frames.iter().copied().collect()),
        _ => Chosen::Exchanges(state.marked.iter().copied().collect()),
    }
}

/// Which columns a list has, and in which order.
#[derive(Debug, Clone)]
pub struct ColumnsDialog {
    /// The view whose list it is.
    pub pane: Pane,
    /// All columns.
    pub all: Vec<Offered>,
    /// The chosen one.
    pub at: usize,
}

impl ColumnsDialog {
    /// Begins with the columns of the view in front, where they can be chosen.
    #[must_use]
    pub fn new(state: &State) -> Option<Self> {
        let pane = state.pane();
        let columns = state.settings.columns(pane)?;
        Some(Self {
            pane,
            all: columns.offered(layout::list_width(state)),
            at: 0,
        })
    }

    /// Whether the shown columns need more room than the list has.
    #[must_use]
    pub fn is_wide(&self, state: &State) -> bool {
        let shown = self.all.iter().filter(|one| one.shown);
        let needed: u16 = shown.map(|one| one.least + 1).sum();
        needed + SIGNS > layout::list_width(state) + 1
    }

    fn shift(&mut self, step: isize) {
        let to = self.at.saturating_add_signed(step).min(self.all.len() - 1);
        self.all.swap(self.at, to);
        self.at = to;
    }

    /// Shows the columns as they were chosen.
    fn take(&self, state: &mut State) -> Vec<Command> {
        let shown = self.all.iter().filter(|one| one.shown);
        let names: Vec<&str> = shown.map(|one| one.name).collect();
        if names.is_empty() {
            state.complain("at least one column has to be shown");
            return Vec::new();
        }
        let columns = state.settings.columns_mut(self.pane);
        if let Some(Err(why)) = columns.map(|columns| columns.choose(&names)) {
            state.complain(why);
        }
        vec![Command::SaveColumns(self.pane)]
    }
}

/// Handles a key in the dialog in front. Returns the commands to run.
pub fn key(state: &mut State, mut dialog: Dialog, key: Key) -> Vec<Command> {
    let code = key.code;
    if matches!(code, KeyCode::Esc) || key.ctrl && code == KeyCode::Char('c') {
        return Vec::new();
    }
    let enters = code == KeyCode::Enter;
    match &mut dialog {
        Dialog::Filter(filter) => {
            if enters {
                return apply(state, dialog);
            }
            match code {
                KeyCode::Tab | KeyCode::Down => filter.take(state, 1),
                KeyCode::BackTab | KeyCode::Up => filter.take(state, -1),
                _ => {
                    if filter.input.key(key) {
                        filter.changed(state);
                    }
                }
            }
        }
        Dialog::GoTo(input) if enters => {
            let text = input.text().trim().replace(',', "");
            match text.parse() {
                Ok(frame) => super::update::go_to_frame(state, frame),
                Err(_) => state.complain(format!("{text:?} is no frame number")),
            }
            return Vec::new();
        }
        Dialog::GoTo(input) => {
            input.key(key);
        }
        Dialog::Passwords => {
            if matches!(code, KeyCode::Char('y' | 'Y')) {
                return super::update::show_passwords(state, true);
            }
            return Vec::new();
        }
        Dialog::Save(save) => return save_key(state, save.clone(), key),
        Dialog::Columns(columns) => match code {
            KeyCode::Up | KeyCode::Char('k') => columns.at = columns.at.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => {
                columns.at = (columns.at + 1).min(columns.all.len() - 1);
            }
            KeyCode::Char(' ') => {
                let one = &mut columns.all[columns.at];
                one.shown = !one.shown;
            }
            KeyCode::Left | KeyCode::Char('h' | 'K') => columns.shift(-1),
            KeyCode::Right | KeyCode::Char('l' | 'J') => columns.shift(1),
            KeyCode::Enter => return columns.take(state),
            _ => {}
        },
        Dialog::Sort(at) => {
            let shown = state.settings.exchanges.shown(layout::list_width(state));
            match code {
                KeyCode::Up | KeyCode::Char('k') => *at = at.saturating_sub(1),
                KeyCode::Down | KeyCode::Char('j') => *at = (*at + 1).min(shown.len()),
                KeyCode::Enter => {
                    let column = at.checked_sub(1).and_then(|at| shown.get(at)).copied();
                    return sort_by(state, column);
                }
                _ => {}
            }
        }
        Dialog::Help(input, top) => match code {
            KeyCode::Up | KeyCode::PageUp => {
                *top = top.saturating_sub(if code == KeyCode::Up { 1 } else { 10 });
            }
            KeyCode::Down => *top += 1,
            KeyCode::PageDown => *top += 10,
            KeyCode::Enter => return Vec::new(),
            _ => {
                input.key(key);
                *top = 0;
            }
        },
    }
    state.dialog = Some(dialog);
    Vec::new()
}

/// Sorts exchanges by a column; a second time reverses the order. With `None`, shows them in order of arrival.
pub fn sort_by(state: &mut State, column: Option<ExchangeColumn>) -> Vec<Command> {
    state.sort = column.map(|column| {
        let turned = matches!(state.sort, Some((old, false)) if old == column);
        (column, turned)
    });
    vec![Command::Arrange]
}

fn apply(state: &mut State, dialog: Dialog) -> Vec<Command> {
    let Dialog::Filter(filter) = &dialog else {
        return Vec::new();
    };
    if filter.error.is_some() {
        state.dialog = Some(dialog);
        return Vec::new();
    }
    let text = filter.input.text().trim().to_owned();
    let text = (!text.is_empty()).then_some(text);
    state.filter = text.clone().map(|text| super::state::Filtered {
        text,
        progress: Some((0, state.progress.frames)),
    });
    vec![Command::Filter(text)]
}

fn save_key(state: &mut State, mut save: SaveDialog, key: Key) -> Vec<Command> {
    match key.code {
        KeyCode::Up | KeyCode::BackTab => save.line = save.line.saturating_sub(1),
        KeyCode::Down | KeyCode::Tab => save.line = (save.line + 1).min(3),
        KeyCode::Enter => {
            let wanted = save.wanted(state);
            let path = save.path.text();
            if path.is_empty() {
                state.complain("name a file to save to");
            } else if wanted.chosen == Chosen::Exchanges(Numbers::default())
                || wanted.chosen == Chosen::Frames(Numbers::default())
            {
                state.complain("nothing is marked, or shown: choose what to save");
            } else {
                state.say("saving");
                state.saving = Some(save);
                return vec![Command::Ask(Question::Save(wanted))];
            }
        }
        KeyCode::Left if save.line < 3 => save.turn(-1),
        KeyCode::Right | KeyCode::Char(' ') if save.line < 3 => save.turn(1),
        _ if save.line == 3 => {
            save.replaces = None;
            save.path.key(key);
        }
        _ => {}
    }
    state.dialog = Some(Dialog::Save(save));
    Vec::new()
}
