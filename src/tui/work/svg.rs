//! The flow as a picture: a lifeline for each end, an arrow for each message.

use std::io::{self, Write};

use crate::output::{Charset, Highlight, fit};
use crate::stream::Role;
use crate::text::escape::Xml;
use crate::tui::answer::Flow;
use crate::tui::view::ladder::Lifelines;

/// Columns of times at the left, and of each lifeline, in pixels.
const TIMES: usize = 110;
const COLUMN: usize = 330;
/// Pixels from one step to the next.
const STEP: usize = 34;
const TOP: usize = 46;
/// Characters of text on an arrow from one lifeline to the next.
const LETTERS: usize = 50;

/// Draws it.
pub fn draw(flow: &Flow, out: &mut impl Write) -> io::Result<()> {
    let lifelines = Lifelines::of(flow, usize::MAX);
    let width = TIMES + COLUMN * lifelines.names.len().max(1);
    let height = TOP + STEP * flow.steps.len() + 20;
    let place = |column: usize| TIMES + COLUMN * column + COLUMN / 2;
    write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" font-family=\"ui-monospace, monospace\" font-size=\"11\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    )?;
    for (column, name) in lifelines.names.iter().enumerate() {
        let x = place(column);
        writeln!(
            out,
            "<text x=\"{x}\" y=\"22\" text-anchor=\"middle\" font-weight=\"bold\">{}</text><path d=\"M{x} 32V{}\" stroke=\"#8a8f98\" fill=\"none\"/>",
            Xml(name),
            height - 10
        )?;
    }
    for (at, step) in flow.steps.iter().enumerate() {
        let y = TOP + STEP * at + 20;
        let color = match step.highlight {
            Highlight::Plain => "#24292f",
            Highlight::Success => "#1a7f37",
            Highlight::Note => "#9a6700",
            Highlight::Failure => "#cf222e",
        };
        let [client, server] = lifelines.columns(step.stream);
        let (left, right) = (place(client.min(server)), place(client.max(server)));
        let room = LETTERS * server.abs_diff(client).max(1);
        let text = fit(
            &format!("{}{}", step.text, step.suffix),
            room,
            Charset::Unicode,
        );
        writeln!(
            out,
            "<text x=\"4\" y=\"{y}\" fill=\"#57606a\">{}</text><text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"{color}\">{}</text>",
            Xml(step.shown.trim()),
            usize::midpoint(left, right),
            y - 4,
            Xml(&text)
        )?;
        let to = match step.sender {
            Some(Role::Client) => Some((client, server)),
            Some(Role::Server) => Some((server, client)),
            None => None,
        };
        let path = match to.map(|(from, to)| (place(from), place(to))) {
            Some((from, to)) if from < to => format!("M{from} {y}H{to}m-7 -4l7 4l-7 4"),
            Some((from, to)) => format!("M{from} {y}H{to}m7 -4l-7 4l7 4"),
            None => format!("M{left} {y}H{right}"),
        };
        let dashes = if to.is_none() {
            " stroke-dasharray=\"2 4\""
        } else {
            ""
        };
        writeln!(
            out,
            "<path d=\"{path}\" stroke=\"{color}\" fill=\"none\"{dashes}/>"
        )?;
    }
    out.write_all(b"</svg>\n")
}
