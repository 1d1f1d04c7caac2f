//! An exchange as a diagram: two lifelines, an arrow a message.

use maud::{Markup, html};

use super::exchanges::cut;
use crate::dissect::Message;
use crate::layout::Said;
use crate::output::exchanges::said;
use crate::output::info;
use crate::report::times::span;
use crate::session::Exchange;
use crate::stream::Role;

const WIDTH: usize = 520;
/// The positions of the lifelines.
const LINES: [usize; 2] = [14, WIDTH - 14];
/// Where the lifelines begin, under the names.
const TOP: usize = 44;
/// From one arrow to the next.
const STEP: usize = 58;
/// Characters of a label.
const LABEL: usize = 44;

/// An arrow with its label.
struct Arrow {
    from: Role,
    label: String,
    class: &'static str,
    /// Whether there is a point at its end: a response that never came has none.
    arrives: bool,
}

/// The diagram.
pub fn ladder(exchange: &Exchange) -> Markup {
    let arrows = arrows(exchange);
    let bottom = TOP + STEP * arrows.len() + 8;
    let [client, server] = exchange.ends();
    html! {
        svg.ladder viewBox={ "0 0 " (WIDTH) " " (bottom + 4) } role="img" aria-label="The exchange as a diagram of messages" {
            text x="0" y="14" { "client " (client) }
            text.end x=(WIDTH) y="32" { "server " (server) }
            @for x in LINES { path.life d={ "M" (x) " " (TOP - 4) "V" (bottom) } {} }
            @for (at, arrow) in arrows.iter().enumerate() {
                @let y = TOP + STEP * at + 42;
                text.mid x=(WIDTH / 2) y=(y - 9) { (arrow.label) }
                path class={ "arrow " (arrow.class) } d=(line(arrow, y)) {}
                @if at == 0 && let Some(elapsed) = exchange.elapsed() {
                    text.mid.soft x=(WIDTH / 2) y=(y + 20) { (span(elapsed)) @if elapsed < 0 { " (by the frames' times)" } }
                }
            }
        }
    }
}

fn line(arrow: &Arrow, y: usize) -> String {
    let [mut from, mut to] = LINES;
    let mut back = -8_i32;
    if arrow.from == Role::Server {
        std::mem::swap(&mut from, &mut to);
        back = 8;
    }
    if arrow.arrives {
        format!("M{from} {y}H{to}m{back} -5l{} 5l{back} 5", -back)
    } else {
        format!("M{from} {y}H{}", WIDTH / 2)
    }
}

fn arrows(exchange: &Exchange) -> Vec<Arrow> {
    let mut arrows: Vec<Arrow> = exchange
        .messages()
        .iter()
        .map(|message| of(exchange, message))
        .collect();
    if exchange.elapsed().is_some_and(|elapsed| elapsed < 0) {
        arrows.reverse();
    }
    if exchange.response().is_none() {
        arrows.push(Arrow {
            from: Role::Server,
            label: "no response".to_owned(),
            class: "lost",
            arrives: false,
        });
    }
    arrows
}

fn of(exchange: &Exchange, message: &Message) -> Arrow {
    let is_response = exchange
        .response()
        .is_some_and(|response| std::ptr::eq(response, message));
    let mut label = String::new();
    if is_response {
        said(&mut label, exchange, false);
    } else {
        info::summary(&mut label, message, false);
    }
    let frames = frames(message);
    let label = format!(
        "{} · {frames}",
        cut(label, LABEL.saturating_sub(frames.len()))
    );
    let class = match message.said().filter(|_| is_response) {
        Some(Said::Success) => "good",
        Some(Said::Failure) => "bad",
        _ => "",
    };
    Arrow {
        from: message.sender,
        label,
        class,
        arrives: true,
    }
}

/// `frame 4`, `frames 4, 5, 7`, `frames 4 to 77`.
fn frames(message: &Message) -> String {
    let mut all: Vec<u64> = message.sources.iter().map(|source| source.frame).collect();
    all.sort_unstable();
    all.dedup();
    match all.as_slice() {
        [] => format!("frame {}", message.frame),
        [only] => format!("frame {only}"),
        few @ ([_, _] | [_, _, _]) => {
            let few: Vec<String> = few.iter().map(ToString::to_string).collect();
            format!("frames {}", few.join(", "))
        }
        [first, .., last] => format!("frames {first} to {last}"),
    }
}
