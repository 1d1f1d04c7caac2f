//! Splits a filter's text into tokens.

use winnow::ascii::{dec_int, dec_uint, multispace0};
use winnow::combinator::{alt, cut_err, opt, preceded, repeat, separated, terminated};
use winnow::error::{ContextError, ErrMode, StrContext};
use winnow::stream::{LocatingSlice, Location};
use winnow::token::{any, none_of, one_of, take_while};
use winnow::{ModalResult, Parser};

use super::error::FilterError;
use super::syntax::{End, Piece, Span};

/// A token of a filter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name, a keyword, or a value that is not quoted.
    Word(String),
    /// A quoted string with its escapes resolved, or a raw string.
    Text(Vec<u8>),
    /// A character in single quotes.
    Character(u8),
    /// A slice in brackets.
    Slice(Vec<Piece>),
    /// An operator or a bracket.
    Symbol(&'static str),
}

type Input<'a> = LocatingSlice<&'a str>;

/// If one symbol begins with another, the longer one comes first.
const SYMBOLS: [&str; 27] = [
    "===", "!==", "==", "!=", "~=", "<=", ">=", "&&", "||", "..", "<", ">", "~", "!", "&", "(",
    ")", "{", "}", ",", "+", "-", "*", "/", "%", "|", "=",
];

/// All tokens, with their places.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, Span)>, FilterError> {
    let mut input = LocatingSlice::new(text);
    let mut tokens = Vec::new();
    loop {
        let _: ModalResult<&str> = multispace0.parse_next(&mut input);
        if input.is_empty() {
            return Ok(tokens);
        }
        let start = input.current_token_start();
        match token.with_span().parse_next(&mut input) {
            Ok((token, span)) => tokens.push((token, span.into())),
            Err(error) => return Err(slip(text, start, error)),
        }
    }
}

fn slip(text: &str, start: usize, error: ErrMode<ContextError>) -> FilterError {
    let context = error.into_inner().ok();
    let label = context.as_ref().and_then(|context| {
        context.context().find_map(|context| match context {
            StrContext::Label(label) => Some(*label),
            _ => None,
        })
    });
    let end = match label {
        // An unclosed string or slice reaches to the end of the text.
        Some(_) => text.len(),
        None => start + text[start..].chars().next().map_or(0, char::len_utf8),
    };
    let message = label.unwrap_or("this character has no meaning here");
    FilterError::at((start..end).into(), message)
}

fn token(input: &mut Input<'_>) -> ModalResult<Token> {
    alt((
        raw_string.map(Token::Text),
        string.map(Token::Text),
        character.map(Token::Character),
        slice.map(Token::Slice),
        word.map(|word: &str| Token::Word(word.to_owned())),
        symbol.map(Token::Symbol),
    ))
    .parse_next(input)
}

fn symbol(input: &mut Input<'_>) -> ModalResult<&'static str> {
    for mut symbol in SYMBOLS {
        if input.starts_with(symbol) {
            symbol.parse_next(input)?;
            return Ok(symbol);
        }
    }
    Err(ErrMode::Backtrack(ContextError::new()))
}

fn word<'a>(input: &mut Input<'a>) -> ModalResult<&'a str> {
    let length = word_length(input);
    if length == 0 {
        return Err(ErrMode::Backtrack(ContextError::new()));
    }
    winnow::token::take(input[..length].chars().count()).parse_next(input)
}

/// The length of the word at the start of `text` in bytes. `-` and `/` belong to a word only after hexadecimal digits: in
/// addresses, times and bytes.
fn word_length(text: &str) -> usize {
    let mut digits = true;
    let mut at = 0;
    for (index, character) in text.char_indices() {
        let rest = &text[index + character.len_utf8()..];
        let next = rest.chars().next();
        let is_part = match character {
            '.' => index > 0 && next != Some('.'),
            ':' => index > 0 || next == Some(':'),
            '-' => index > 0 && digits && next.is_some_and(char::is_alphanumeric),
            '/' => index > 0 && digits && next.is_some_and(|next| next.is_ascii_digit()),
            '_' => true,
            other => other.is_alphanumeric(),
        };
        if !is_part {
            break;
        }
        digits &= character.is_ascii_hexdigit() || matches!(character, '.' | ':' | '-' | 'T');
        at = index + character.len_utf8();
    }
    at
}

const NO_END: StrContext = StrContext::Label("this string has no closing quote");

fn raw_string(input: &mut Input<'_>) -> ModalResult<Vec<u8>> {
    let escaped = ('\\', '"').take();
    let part = alt((escaped, none_of('"').take()));
    let parts = repeat(0.., part).fold(Vec::new, |mut octets, part: &str| {
        octets.extend_from_slice(part.as_bytes());
        octets
    });
    alt(("r\"", "R\"")).parse_next(input)?;
    cut_err(terminated(parts, '"'))
        .context(NO_END)
        .parse_next(input)
}

fn string(input: &mut Input<'_>) -> ModalResult<Vec<u8>> {
    let parts = repeat(0.., string_part).fold(Vec::new, |mut octets, part: Part| {
        part.put(&mut octets);
        octets
    });
    '"'.parse_next(input)?;
    cut_err(terminated(parts, '"'))
        .context(NO_END)
        .parse_next(input)
}

/// A character or byte of a string.
enum Part {
    Octet(u8),
    Character(char),
}

