//! Recognises text, and judges the widths of text fields.

use super::body::{Extent, Field, GuessedType, Piece};

/// Whether bytes are UTF-8 without control characters except tabs and line breaks.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| {
        text.chars()
            .all(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r'))
    })
}

/// The value of a fixed-width field that is padded with `fill`; `None` if it is not text.
pub(super) fn value(field: &[u8], fill: u8) -> Option<&[u8]> {
    let value = if fill == 0 {
        let len = field
            .iter()
            .position(|byte| *byte == 0)
            .unwrap_or(field.len());
        if field[len..].iter().any(|byte| *byte != 0) {
            return None;
        }
        &field[..len]
    } else {
        let len = field
            .iter()
            .rposition(|byte| *byte != fill)
            .map_or(0, |last| last + 1);
        &field[..len]
    };
    is_text(value).then_some(value)
}

/// The cost of a usual width, in bits.
pub(super) const USUAL: f64 = 4.0;

/// The cost of a text field's width, in bits: the more usual, the lower.
pub(super) fn width(width: usize) -> f64 {
    match width {
        8 | 16 | 20 | 24 | 30 | 32 | 40 | 48 | 50 | 60 | 64 | 80 | 100 | 120 | 128 | 200 | 255
        | 256 => USUAL,
        10 | 12 | 15 | 25 | 36 | 65 | 33 | 96 | 512 => 6.0,
        width if width % 4 == 0 || width % 10 == 0 => 7.0,
        width if width % 2 == 0 => 9.0,
        _ => 11.0,
    }
}

/// Total widths of two text fields of the same width.
const TWICE: [usize; 8] = [16, 24, 32, 40, 48, 60, 64, 128];

/// Splits the only text field of a request into two of half its width if the text runs over the middle: a name that fills
/// its field has no NUL before the next field.
pub(super) fn halves(fields: &mut Vec<Field>, pieces: &[Piece<'_>]) {
    let is_text = |field: &Field| matches!(field.what, GuessedType::Text(..));
    let [place] = (0..fields.len())
        .filter(|index| is_text(&fields[*index]))
        .collect::<Vec<_>>()[..]
    else {
        return;
    };
    let GuessedType::Text(Extent::Fixed(width), 0) = fields[place].what else {
        return;
    };
    if !TWICE.contains(&width) || pieces.len() > 4 || !pieces.iter().all(|piece| piece.secret) {
        return;
    }
    let full = pieces.iter().all(|piece| {
        let places = super::body::places(fields, piece);
        let start = places.map_or(piece.start, |places| places[place].0);
        piece.get(start, width).is_some_and(|field| {
            let (first, second) = field.split_at(width / 2);
            !first.contains(&0) && value(second, 0).is_some_and(|text| !text.is_empty())
        })
    });
    if full {
        let half = GuessedType::Text(Extent::Fixed(width / 2), 0);
        let doubt = format!("two texts of {} bytes, or one of {width}", width / 2);
        let field = Field {
            what: half,
            doubts: vec![doubt],
        };
        fields.splice(place..=place, [field.clone(), field]);
    }
}
