//! A terminal's screen as an SVG picture, with a background, so that it can be read on light and dark pages.

#![expect(clippy::cast_precision_loss, reason = "places in a drawing")]

use std::fmt::Write as _;

use authscope::text::escape::Xml;
use vt100::{Cell, Color, Screen};

/// Pixels of a cell, and around the screen.
const WIDTH: f64 = 8.4;
const HEIGHT: f64 = 18.0;
const MARGIN: f64 = 14.0;

const TEXT: &str = "#d8dee9";
const BACKGROUND: &str = "#1b2028";

/// The sixteen colours that terminals have names for.
const NAMED: [&str; 16] = [
    "#3b4252", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d8dee9",
    "#7f8795", "#ff7b86", "#b5e08f", "#ffd58a", "#82c4ff", "#df9bf0", "#7fd7e0", "#ffffff",
];

/// How a run of cells looks.
#[derive(Clone, PartialEq, Eq)]
struct Look {
    ink: String,
    paper: Option<String>,
    bold: bool,
    underlined: bool,
}

fn color(color: Color) -> Option<String> {
    match color {
        Color::Default => None,
        Color::Idx(number) => Some(match NAMED.get(usize::from(number)) {
            Some(named) => (*named).to_owned(),
            None => indexed(number),
        }),
        Color::Rgb(red, green, blue) => Some(format!("#{red:02x}{green:02x}{blue:02x}")),
    }
}

/// The colours from 16 on: a cube of six steps a side, and grey.
fn indexed(number: u8) -> String {
    let step = |part: u8| if part == 0 { 0 } else { 55 + 40 * part };
    let [red, green, blue] = match number {
        232.. => [8 + 10 * (number - 232); 3],
        _ => [(number - 16) / 36, (number - 16) / 6 % 6, (number - 16) % 6].map(step),
    };
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn look(cell: &Cell) -> Look {
    let (mut ink, mut paper) = (color(cell.fgcolor()), color(cell.bgcolor()));
    if cell.inverse() {
        (ink, paper) = (
            Some(paper.unwrap_or_else(|| BACKGROUND.to_owned())),
            Some(ink.unwrap_or_else(|| TEXT.to_owned())),
        );
    }
    let faint = cell.dim() && ink.is_none();
    let ink = if faint {
        Some(NAMED[8].to_owned())
    } else {
        ink
    };
    Look {
        ink: ink.unwrap_or_else(|| TEXT.to_owned()),
        paper,
        bold: cell.bold(),
        underlined: cell.underline(),
    }
}

/// Draws a screen.
pub fn svg(screen: &Screen, title: &str) -> String {
    let (rows, columns) = screen.size();
    let (rows, columns) = (rows.get(), columns.get());
    let [width, height] = [
        f64::from(columns) * WIDTH + 2.0 * MARGIN,
        f64::from(rows) * HEIGHT + 2.0 * MARGIN,
    ];
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         height=\"{height:.0}\" role=\"img\">\n<title>{}</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n\
         <g font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"14\" \
         fill=\"{TEXT}\" xml:space=\"preserve\">\n",
        Xml(title)
    );
    for row in 0..rows {
        draw_row(&mut out, screen, row, columns);
    }
    out.push_str("</g>\n</svg>\n");
    out
}

fn draw_row(out: &mut String, screen: &Screen, row: u16, columns: u16) {
    let mut runs: Vec<(u16, u16, Look, String)> = Vec::new();
    for column in 0..columns {
        let Some(cell) = screen.cell(row, column) else {
            continue;
        };
        if cell.is_wide_continuation() {
            if let Some(run) = runs.last_mut() {
                run.1 += 1;
            }
            continue;
        }
        let look = look(cell);
        let text = if cell.has_contents() {
            cell.contents()
        } else {
            " "
        };
        match runs.last_mut() {
            Some((_, cells, same, all)) if *same == look => {
                *cells += 1;
                all.push_str(text);
            }
            _ => runs.push((column, 1, look, text.to_owned())),
        }
    }
    let top = MARGIN + f64::from(row) * HEIGHT;
    for (column, cells, look, text) in &runs {
        let [x, width] = [
            MARGIN + f64::from(*column) * WIDTH,
            f64::from(*cells) * WIDTH,
        ];
        if let Some(paper) = &look.paper {
            let _ = writeln!(
                out,
                "<rect shape-rendering=\"crispEdges\" x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{HEIGHT:.1}\" fill=\"{paper}\"/>"
            );
        }
        words(out, (x, top), text, look);
    }
}

/// Writes a run's text; stretches of spaces only move what comes behind them.
fn words(out: &mut String, (x, top): (f64, f64), text: &str, look: &Look) {
    let y = top + HEIGHT * 0.74;
    let mut at = 0;
    let width = unicode_width::UnicodeWidthStr::width;
    while at < text.len() {
        let rest = &text[at..];
        let spaces = rest.len() - rest.trim_start_matches(' ').len();
        let word = &rest[spaces..];
        let end = word.find("  ").unwrap_or_else(|| word.trim_end().len());
        let word = &word[..end];
        let x = x + width(&text[..at + spaces]) as f64 * WIDTH;
        at += spaces + end;
        if word.is_empty() {
            break;
        }
        let mut style = String::new();
        if look.ink != TEXT {
            let _ = write!(style, " fill=\"{}\"", look.ink);
        }
        if look.bold {
            style.push_str(" font-weight=\"bold\"");
        }
        if look.underlined {
            style.push_str(" text-decoration=\"underline\"");
        }
        // Each cell keeps its width, whatever font there is.
        let length = width(word) as f64 * WIDTH;
        let _ = writeln!(
            out,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" textLength=\"{length:.1}\"{style}>{}</text>",
            Xml(word)
        );
    }
}
