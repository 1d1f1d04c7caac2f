//! Views are opened, and left.

use crate::tui::answer::{Question, Subject};
use crate::tui::keys::Pane;
use crate::tui::recording::{ExchangeEntry, NO_STREAM};
use crate::tui::state::{Command, Part, Pending, Scroll, State};
use crate::tui::view;

pub(super) fn open(state: &mut State, pane: Pane) {
    state.views.retain(|other| *other != pane);
    state.views.push(pane);
}

pub(super) fn back(state: &mut State) -> Vec<Command> {
    if state.pane() == Pane::Frames && state.part != Part::List {
        state.part = Part::List;
    } else if state.views.len() > 1 {
        state.views.pop();
        return vec![Command::Cancel];
    } else {
        state.ends = true;
    }
    Vec::new()
}

pub(super) fn leave(state: &mut State) -> Vec<Command> {
    let filter = state.filter.as_ref();
    if filter.is_some_and(|filter| filter.progress.is_some()) {
        state.say("the filter was cancelled");
        state.filter = None;
        return vec![Command::Filter(None)];
    }
    if state.views.len() == 1 {
        state.say("q ends the program");
        return Vec::new();
    }
    back(state)
}

/// The frame that the view is about.
fn frame(state: &State) -> Option<u64> {
    match state.pane() {
        Pane::Frames => state.frames.chosen(),
        Pane::Ladder => {
            let flow = state.flow.ready()?;
            flow.steps.get(state.step.at).map(|step| step.frame)
        }
        Pane::Explain => {
            let explained = state.explained.ready()?;
            view::explain::lines(state)
                .get(state.explained_at.at)
                .and_then(|line| line.frame)
                .or_else(|| explained.messages.first().map(|one| one.frame))
        }
        _ => state.exchange().map(ExchangeEntry::first_frame),
    }
}

/// The connection that the view is about.
fn stream(state: &State) -> Option<u32> {
    match state.pane() {
        Pane::Frames => state.detail.ready().and_then(|detail| detail.stream),
        Pane::Ladder => {
            let flow = state.flow.ready()?;
            flow.steps.get(state.step.at).map(|step| step.stream)
        }
        Pane::Follow => state.follow.ready().map(|follow| follow.stream),
        Pane::Explain => state.explained.ready().map(|explained| explained.stream),
        _ => state.exchange().map(|entry| entry.stream),
    }
    .filter(|stream| *stream != NO_STREAM)
}

pub(super) fn enter(state: &mut State) -> Vec<Command> {
    match state.pane() {
        Pane::Exchanges => return ladder(state),
        Pane::Frames => match state.part {
            Part::List => state.part = Part::Details,
            Part::Details => super::moving::turn(state),
            Part::Bytes => state.say("tab goes to the next part, arrows to other bytes"),
        },
        Pane::Ladder => return frames(state),
        Pane::Statistics => {
            let statistics = state.statistics.ready();
            let finding = statistics.and_then(|all| all.findings.get(state.statistics_at.at));
            match finding.and_then(|(_, _, frames)| frames.first()).copied() {
                Some(frame) => super::go_to_frame(state, frame),
                None => state.say("this line is no finding: those have frames to go to"),
            }
        }
        _ => {}
    }
    Vec::new()
}

pub(super) fn frames(state: &mut State) -> Vec<Command> {
    if let Some(frame) = frame(state) {
        super::go_to_frame(state, frame);
    } else {
        open(state, Pane::Frames);
    }
    Vec::new()
}

pub(super) fn ladder(state: &mut State) -> Vec<Command> {
    let mut streams: Vec<u32> = stream(state).into_iter().collect();
    if state.pane() == Pane::Exchanges && !state.marked.is_empty() {
        let marked = state.marked_streams.values().copied();
        streams = marked.collect();
        streams.sort_unstable();
        streams.dedup();
    }
    if streams.is_empty() {
        state.say("there is no connection here");
        return Vec::new();
    }
    open(state, Pane::Ladder);
    state.flow = Pending::Running;
    state.step = Scroll::default();
    state.step_detail = Pending::NotAsked;
    vec![Command::Ask(Question::Flow(streams))]
}

pub(super) fn follow(state: &mut State) -> Vec<Command> {
    let Some(stream) = stream(state) else {
        state.say("there is no connection here");
        return Vec::new();
    };
    let open_already = state.pane() == Pane::Follow;
    let as_bytes = open_already && state.follow.ready().is_some_and(|follow| !follow.as_bytes);
    open(state, Pane::Follow);
    state.follow = Pending::Running;
    state.follow_at = Scroll::default();
    vec![Command::Ask(Question::Follow(stream, as_bytes))]
}

pub(super) fn explain(state: &mut State) -> Vec<Command> {
    let Some(stream) = stream(state) else {
        state.say("there is no connection here");
        return Vec::new();
    };
    open(state, Pane::Explain);
    state.explained = Pending::Running;
    state.explained_at = Scroll::default();
    vec![Command::Ask(Question::Explain(stream))]
}

pub(super) fn difference(state: &mut State) -> Vec<Command> {
    let marked: Vec<Subject> = match state.pane() {
        Pane::Exchanges => state
            .marked
            .iter()
            .map(|one| Subject::Exchange(*one))
            .collect(),
        _ => state
            .marked_frames
            .iter()
            .map(|one| Subject::Frame(*one))
            .collect(),
    };
    let [one, other] = marked[..] else {
        state.say(format!(
            "mark two rows with Space to compare them; {} are marked",
            marked.len()
        ));
        return Vec::new();
    };
    open(state, Pane::Difference);
    state.differences = Pending::Running;
    state.differences_at = Scroll::default();
    vec![Command::Ask(Question::Difference([one, other]))]
}
