//! Conversations as a sequence diagram: a lifeline for each end, an arrow for each message, the message beside it.

use std::collections::HashMap;

use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use unicode_width::UnicodeWidthStr;

use super::pen::{Pen, below, folded, row};
use crate::output::{Highlight, Step, fit};
use crate::packet::Endpoint;
use crate::stream::Role;
use crate::text::escape::HexOctet;
use crate::text::put;
use crate::tui::answer::Flow;
use crate::tui::layout;
use crate::tui::state::{Pending, State};

/// The ends between which arrows are drawn, from left to right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifelines {
    /// The names above the lifelines.
    pub names: Vec<String>,
    columns: HashMap<u32, [usize; 2]>,
}

impl Lifelines {
    /// The ends of a flow: clients at the left, servers at the right. If there are more than `most`, clients share a
    /// lifeline.
    #[must_use]
    pub fn of(flow: &Flow, most: usize) -> Self {
        let known = flow
            .streams
            .iter()
            .filter_map(|(stream, ends)| Some((*stream, (*ends)?)));
        let known: Vec<(u32, [Endpoint; 2])> = known.collect();
        let distinct = |side: usize, name: fn(&Endpoint) -> String| {
            let mut names: Vec<String> = Vec::new();
            for (_, ends) in &known {
                let name = name(&ends[side]);
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            names
        };
        let whole: fn(&Endpoint) -> String = Endpoint::to_string;
        let host: fn(&Endpoint) -> String = |end| end.address.to_string();
        let servers = distinct(1, whole);
        let mut name = whole;
        let mut clients = distinct(0, name);
        if clients.len() + servers.len() > most {
            name = host;
            clients = distinct(0, name);
        }
        let shares = clients.len() + servers.len() > most;
        let left = if shares { 1 } else { clients.len() };
        let place = |(stream, ends): &(u32, [Endpoint; 2])| {
            let client = if shares {
                0
            } else {
                clients
                    .iter()
                    .position(|one| *one == name(&ends[0]))
                    .unwrap_or_default()
            };
            let server = servers
                .iter()
                .position(|one| *one == whole(&ends[1]))
                .unwrap_or_default();
            (*stream, [client, left + server])
        };
        let columns = known.iter().map(place).collect();
        let mut names = if shares {
            vec![format!("{} clients", clients.len())]
        } else {
            clients
        };
        names.extend(servers);
        Self { names, columns }
    }

    /// The columns of a conversation's client and server.
    #[must_use]
    pub fn columns(&self, stream: u32) -> [usize; 2] {
        self.columns
            .get(&stream)
            .copied()
            .unwrap_or([0, self.names.len().saturating_sub(1).min(1)])
    }
}

/// Width of the times at the left.
fn times(state: &State) -> u16 {
    crate::output::TimeDisplay::new(state.time).width() + 1
}

/// Draws the view.
pub fn draw(pen: &mut Pen<'_>) {
    let state = pen.state;
    let areas = layout::ladder(state);
    let Pending::Ready(flow) = &state.flow else {
        return pen.working(areas.steps);
    };
    diagram(pen, areas.steps, flow);
    let Some(area) = areas.message else { return };
    let inner = if areas.beside {
        pen.side_border(area)
    } else {
        pen.border(area, "", false)
    };
    message(pen, inner);
}

/// The least width of a lifeline, in columns.
const LEAST: u16 = 24;

fn diagram(pen: &mut Pen<'_>, area: Rect, flow: &Flow) {
    let state = pen.state;
    let theme = &state.settings.theme;
    let left = area.x + times(state);
    let width = area.right().saturating_sub(left);
    let lifelines = Lifelines::of(flow, usize::from(width / LEAST).max(2));
    let count = u16::try_from(lifelines.names.len().max(2)).unwrap_or(2);
    // The first and the last stand at the edges.
    let gap = (width.saturating_sub(1)) / (count - 1);
    let place = |column: usize| left + gap * u16::try_from(column).unwrap_or_default();
    heads(pen, area, &lifelines, (left, gap));
    let several = flow.streams.len() > 1;
    let rows = below(area, 2);
    let seen = flow.steps.iter().enumerate().skip(state.step.top);
    for (y, (at, step)) in (rows.y..rows.bottom()).zip(seen) {
        for column in 0..lifelines.names.len() {
            pen.lifeline(place(column), y..y + 1);
        }
        let [client, server] = lifelines.columns(step.stream);
        let prefix = if several {
            format!("{} ", step.stream)
        } else {
            String::new()
        };
        arrow(pen, (place(client), place(server), y), step, &prefix);
        let room = times(state) - 1;
        let time = format!("{:>1$}", step.shown.trim(), usize::from(room));
        pen.put((area.x, y), room, &time, theme.faint());
        if at == state.step.at {
            pen.buffer.set_style(row(rows, y), theme.chosen());
        }
    }
    if flow.cut {
        let text = "there is more than this diagram holds";
        pen.put((area.x, area.bottom() - 1), area.width, text, theme.faint());
    }
}

/// Draws the names above the lifelines.
fn heads(pen: &mut Pen<'_>, area: Rect, lifelines: &Lifelines, (left, gap): (u16, u16)) {
    let state = pen.state;
    let theme = &state.settings.theme;
    let place = |column: usize| left + gap * u16::try_from(column).unwrap_or_default();
    for (column, name) in lifelines.names.iter().enumerate() {
        let columns = u16::try_from(name.width()).unwrap_or(u16::MAX);
        let is_last = column + 1 == lifelines.names.len();
        let x = place(column);
        let x = match column {
            0 => x,
            _ if is_last => (x + 1).saturating_sub(columns).max(left),
            _ => x.saturating_sub(columns / 2),
        };
        if lifelines.names.len() <= 2 {
            let role = if is_last { "server" } else { "client" };
            let x = if column == 0 {
                x
            } else {
                (place(column) + 1).saturating_sub(6)
            };
            pen.put((x, area.y), 8, role, theme.faint());
        }
        let most = if column == 0 { gap } else { u16::MAX };
        let room = area.right().saturating_sub(x).min(most);
        pen.put((x, area.y + 1), room, name, theme.title());
    }
}

/// An arrow between two lifelines, with its text.
fn arrow(pen: &mut Pen<'_>, (from, to, y): (u16, u16, u16), step: &Step, prefix: &str) {
    let state = pen.state;
    let (left, right) = (from.min(to), from.max(to));
    let span = right.saturating_sub(left + 1);
    if span < 4 {
        return;
    }
    let style = state.settings.theme.highlight(step.highlight);
    let dash = state.sign("─", "-");
    let to_right = match step.sender {
        Some(Role::Client) => Some(to > from),
        Some(Role::Server) => Some(to < from),
        None => None,
    };
    let suffix = step.suffix.trim();
    let room = usize::from(span) - 4;
    let mut text = format!("{prefix}{}", step.text);
    if suffix.is_empty() {
        text = fit(&text, room, state.charset);
    } else {
        text = fit(
            &text,
            room.saturating_sub(suffix.width() + 1),
            state.charset,
        ) + " "
            + suffix;
        text = fit(&text, room, state.charset);
    }
    let fill = usize::from(span) - 2 - text.width().min(room);
    let line = match to_right {
        Some(true) => format!(
            "{dash} {text} {}{}",
            dash.repeat(fill.saturating_sub(2)),
            state.sign("▶", ">")
        ),
        Some(false) => format!(
            "{}{} {text} {}",
            state.sign("◀", "<"),
            "",
            dash.repeat(fill.saturating_sub(1))
        ),
        None => {
            let before = fill / 2;
            let dot = state.sign("·", ".");
            format!(
                "{} {text} {}",
                dot.repeat(before),
                dot.repeat(fill - before)
            )
        }
    };
    pen.put((left + 1, y), span, &line, style);
}

/// The steps of one conversation in a small area, without times.
pub fn arrows(pen: &mut Pen<'_>, area: Rect, steps: &[Step]) {
    let state = pen.state;
    if area.width < 12 || area.height < 2 {
        return;
    }
    let theme = &state.settings.theme;
    let (left, right) = (area.x + 1, area.right() - 2);
    pen.put((left, area.y), 8, "client", theme.faint());
    pen.put((right - 5, area.y), 6, "server", theme.faint());
    let rows = area.y + 1..area.bottom();
    // If there are more than fit, the last ones are shown, because they show the result.
    let skip = steps.len().saturating_sub(rows.len());
    for (y, step) in rows.zip(&steps[skip..]) {
        for x in [left, right] {
            pen.lifeline(x, y..y + 1);
        }
        arrow(pen, (left, right, y), step, "");
    }
}

/// The message of the selected step: its details, and as many bytes as there is room for.
fn message(pen: &mut Pen<'_>, area: Rect) {
    let state = pen.state;
    let detail = match &state.step_detail {
        Pending::Ready(detail) => detail,
        Pending::Running => return pen.working(area),
        Pending::NotAsked => return,
    };
    let theme = &state.settings.theme;
    // The last layer is the innermost: messages, or otherwise the segment.
    let innermost = detail.tree.iter().rposition(|line| line.depth == 0);
    let from = innermost.unwrap_or_default();
    let title = format!("Frame {}", detail.frame);
    pen.put((area.x, area.y), area.width, &title, theme.title());
    let mut y = area.y + 1;
    for line in &detail.tree[from..] {
        let style = match line.depth {
            0 => theme.highlight(line.highlight).add_modifier(Modifier::BOLD),
            _ => theme.highlight(line.highlight),
        };
        let indent = "  ".repeat(line.depth);
        // Notes are read, the others are found.
        let rows = match line.highlight {
            Highlight::Plain => vec![format!("{indent}{}", line.text)],
            _ => folded(&indent, &line.text, 2 * line.depth + 2, area.width.into()),
        };
        for row in rows {
            pen.put((area.x, y), area.width, &row, style);
            y += 1;
            if y >= area.bottom() {
                return;
            }
        }
    }
    let bytes = detail.panes.last();
    let Some(bytes) = bytes.filter(|_| y + 2 < area.bottom()) else {
        return;
    };
    y += 1;
    pen.put((area.x, y), area.width, &bytes.title, theme.faint());
    y += 1;
    let per_line = if area.width >= 62 { 16 } else { 8 };
    for (index, line) in bytes.bytes.chunks(per_line).enumerate() {
        if y >= area.bottom() {
            return;
        }
        let mut text = format!("{:04x} ", index * per_line);
        for byte in line {
            put::formatted(&mut text, format_args!(" {}", HexOctet(*byte)));
        }
        pen.put((area.x, y), area.width, &text, Style::new());
        y += 1;
    }
}
