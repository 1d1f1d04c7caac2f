//! Handles answers from the background threads.

use std::sync::Arc;

use crate::tui::answer::Answer;
use crate::tui::dialog::Dialog;
use crate::tui::state::{Command, Pending, State};
use crate::tui::view;

/// The most rows of frames that are remembered.
const ROWS: usize = 8192;

/// Handles an answer, if it is still wanted.
pub fn update(state: &mut State, answer: Answer) -> Vec<Command> {
    match answer {
        Answer::Rows(rows) => {
            state.rows_asked.clear();
            if state.frame_rows.len() > ROWS {
                state.frame_rows.clear();
            }
            state
                .frame_rows
                .extend(rows.into_iter().map(|row| (row.number, row)));
        }
        Answer::Frame(detail) => {
            if state.frames.chosen() == Some(detail.frame) {
                state.detail = Pending::Ready(Arc::new(detail));
                view::frames::detail_came(state);
            }
        }
        Answer::Step(detail) => {
            let step = state
                .flow
                .ready()
                .and_then(|flow| flow.steps.get(state.step.at));
            if step.is_some_and(|step| step.frame == detail.frame) {
                state.step_detail = Pending::Ready(Arc::new(detail));
            }
        }
        Answer::Preview(preview) => {
            if state.exchanges.chosen() == Some(preview.exchange) {
                state.preview = Pending::Ready(Arc::new(preview));
            }
        }
        Answer::Flow(flow) => {
            // Selects the first message, which the user wants to see.
            if state.step.at == 0 {
                let first = flow.steps.iter().position(|step| step.is_message);
                state.step.at = first.unwrap_or_default();
            }
            state.flow = Pending::Ready(Arc::new(flow));
        }
        Answer::Follow(follow) => state.follow = Pending::Ready(Arc::new(follow)),
        Answer::Statistics(statistics) => state.statistics = Pending::Ready(Arc::new(statistics)),
        Answer::Explain(explained) => state.explained = Pending::Ready(Arc::new(explained)),
        Answer::Difference(differences) => {
            state.differences = Pending::Ready(Arc::new(differences));
        }
        Answer::Saved(Ok(text)) => {
            state.saving = None;
            state.say(text);
        }
        Answer::Saved(Err(text)) => {
            state.saving = None;
            state.complain(text);
        }
        Answer::Exists => {
            if let Some(mut save) = state.saving.take() {
                save.replaces = Some(save.path.text().to_owned());
                state.status = None;
                state.dialog = Some(Dialog::Save(save));
            }
        }
        Answer::Failed(text) => state.complain(text),
    }
    Vec::new()
}
