//! The characters that lines, arrows and bars are drawn with: Unicode or ASCII.

#![expect(clippy::cast_possible_truncation, reason = "columns of a terminal")]

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Characters for lines, arrows and bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Charset {
    /// Box drawing, arrows and blocks.
    #[default]
    Unicode,
    /// Plain ASCII.
    Ascii,
}

impl Charset {
    /// The charset of the locale: Unicode if its encoding is UTF-8. Of `LC_ALL`, `LC_CTYPE` and `LANG`, the first one that
    /// is set and not empty counts (POSIX, XBD 8.2).
    #[must_use]
    pub fn of_locale() -> Self {
        if crate::platform::console::IS_UNICODE {
            return Self::Unicode;
        }
        let set = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| {
            let value = std::env::var_os(name)?;
            (!value.is_empty()).then(|| value.to_string_lossy().into_owned())
        });
        Self::of(&set.unwrap_or_default())
    }

    fn of(locale: &str) -> Self {
        let name = locale.to_ascii_lowercase();
        if name.contains("utf-8") || name.contains("utf8") {
            Self::Unicode
        } else {
            Self::Ascii
        }
    }

    /// The text in at most `columns` columns of a terminal: the middle of a longer one is replaced by an ellipsis.
    #[must_use]
    pub fn shortened(self, text: &str, columns: usize) -> Cow<'_, str> {
        if text.width() <= columns {
            return Cow::Borrowed(text);
        }
        let dots = match self {
            Self::Unicode => "…",
            Self::Ascii => "~",
        };
        let mut room = [columns / 2, columns.saturating_sub(columns / 2 + 1)];
        let mut take = |side: usize, one: char| {
            let left = room[side].checked_sub(one.width().unwrap_or(0));
            room[side] = left.unwrap_or(0);
            left.is_some()
        };
        let mut head = String::new();
        head.extend(text.chars().take_while(|one| take(0, *one)));
        let behind = text.chars().rev().take_while(|one| take(1, *one));
        let tail: Vec<char> = behind.collect();
        head.push_str(dots);
        head.extend(tail.into_iter().rev());
        Cow::Owned(head)
    }

    /// The character of failures in a bar.
    #[must_use]
    pub const fn failed(self) -> char {
        match self {
            Self::Unicode => '▒',
            Self::Ascii => 'x',
        }
    }

    /// A horizontal bar of two parts, successes and then [failures](Self::failed). A value of `most` has `width` columns.
    /// A value above 0 has at least one.
    #[must_use]
    pub fn stacked(self, values: [u64; 2], most: u64, width: u64) -> String {
        let [successes, failures] = values;
        if failures == 0 {
            return self.bar(successes, most, width);
        }
        let columns =
            |value: u64| (u128::from(value) * u128::from(width) / u128::from(most.max(1))) as u64;
        let (all, failed) = if successes == 0 {
            let all = columns(failures).max(1);
            (all, all)
        } else {
            let all = columns(successes + failures).max(2);
            (all, columns(failures).clamp(1, all - 1))
        };
        let full = match self {
            Self::Unicode => '█',
            Self::Ascii => '#',
        };
        let part = |one: char, columns: u64| std::iter::repeat_n(one, columns as usize);
        part(full, all - failed)
            .chain(part(self.failed(), failed))
            .collect()
    }

    /// A horizontal bar for `value`. A value of `most` has `width` columns. A value above 0 can always be seen.
    #[must_use]
    pub fn bar(self, value: u64, most: u64, width: u64) -> String {
        if value == 0 || most == 0 {
            return String::new();
        }
        let parts = match self {
            Self::Unicode => 8,
            Self::Ascii => 1,
        };
        let length = u128::from(value) * u128::from(width * parts) / u128::from(most);
        let length = (length as u64).max(1);
        match self {
            Self::Ascii => "#".repeat(length as usize),
            Self::Unicode => {
                const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
                let mut bar = "█".repeat((length / 8) as usize);
                bar.push_str(EIGHTHS[(length % 8) as usize]);
                bar
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_says_what_may_be_drawn() {
        for unicode in ["en_GB.UTF-8", "C.utf8", "de_DE.UTF-8@euro"] {
            assert_eq!(Charset::of(unicode), Charset::Unicode);
        }
        for ascii in ["", "C", "POSIX", "de_DE.ISO-8859-1"] {
            assert_eq!(Charset::of(ascii), Charset::Ascii);
        }
    }

    #[test]
    fn what_is_too_long_loses_its_middle() {
        let shortened = |text, columns| Charset::Unicode.shortened(text, columns);
        assert_eq!(shortened("192.0.2.1", 15), "192.0.2.1");
        assert_eq!(
            shortened("2001:db8:1234:5678:9abc:def0:1:2", 15),
            "2001:db…ef0:1:2"
        );
        assert_eq!(shortened("日本日本日本", 7), "日…本");
        assert_eq!(Charset::Ascii.shortened("abcdefgh", 5), "ab~gh");
    }

    #[test]
    fn bars_are_as_long_as_their_value() {
        assert_eq!(Charset::Unicode.bar(8, 8, 4), "████");
        assert_eq!(Charset::Unicode.bar(3, 8, 4), "█▌");
        assert_eq!(Charset::Unicode.bar(1, 1_000_000, 4), "▏");
        assert_eq!(Charset::Unicode.bar(0, 8, 4), "");
        assert_eq!(Charset::Ascii.bar(4, 8, 4), "##");
        assert_eq!(Charset::Ascii.bar(u64::MAX, u64::MAX, 4), "####");
    }

    #[test]
    fn stacked_bars_show_both_parts() {
        assert_eq!(Charset::Unicode.stacked([4, 4], 8, 8), "████▒▒▒▒");
        assert_eq!(Charset::Unicode.stacked([3, 0], 8, 4), "█▌");
        assert_eq!(Charset::Unicode.stacked([0, 8], 8, 4), "▒▒▒▒");
        assert_eq!(
            Charset::Unicode.stacked([1, 1_000_000], 1_000_001, 4),
            "█▒▒▒"
        );
        assert_eq!(Charset::Ascii.stacked([1_000_000, 1], 1_000_001, 4), "###x");
        assert_eq!(Charset::Ascii.stacked([1, 1], 1_000_000, 4), "#x");
        assert_eq!(Charset::Ascii.stacked([0, 0], 8, 4), "");
    }
}
