//! Colours and styles: the terminal's own colours, so that dark and light backgrounds are readable, and none if
//! NO_COLOR is set.

use ratatui::style::{Color, Modifier, Style};

use crate::output::Highlight;

/// What has a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "their names say it")]
pub enum Part {
    Success,
    Note,
    Failure,
    Marked,
    Bytes,
    Title,
}

/// All parts with their names in `tui.toml`, and their colours.
const PARTS: [(Part, &str, Color); 6] = [
    (Part::Success, "success", Color::Green),
    (Part::Note, "note", Color::Yellow),
    (Part::Failure, "failure", Color::Red),
    (Part::Marked, "marked", Color::Magenta),
    (Part::Bytes, "bytes", Color::Cyan),
    (Part::Title, "title", Color::Blue),
];

/// Darker colours of the 256 (xterm's), for those that many terminals draw too pale for a light background.
const ON_LIGHT: [(Part, Color); 3] = [
    (Part::Success, Color::Indexed(22)),
    (Part::Note, Color::Indexed(94)),
    (Part::Bytes, Color::Indexed(24)),
];

/// Whether the terminal reports a light background: `COLORFGBG`, set by rxvt, Konsole and iTerm2, ends in the number
/// of the background's colour.
#[must_use]
pub fn is_light(colorfgbg: Option<&str>) -> bool {
    let background = colorfgbg.and_then(|value| value.rsplit(';').next());
    matches!(background, Some("7" | "15"))
}

impl Part {
    /// The part of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        PARTS
            .iter()
            .find(|(_, known, _)| *known == name)
            .map(|(part, ..)| *part)
    }

    /// All names.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        PARTS.iter().map(|(_, name, _)| *name).collect()
    }
}

/// A colour by its name, as `#rrggbb`, or `none`.
#[must_use]
pub fn color_named(text: &str) -> Option<Color> {
    match text {
        "none" => Some(Color::Reset),
        _ => text.parse().ok(),
    }
}

/// The colours in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    colors: [Color; PARTS.len()],
    /// Whether there are colours at all.
    pub colored: bool,
}

impl Default for Theme {
    fn default() -> Self {
        Self {
            colors: PARTS.map(|(.., color)| color),
            colored: true,
        }
    }
}

impl Theme {
    /// The default colours, for a light or a dark background.
    #[must_use]
    pub fn on(light: bool) -> Self {
        let mut theme = Self::default();
        for (part, color) in ON_LIGHT.into_iter().filter(|_| light) {
            theme.set(part, color);
        }
        theme
    }

    /// Gives a part a colour.
    pub fn set(&mut self, part: Part, color: Color) {
        if let Some(at) = PARTS.iter().position(|(one, ..)| *one == part) {
            self.colors[at] = color;
        }
    }

    /// The style of a part; without colours some stand out by other means.
    #[must_use]
    pub fn of(&self, part: Part) -> Style {
        let at = PARTS
            .iter()
            .position(|(one, ..)| *one == part)
            .unwrap_or_default();
        if self.colored {
            return Style::new().fg(self.colors[at]);
        }
        match part {
            Part::Failure | Part::Marked | Part::Title => Style::new().add_modifier(Modifier::BOLD),
            Part::Note | Part::Bytes => Style::new().add_modifier(Modifier::UNDERLINED),
            Part::Success => Style::new(),
        }
    }

    /// The style of how something went.
    #[must_use]
    pub fn highlight(&self, highlight: Highlight) -> Style {
        match highlight {
            Highlight::Plain => Style::new(),
            Highlight::Success => self.of(Part::Success),
            Highlight::Note => self.of(Part::Note),
            Highlight::Failure => self.of(Part::Failure),
        }
    }

    /// The first and the last line, and titles of parts.
    #[must_use]
    pub const fn bar(&self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// The selected row.
    #[must_use]
    pub const fn chosen(&self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// The selected row of a part with the focus, or of one without it.
    #[must_use]
    pub const fn chosen_in(&self, is_front: bool) -> Style {
        if is_front {
            return self.chosen();
        }
        Style::new()
            .add_modifier(Modifier::BOLD)
            .add_modifier(Modifier::UNDERLINED)
    }

    /// What matters less.
    #[must_use]
    pub const fn faint(&self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// Titles of columns and sections.
    #[must_use]
    pub fn title(&self) -> Style {
        self.of(Part::Title).add_modifier(Modifier::BOLD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pale_colours_are_darker_where_the_background_is_light() {
        for (said, light) in [
            (None, false),
            (Some("15;0"), false),
            (Some("0;15"), true),
            (Some("0;default;7"), true),
            (Some(""), false),
        ] {
            assert_eq!(is_light(said), light, "{said:?}");
        }
        let note = |light| Theme::on(light).of(Part::Note).fg;
        assert_eq!(note(false), Some(Color::Yellow));
        assert_eq!(note(true), Some(Color::Indexed(94)));
    }
}
