//! The summary's charts: frames and messages over time, and a histogram of response times.

#![expect(clippy::cast_precision_loss, reason = "lengths of bars")]

use std::io::{self, Write};

use super::section::Section;
use super::text::{TextStyle, seconds};
use crate::output::highlight::Highlight;
use crate::session::summary::{Bar, Summary, Times};

/// The maximum and minimum width of the longest bar, in columns.
const BAR: [u64; 2] = [40, 4];

/// The width of the longest bar if other columns take `beside` columns.
fn room(style: TextStyle, beside: usize) -> u64 {
    let [most, least] = BAR;
    style.width.map_or(most, |width| {
        u64::from(width)
            .saturating_sub(beside as u64)
            .clamp(least, most)
    })
}

/// Writes a row for each interval, with a bar for its responses by outcome, or for its messages or frames if there are no
/// responses. Empty intervals are joined.
pub(super) fn rate(out: &mut impl Write, summary: &Summary, style: TextStyle) -> io::Result<()> {
    let bars = summary.rate.bars();
    if bars.len() < 2 {
        return Ok(());
    }
    let answers = |bar: &Bar| [bar.successes, bar.failures];
    let messages = |bar: &Bar| [bar.messages, 0];
    let frames = |bar: &Bar| [bar.frames, 0];
    let any = |values: fn(&Bar) -> [u64; 2]| bars.iter().any(|bar| values(bar) != [0, 0]);
    let (values, what): (fn(&Bar) -> [u64; 2], _) = if any(answers) {
        (answers, "answers")
    } else if any(messages) {
        (messages, "messages")
    } else {
        (frames, "frames")
    };
    let most = bars.iter().map(|bar| values(bar).iter().sum()).max();
    let most = most.unwrap_or_default();
    let width = summary.rate.width();
    let failed = if bars.iter().any(|bar| values(bar)[1] > 0) {
        format!(", {} failed", style.charset.failed())
    } else {
        String::new()
    };
    let title = format!("{what} in {} s each{failed}", width as f64 / 1e9);
    let mut section = Section::new(["From (s)", "Frames", "Messages", "Failures", &title]);
    let room = room(style, 44);
    let of_rows = summary.rows.is_some();
    let came = |bar: &Bar| if of_rows { bar.messages } else { bar.frames };
    let at = |index: usize| i64::try_from(index as u64 * width).unwrap_or(i64::MAX);
    let mut index = 0;
    while let Some(bar) = bars.get(index) {
        let empty = bars[index..].iter().take_while(|bar| came(bar) == 0);
        let empty = empty.count();
        if empty > 1 {
            let nothing = format!("nothing for {} s", (empty as u64 * width) as f64 / 1e9);
            section.row([
                seconds(at(index)),
                "0".into(),
                String::new(),
                String::new(),
                nothing,
            ]);
            index += empty;
            continue;
        }
        section.row([
            seconds(at(index)),
            bar.frames.to_string(),
            bar.messages.to_string(),
            bar.failures.to_string(),
            style.charset.stacked(values(bar), most, room),
        ]);
        index += 1;
    }
    section.align_right(0..4);
    if of_rows {
        section.hide(1);
    }
    section.fit(style.width, &[2, 1]);
    writeln!(out)?;
    for line in section.lines() {
        writeln!(out, "{}", with_color(&line, style))?;
    }
    Ok(())
}

/// A line with a bar, whose failures are coloured.
fn with_color(line: &str, style: TextStyle) -> String {
    let failed = style.charset.failed();
    match (style.color, line.rfind(' ')) {
        (true, Some(before)) if line.ends_with(failed) => {
            let (text, bar) = line.split_at(before + 1);
            let place = bar.find(failed).unwrap_or(bar.len());
            let highlight = Highlight::Failure.style();
            format!(
                "{text}{}{}{}{}",
                &bar[..place],
                highlight.render(),
                &bar[place..],
                highlight.render_reset()
            )
        }
        _ => line.to_owned(),
    }
}

/// Writes the histogram of response times: a row for each bucket, with a bar for each kind of request. Nothing if there is
/// only one bucket.
pub(super) fn histogram(
    out: &mut impl Write,
    all: &[(&str, &Times)],
    style: TextStyle,
) -> io::Result<()> {
    let buckets: Vec<_> = all.iter().map(|(_, times)| times.buckets()).collect();
    let ends = buckets.iter().flatten().map(|(end, _)| *end);
    let mut ends: Vec<u64> = ends.collect();
    ends.sort_unstable();
    ends.dedup();
    if ends.len() < 2 {
        return Ok(());
    }
    let counts = |end: u64| {
        buckets.iter().map(move |one| {
            let found = one.iter().find(|(known, _)| *known == end);
            found.map_or(0, |(_, count)| *count)
        })
    };
    let most = buckets.iter().flatten().map(|(_, count)| *count).max();
    let most = most.unwrap_or_default();
    let title = ["Took up to (ms)".to_owned()];
    let titles = all
        .iter()
        .flat_map(|(name, _)| [(*name).to_owned(), String::new()]);
    let mut section = Section::new(title.into_iter().chain(titles));
    let kinds = all.len();
    let room = room(style, 17 + 14 * kinds) / kinds as u64;
    let mut left = ends.as_slice();
    while let Some((end, rest)) = left.split_first() {
        let is_empty = |end: &u64| counts(*end).all(|count| count == 0);
        let empty = left.iter().take_while(|end| is_empty(end)).count();
        // Empty buckets in a row are joined; the last one names them.
        let (end, rest) = if empty > 1 {
            (&left[empty - 1], &left[empty..])
        } else {
            (end, rest)
        };
        let mut row = vec![format!("{}", *end as f64 / 1e6)];
        for count in counts(*end) {
            row.extend([count.to_string(), style.charset.bar(count, most, room)]);
        }
        section.row(row);
        left = rest;
    }
    section.align_right((0..1).chain((0..kinds).map(|kind| 2 * kind + 1)));
    section.write(out, usize::MAX)
}
