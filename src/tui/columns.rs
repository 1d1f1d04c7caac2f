//! Columns of the two lists: which there are, which of them are shown, and in which order.

use crate::text::escape::Escaped;

/// What stands in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellKind {
    /// Text, left-aligned.
    Text,
    /// An address, left-aligned. If it is too long, its middle is left out, because the end distinguishes it from
    /// others.
    Address,
    /// A number, right-aligned.
    Number,
    /// A time, right-aligned, as wide as the chosen time format.
    Time,
}

/// The description of a column.
#[derive(Debug, Clone, Copy)]
pub struct About<C> {
    /// The column.
    pub column: C,
    /// Its name in `tui.toml`.
    pub name: &'static str,
    /// Its title.
    pub title: &'static str,
    /// Its width in columns of the terminal: at least, usually, and if there is much room.
    pub widths: [u16; 3],
    /// What stands in it.
    pub kind: CellKind,
}

/// A column of a list.
pub trait Column: Copy + PartialEq + 'static {
    /// All of that list.
    const ALL: &'static [About<Self>];

    /// The columns shown by default, on a list of this width.
    fn defaults(width: u16) -> &'static [Self];

    /// Its description.
    fn about(self) -> &'static About<Self> {
        let found = Self::ALL.iter().find(|about| about.column == self);
        found.unwrap_or(&Self::ALL[0])
    }
}

/// A column of exchanges, by which they can be sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "their names say it")]
pub enum ExchangeColumn {
    Number,
    Time,
    User,
    Action,
    Result,
    Milliseconds,
    Stream,
    Client,
    Server,
    Frames,
    Note,
}

/// A column of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "their names say it")]
pub enum FrameColumn {
    Number,
    Time,
    Delta,
    Source,
    SourcePort,
    Destination,
    DestinationPort,
    Protocol,
    Length,
    Stream,
    Info,
}

use CellKind::{Address, Number, Text, Time};

const fn about<C>(
    column: C,
    name: &'static str,
    title: &'static str,
    widths: [u16; 3],
    kind: CellKind,
) -> About<C> {
    About {
        column,
        name,
        title,
        widths,
        kind,
    }
}

impl Column for ExchangeColumn {
    #[rustfmt::skip]
    const ALL: &'static [About<Self>] = &[
        about(Self::Number, "number", "#", [6, 6, 6], Number),
        about(Self::Time, "time", "Time", [11, 11, 11], Time),
        about(Self::User, "user", "User", [10, 10, 20], Text),
        about(Self::Action, "action", "Action", [8, 8, 13], Text),
        about(Self::Result, "result", "Result", [18, 18, 48], Text),
        about(Self::Milliseconds, "ms", "ms", [8, 8, 8], Number),
        about(Self::Stream, "stream", "Stream", [6, 6, 6], Number),
        about(Self::Client, "client", "Client", [21, 21, 31], Address),
        about(Self::Server, "server", "Server", [21, 21, 31], Address),
        about(Self::Frames, "frames", "Frames", [12, 12, 12], Text),
        about(Self::Note, "note", "Note", [7, 7, 47], Text),
    ];

    fn defaults(_: u16) -> &'static [Self] {
        &[
            Self::Number,
            Self::Time,
            Self::User,
            Self::Action,
            Self::Result,
            Self::Milliseconds,
            Self::Stream,
            Self::Note,
        ]
    }
}

/// Width from which a list of frames shows addresses and lengths; on a narrower one the Info column matters more.
const ROOM_FOR_ADDRESSES: u16 = 72;
const ROOM_FOR_LENGTH: u16 = 100;

impl Column for FrameColumn {
    #[rustfmt::skip]
    const ALL: &'static [About<Self>] = &[
        about(Self::Number, "number", "No.", [7, 7, 7], Number),
        about(Self::Time, "time", "Time", [11, 11, 11], Time),
        about(Self::Delta, "delta", "Delta", [11, 11, 11], Number),
        about(Self::Source, "source", "Source", [14, 14, 39], Address),
        about(Self::SourcePort, "source-port", "Src port", [8, 8, 8], Number),
        about(Self::Destination, "destination", "Destination", [14, 14, 39], Address),
        about(Self::DestinationPort, "destination-port", "Dst port", [8, 8, 8], Number),
        about(Self::Protocol, "protocol", "Protocol", [8, 8, 8], Text),
        about(Self::Length, "length", "Length", [6, 6, 6], Number),
        about(Self::Stream, "stream", "Stream", [6, 6, 6], Number),
        about(Self::Info, "info", "Info", [8, 18, 118], Text),
    ];

    fn defaults(width: u16) -> &'static [Self] {
        use FrameColumn::{Destination, Info, Length, Number, Protocol, Source, Time};
        const NARROW: &[FrameColumn] = &[Number, Time, Protocol, Info];
        const MIDDLE: &[FrameColumn] = &[Number, Time, Source, Destination, Protocol, Info];
        const WIDE: &[FrameColumn] = &[Number, Time, Source, Destination, Protocol, Length, Info];
        if width < ROOM_FOR_ADDRESSES {
            NARROW
        } else if width < ROOM_FOR_LENGTH {
            MIDDLE
        } else {
            WIDE
        }
    }
}

