//! Times as rows of a list have them.

use crate::capture::Timestamp;
use crate::output::{TimeDisplay, TimeFormat};
use crate::tui::state::State;

/// A time as rows have it: `before` is the time of the row above.
#[must_use]
pub fn time_text(state: &State, time: Timestamp, before: Option<Timestamp>) -> String {
    let mut text = shown_as(state.time, state, time, before);
    if hides_date(state) {
        text.drain(..DATE);
    }
    text
}

/// How long after the row above something was; nothing where it is the first one.
#[must_use]
pub fn since_above(state: &State, time: Timestamp, before: Option<Timestamp>) -> String {
    match before {
        Some(_) => shown_as(TimeFormat::Delta, state, time, before),
        None => String::new(),
    }
}

fn shown_as(
    format: TimeFormat,
    state: &State,
    time: Timestamp,
    before: Option<Timestamp>,
) -> String {
    let mut clock = TimeDisplay::new(format);
    // The first row has none before it, and is not as late as the capture is long before it.
    let start = state
        .start
        .filter(|_| before.is_some() || format != TimeFormat::Delta);
    for seen in start.into_iter().chain(before).chain([time]) {
        clock.see(seen);
    }
    let mut text = String::new();
    clock.write(&mut text, time);
    text
}

/// Columns of a date and the space behind it.
const DATE: usize = 11;

/// Whether there is no room for dates, which are those of the rows around as a rule.
fn hides_date(state: &State) -> bool {
    let has_date = matches!(state.time, TimeFormat::Absolute | TimeFormat::Utc);
    has_date && state.size.0 < 120
}

/// Columns of a time: of as long a one as there is so far.
#[must_use]
pub fn time_width(state: &State) -> u16 {
    let mut clock = TimeDisplay::new(state.time);
    for seen in state.start.into_iter().chain(state.latest) {
        clock.see(seen);
    }
    let width = match state.time {
        TimeFormat::Relative | TimeFormat::Delta => {
            let latest = state.latest.map_or_else(String::new, |latest| {
                shown_as(TimeFormat::Relative, state, latest, None)
            });
            u16::try_from(latest.len()).unwrap_or(u16::MAX)
        }
        _ => clock.width(),
    };
    let width = width.max(11);
    if hides_date(state) {
        width - u16::try_from(DATE).unwrap_or_default()
    } else {
        width
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_a_long_capture_have_room() {
        let day = 86_400 * Timestamp::SECOND;
        let mut state = State {
            size: (80, 24),
            start: Some(Timestamp(0)),
            ..State::default()
        };
        for (latest, nanoseconds) in [(0, 11), (100 * day, 14), (100 * day + 1, 17)] {
            state.latest = Some(Timestamp(latest));
            assert_eq!(time_width(&state), nanoseconds);
        }
        let text = time_text(&state, Timestamp(100 * day + 1), None);
        assert_eq!(text, "8640000.000000001");
    }

    #[test]
    fn the_first_row_is_later_than_none() {
        let state = State {
            time: TimeFormat::Delta,
            start: Some(Timestamp(0)),
            ..State::default()
        };
        let second = Timestamp(Timestamp::SECOND);
        assert_eq!(time_text(&state, second, None), "0.000000");
        assert_eq!(time_text(&state, second, Some(Timestamp(0))), "1.000000");
        assert_eq!(since_above(&state, second, None), "");
        assert_eq!(since_above(&state, second, Some(Timestamp(0))), "1.000000");
    }
}
