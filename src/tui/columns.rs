//! Columns of the two lists: which there are, which of them are shown, and in which order.

use crate::text::escape::Escaped;

/// What stands in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellKind {
    /// Text, left-aligned.
    Text,
    /// The name of a message, left-aligned, as wide as names of the layouts are up to these widths.
    Name([u16; 3]),
    /// An address, left-aligned. If it is too long, its middle is left out, because the end distinguishes it from
    /// others.
    Address,
    /// A number, right-aligned.
    Number,
    /// A time, right-aligned, as wide as the chosen time format.
    Time,
}

impl CellKind {
    /// Whether its end can be left out.
    #[must_use]
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Name(_))
    }
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

use CellKind::{Address, Name, Number, Text, Time};

/// Declares the columns of a list, a row each: name, title, widths, and what stands in it.
macro_rules! columns {
    ($(#[$doc:meta])* $list:ident($width:ident => $defaults:expr) {
        $($column:ident = $name:literal, $title:literal, $widths:expr, $kind:expr;)*
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "their names say it")]
        pub enum $list {
            $($column,)*
        }

        impl Column for $list {
            const ALL: &'static [About<Self>] = &[$(About {
                column: Self::$column,
                name: $name,
                title: $title,
                widths: $widths,
                kind: $kind,
            }),*];

            fn defaults($width: u16) -> &'static [Self] {
                $defaults
            }
        }
    };
}

columns! {
    /// A column of exchanges, by which they can be sorted.
    ExchangeColumn(_width => DEFAULTS_OF_EXCHANGES) {
        Number = "number", "#", [6, 6, 6], Number;
        Time = "time", "Time", [11, 11, 11], Time;
        User = "user", "User", [10, 10, 20], Text;
        Action = "action", "Action", [8, 8, 13], Name([11, 20, 28]);
        Result = "result", "Result", [18, 18, 48], Text;
        Milliseconds = "ms", "ms", [8, 8, 8], Number;
        Stream = "stream", "Stream", [6, 6, 6], Number;
        Client = "client", "Client", [21, 21, 31], Address;
        Server = "server", "Server", [21, 21, 31], Address;
        Frames = "frames", "Frames", [12, 12, 12], Text;
        Note = "note", "Note", [7, 7, 47], Text;
    }
}

const DEFAULTS_OF_EXCHANGES: &[ExchangeColumn] = {
    use ExchangeColumn::{Action, Milliseconds, Note, Number, Result, Stream, Time, User};
    &[
        Number,
        Time,
        User,
        Action,
        Result,
        Milliseconds,
        Stream,
        Note,
    ]
};

columns! {
    /// A column of frames.
    FrameColumn(width => defaults_of_frames(width)) {
        Number = "number", "No.", [7, 7, 7], Number;
        Time = "time", "Time", [11, 11, 11], Time;
        Delta = "delta", "Delta", [11, 11, 11], Number;
        Source = "source", "Source", [14, 14, 39], Address;
        SourcePort = "source-port", "Src port", [8, 8, 8], Number;
        Destination = "destination", "Destination", [14, 14, 39], Address;
        DestinationPort = "destination-port", "Dst port", [8, 8, 8], Number;
        Protocol = "protocol", "Protocol", [8, 8, 8], Text;
        Length = "length", "Length", [6, 6, 6], Number;
        Stream = "stream", "Stream", [6, 6, 6], Number;
        Info = "info", "Info", [8, 18, 118], Text;
    }
}

/// Width from which a list of frames shows addresses and lengths; on a narrower one the Info column matters more.
const ROOM_FOR_ADDRESSES: u16 = 72;
const ROOM_FOR_LENGTH: u16 = 100;

const fn defaults_of_frames(width: u16) -> &'static [FrameColumn] {
    use FrameColumn::{Destination, Info, Length, Number, Protocol, Source, Time};
    if width < ROOM_FOR_ADDRESSES {
        &[Number, Time, Protocol, Info]
    } else if width < ROOM_FOR_LENGTH {
        &[Number, Time, Source, Destination, Protocol, Info]
    } else {
        &[Number, Time, Source, Destination, Protocol, Length, Info]
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