/// Indentation of a list's rows, for the signs of the selected row and of marked rows.
pub const SIGNS: u16 = 2;

/// The columns that were chosen for a list; empty if none were.
#[derive(Debug, Clone)]
pub struct Columns<C>(Vec<C>);

impl<C> Default for Columns<C> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<C: Column> Columns<C> {
    /// The columns that are shown on a list of this width, in order.
    #[must_use]
    pub fn shown(&self, width: u16) -> &[C] {
        if self.0.is_empty() {
            C::defaults(width)
        } else {
            &self.0
        }
    }
}

/// A column that can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offered {
    /// Its name in `tui.toml`.
    pub name: &'static str,
    /// Its title.
    pub title: &'static str,
    /// Its least width.
    pub least: u16,
    /// Whether it is shown.
    pub shown: bool,
}

/// The columns of a list, whatever their type.
pub trait Choosing {
    /// All columns; those that are shown on a list of this width come first.
    fn offered(&self, width: u16) -> Vec<Offered>;

    /// Shows the columns of these names, in this order. An unknown name is an error, and the other columns are still
    /// shown.
    fn choose(&mut self, names: &[&str]) -> Result<(), String>;

    /// The names of the columns that were chosen.
    fn chosen(&self) -> Vec<&'static str>;
}

impl<C: Column> Choosing for Columns<C> {
    fn offered(&self, width: u16) -> Vec<Offered> {
        let shown = self.shown(width);
        let others = C::ALL.iter().map(|about| about.column);
        let others = others.filter(|column| !shown.contains(column));
        let all = shown.iter().copied().chain(others);
        all.map(|column| Offered {
            name: column.about().name,
            title: column.about().title,
            least: column.about().widths[0],
            shown: shown.contains(&column),
        })
        .collect()
    }

    fn choose(&mut self, names: &[&str]) -> Result<(), String> {
        let mut columns = Vec::new();
        let mut unknown = Vec::new();
        for name in names {
            match C::ALL.iter().find(|about| about.name == *name) {
                Some(about) if !columns.contains(&about.column) => columns.push(about.column),
                Some(_) => {}
                None => unknown.push(*name),
            }
        }
        if !columns.is_empty() {
            self.0 = columns;
        }
        if unknown.is_empty() {
            return Ok(());
        }
        let known: Vec<&str> = C::ALL.iter().map(|about| about.name).collect();
        Err(format!(
            "there is no column {}; there are {}",
            Escaped(&unknown.join(", ")),
            known.join(", ")
        ))
    }

    fn chosen(&self) -> Vec<&'static str> {
        self.0.iter().map(|column| column.about().name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold<C: Column + std::fmt::Debug>() {
        let mut names: Vec<&str> = C::ALL.iter().map(|about| about.name).collect();
        for about in C::ALL {
            assert!(about.column.about().name == about.name);
            let title = unicode_width::UnicodeWidthStr::width(about.title);
            assert!(title <= about.widths[0].into(), "{}", about.title);
        }
        let mut columns = Columns::<C>::default();
        for width in [60, 200] {
            let offered = columns.offered(width);
            let shown = offered.iter().take_while(|one| one.shown).count();
            assert_eq!(shown, C::defaults(width).len());
            assert!(offered[shown..].iter().all(|one| !one.shown));
            assert_eq!(offered.len(), C::ALL.len());
        }
        names.reverse();
        assert_eq!(columns.choose(&names), Ok(()));
        assert_eq!(columns.chosen(), names);
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), C::ALL.len());
    }

    #[test]
    fn each_list_has_columns_of_its_own_to_choose_from() {
        hold::<ExchangeColumn>();
        hold::<FrameColumn>();
        let mut columns = Columns::<FrameColumn>::default();
        let said = columns.choose(&["stream", "user", "stream"]).unwrap_err();
        assert!(said.starts_with("there is no column user; there are number, time, delta"));
        assert_eq!(columns.shown(80), [FrameColumn::Stream]);
    }
}