impl Part {
    fn put(self, octets: &mut Vec<u8>) {
        match self {
            Self::Octet(octet) => octets.push(octet),
            Self::Character(character) => {
                octets.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }
}

fn string_part(input: &mut Input<'_>) -> ModalResult<Part> {
    let plain = none_of(['"', '\\']).map(Part::Character);
    alt((plain, preceded('\\', cut_err(escape)))).parse_next(input)
}

fn digits(least: usize, most: usize, radix: u32) -> impl FnMut(&mut Input<'_>) -> ModalResult<u32> {
    move |input| {
        take_while(least..=most, move |digit: char| digit.is_digit(radix))
            .verify_map(|digits| u32::from_str_radix(digits, radix).ok())
            .parse_next(input)
    }
}

/// Parses what follows a backslash.
fn escape(input: &mut Input<'_>) -> ModalResult<Part> {
    let octet = |number: u32| u8::try_from(number).ok().map(Part::Octet);
    let code_point = |number: u32| char::from_u32(number).map(Part::Character);
    alt((
        preceded('x', digits(1, 2, 16)).verify_map(octet),
        preceded('u', digits(4, 4, 16)).verify_map(code_point),
        preceded('U', digits(8, 8, 16)).verify_map(code_point),
        digits(1, 3, 8).verify_map(octet),
        any.verify_map(|character| {
            Some(Part::Octet(match character {
                '\'' | '"' | '\\' => character as u8,
                'a' => 0x07,
                'b' => 0x08,
                'f' => 0x0c,
                'n' => b'\n',
                'r' => b'\r',
                't' => b'\t',
                'v' => 0x0b,
                _ => return None,
            }))
        }),
    ))
    .context(StrContext::Label(
        "no such escape; there are \\\\ \\\" \\' \\a \\b \\f \\n \\r \\t \\v \\NNN \\xNN \\uNNNN \\UNNNNNNNN",
    ))
    .parse_next(input)
}

fn character(input: &mut Input<'_>) -> ModalResult<u8> {
    let plain = none_of(['\'', '\\']).verify_map(|character: char| u8::try_from(character).ok());
    let escaped = preceded('\\', escape).verify_map(|part| match part {
        Part::Octet(octet) => Some(octet),
        Part::Character(character) => u8::try_from(character).ok(),
    });
    '\''.parse_next(input)?;
    cut_err(terminated(alt((escaped, plain)), '\''))
        .context(StrContext::Label(
            "a single character of one byte belongs in single quotes; strings take double quotes",
        ))
        .parse_next(input)
}

fn slice(input: &mut Input<'_>) -> ModalResult<Vec<Piece>> {
    let comma = (multispace0, ',', multispace0);
    let pieces = separated(1.., piece, comma);
    ('[', multispace0).parse_next(input)?;
    cut_err(terminated(pieces, (multispace0, ']')))
        .context(StrContext::Label(
            "not a slice; there are [offset:length], [first-last], [offset], [:length] and [offset:], with commas between several",
        ))
        .parse_next(input)
}

fn piece(input: &mut Input<'_>) -> ModalResult<Piece> {
    let to_length = preceded(':', dec_uint).map(|length| Piece {
        start: 0,
        end: End::Length(length),
    });
    alt((to_length, piece_from)).parse_next(input)
}

fn piece_from(input: &mut Input<'_>) -> ModalResult<Piece> {
    let start = dec_int.parse_next(input)?;
    let sign = opt(one_of([':', '-'])).parse_next(input)?;
    let end = match sign {
        Some(':') => opt(dec_uint)
            .parse_next(input)?
            .map_or(End::Open, End::Length),
        Some(_) => End::Offset(dec_int.parse_next(input)?),
        None => End::Length(1),
    };
    Ok(Piece { start, end })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lexed(text: &str) -> Vec<Token> {
        tokens(text)
            .unwrap()
            .into_iter()
            .map(|(token, _)| token)
            .collect()
    }

    fn word(word: &str) -> Token {
        Token::Word(word.to_owned())
    }

    #[test]
    fn words_end_where_operators_begin() {
        let port = word("tcp.port");
        let expected = [port.clone(), Token::Symbol("=="), word("8888")];
        assert_eq!(lexed("tcp.port==8888"), expected);
        for text in [
            "10.0.0.0/8",
            "2001:db8::/32",
            "::1",
            "aa-bb",
            "2024-01-15T10:00:00Z",
        ] {
            assert_eq!(lexed(text), [word(text)]);
        }
        let range = [word("1"), Token::Symbol(".."), word("5")];
        assert_eq!(lexed("1..5"), range);
        let from = [port, Token::Symbol("-"), word("1")];
        assert_eq!(lexed("tcp.port -1"), from);
    }

    #[test]
    fn strings_have_escapes_and_raw_strings_none() {
        let text = |octets: &[u8]| Token::Text(octets.to_vec());
        assert_eq!(
            lexed(r#""\x48\105A\u00e4\"\n""#),
            [text("HEAä\"\n".as_bytes())]
        );
        assert_eq!(lexed(r#"r"\\x\"""#), [text(br#"\\x\""#)]);
        assert_eq!(
            lexed(r"'\n' 'a'"),
            [Token::Character(10), Token::Character(b'a')]
        );
    }

    #[test]
    fn slices_are_read_in_all_forms() {
        let piece = |start, end| Piece { start, end };
        let expected = vec![
            piece(0, End::Length(4)),
            piece(1, End::Offset(-2)),
            piece(-4, End::Open),
            piece(0, End::Length(2)),
            piece(7, End::Length(1)),
        ];
        assert_eq!(lexed("[0:4, 1--2,-4:,:2,7]"), [Token::Slice(expected)]);
    }

    #[test]
    fn slips_name_their_place() {
        for (text, start, end) in [
            ("tcp == \"abc", 7, 11),
            ("tcp[x]", 3, 6),
            ("tcp == 'ab'", 7, 11),
            ("tcp $ 1", 4, 5),
            ("\"\\q\"", 0, 4),
        ] {
            let error = tokens(text).unwrap_err();
            assert_eq!((error.span.start, error.span.end), (start, end), "{text}");
        }
    }
}
