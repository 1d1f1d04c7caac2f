//! The byte range at the left edge of each line of the tree: `1024-1081`.

use std::ops::Range;

use arrayvec::ArrayString;

use crate::text::put;

/// Columns for a byte range.
const GUTTER: usize = 10;
/// Columns that each level of the tree is indented by.
const INDENT: usize = 2;

/// Bytes of a cached text at most: the gutter and three levels.
const TEXT: usize = GUTTER + 3 * INDENT;
/// Slots of the cache; a power of two.
const KNOWN: usize = 256;
/// A factor that spreads the headers and fields of a frame over different slots.
const SPREAD: usize = 19;

/// A slot: the gutter and indentation of a line with this range and depth.
#[derive(Debug, Clone, Default)]
struct Known {
    range: Range<usize>,
    depth: usize,
    text: ArrayString<TEXT>,
}

/// Writes the gutter and the indentation of lines. Most frames have their headers and fields at the same offsets, so the
/// texts are cached.
#[derive(Debug)]
pub(super) struct Gutters {
    known: Box<[Known]>,
    text: String,
}

impl Default for Gutters {
    fn default() -> Self {
        Self {
            known: vec![Known::default(); KNOWN].into(),
            text: String::new(),
        }
    }
}

impl Gutters {
    /// Appends the gutter and the indentation of a line. A line of depth 0 without a range has neither.
    #[inline]
    pub fn write(&mut self, out: &mut String, range: Option<&Range<usize>>, depth: usize) {
        let Some(range) = range.filter(|range| !range.is_empty()) else {
            let is_moved = depth > 0 || range.is_some();
            put::spaces(out, if is_moved { GUTTER + depth * INDENT } else { 0 });
            return;
        };
        let place = range
            .start
            .wrapping_mul(SPREAD)
            .wrapping_add(range.end + depth)
            % KNOWN;
        let known = &self.known[place];
        if known.range == *range && known.depth == depth {
            out.push_str(&known.text);
        } else {
            self.learn(out, range, depth, place);
        }
    }

    /// Appends them for a line that is not in the cache, and puts them there if they are short enough.
    fn learn(&mut self, out: &mut String, range: &Range<usize>, depth: usize, place: usize) {
        let text = &mut self.text;
        text.clear();
        put::number(text, range.start);
        if range.len() > 1 {
            text.push('-');
            put::number(text, range.end - 1);
        }
        let room = GUTTER.saturating_sub(text.len());
        put::spaces(text, room + depth * INDENT);
        out.push_str(text);
        if let Ok(text) = ArrayString::from(text) {
            self.known[place] = Known {
                range: range.clone(),
                depth,
                text,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_without_bytes_is_moved_in_unless_it_is_a_layers_own() {
        let mut out = String::new();
        let mut gutters = Gutters::default();
        gutters.write(&mut out, None, 0);
        assert_eq!(out, "");
        gutters.write(&mut out, Some(&(7..7)), 0);
        assert_eq!(out, " ".repeat(GUTTER));
        out.clear();
        gutters.write(&mut out, None, 1);
        assert_eq!(out, " ".repeat(GUTTER + INDENT));
    }

    proptest! {
        #[test]
        fn what_is_remembered_is_what_is_written(
            lines in proptest::collection::vec((0..70usize, 1..70usize, 0..4usize), 1..300),
            far in any::<u32>(),
        ) {
            let mut gutters = Gutters::default();
            let far = (far as usize, 1, 2);
            for (start, len, depth) in lines.into_iter().chain([far, far]) {
                let mut out = String::new();
                gutters.write(&mut out, Some(&(start..start + len)), depth);
                let bytes = match len {
                    1 => start.to_string(),
                    _ => format!("{start}-{}", start + len - 1),
                };
                let indent = " ".repeat(depth * INDENT);
                prop_assert_eq!(out, format!("{bytes:<GUTTER$}{indent}"));
            }
        }
    }
}
