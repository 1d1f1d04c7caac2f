//! The syntax tree of a filter, with the place of each part, and its canonical form as text.

use std::fmt;
use std::ops::Range;

/// The byte range of a part in the filter's text. All spans are equal to each other, so that trees are compared without
/// their places.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    pub start: usize,
    pub end: usize,
}

impl PartialEq for Span {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Span {
    pub const fn to(self, other: Self) -> Self {
        Self {
            start: self.start,
            end: other.end,
        }
    }
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self {
            start: range.start,
            end: range.end,
        }
    }
}

/// A test or a combination of tests.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    /// At least one holds.
    Or(Vec<Self>),
    /// All hold.
    And(Vec<Self>),
    /// It does not hold.
    Not(Box<Self>),
    /// The operand is present; a bitwise `&` is not 0.
    Test(Operand),
    /// A comparison.
    Compare(Compare),
    /// The field has one of these values.
    In(Operand, Vec<Member>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Compare {
    /// `any` or `all`, if it was written.
    pub quantifier: Option<Quantifier>,
    pub left: Operand,
    pub operator: Operator,
    /// The place of the operator.
    pub at: Span,
    pub right: Operand,
}

/// A member of a set.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Member {
    One(Operand),
    Range(Operand, Operand),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quantifier {
    Any,
    All,
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
    Matches,
}

/// A relation, and whether it must hold for all pairs of values, or for any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Operator {
    pub relation: Relation,
    pub all: bool,
}

impl Operator {
    const fn any(relation: Relation) -> Self {
        Self {
            relation,
            all: false,
        }
    }

    const fn all(relation: Relation) -> Self {
        Self {
            relation,
            all: true,
        }
    }

    /// All spellings of operators. The first one of each is canonical.
    pub const NAMES: [(&'static str, Self); 22] = [
        ("==", Self::any(Relation::Equal)),
        ("eq", Self::any(Relation::Equal)),
        ("any_eq", Self::any(Relation::Equal)),
        ("===", Self::all(Relation::Equal)),
        ("all_eq", Self::all(Relation::Equal)),
        ("!=", Self::all(Relation::NotEqual)),
        ("ne", Self::all(Relation::NotEqual)),
        ("all_ne", Self::all(Relation::NotEqual)),
        ("!==", Self::any(Relation::NotEqual)),
        ("~=", Self::any(Relation::NotEqual)),
        ("any_ne", Self::any(Relation::NotEqual)),
        ("<=", Self::any(Relation::LessOrEqual)),
        ("le", Self::any(Relation::LessOrEqual)),
        ("<", Self::any(Relation::Less)),
        ("lt", Self::any(Relation::Less)),
        (">=", Self::any(Relation::GreaterOrEqual)),
        ("ge", Self::any(Relation::GreaterOrEqual)),
        (">", Self::any(Relation::Greater)),
        ("gt", Self::any(Relation::Greater)),
        ("contains", Self::any(Relation::Contains)),
        ("matches", Self::any(Relation::Matches)),
        ("~", Self::any(Relation::Matches)),
    ];

    pub fn named(word: &str) -> Option<Self> {
        let mut names = Self::NAMES.iter();
        let found = names.find(|(name, _)| *name == word);
        found.map(|(_, operator)| *operator)
    }

    /// The canonical spelling.
    pub fn name(self) -> &'static str {
        let mut names = Self::NAMES.iter();
        let found = names.find(|(_, operator)| *operator == self);
        found.map_or("", |(name, _)| *name)
    }
}

/// A part of a filter that has values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Operand {
    pub what: OperandKind,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum OperandKind {
    /// A field's name, or a value that was not quoted.
    Word(String),
    /// A quoted string.
    Text(Vec<u8>),
    /// A character in single quotes.
    Character(u8),
    /// A slice of an operand's bytes.
    Slice(Box<Operand>, Vec<Piece>),
    /// A function call: its name and its arguments.
    Call(String, Vec<Operand>),
    /// Arithmetic.
    Arithmetic(Box<Operand>, Sign, Box<Operand>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    And,
    Plus,
    Minus,
    Times,
    Divide,
    Remainder,
}

impl Sign {
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::And, "&"),
        (Self::Plus, "+"),
        (Self::Minus, "-"),
        (Self::Times, "*"),
        (Self::Divide, "/"),
        (Self::Remainder, "%"),
    ];

    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(sign, _)| *sign == self);
        found.map_or("", |(_, name)| *name)
    }
}

/// A part of a slice. Negative offsets count from the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub start: i32,
    pub end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// After so many bytes.
    Length(u32),
    /// After the byte at this offset.
    Offset(i32),
    /// At the end of the bytes.
    Open,
}

impl Piece {
    /// The piece of `octets`; `None` if they are too short, or it is empty.
    pub fn of<'a>(&self, octets: &'a [u8]) -> Option<&'a [u8]> {
        let from_end = |offset: i32| {
            let length = i64::try_from(octets.len()).unwrap_or(i64::MAX);
            let at = i64::from(offset);
            usize::try_from(if at < 0 { length + at } else { at }).ok()
        };
        let start = from_end(self.start)?;
        let end = match self.end {
            End::Length(length) => start.checked_add(length as usize)?,
            End::Offset(offset) => from_end(offset)?.checked_add(1)?,
            End::Open => octets.len(),
        };
        // An empty piece has no value.
        octets.get(start..end).filter(|piece| !piece.is_empty())
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.end {
            End::Length(length) => write!(f, "{}:{length}", self.start),
            End::Offset(offset) => write!(f, "{}-{offset}", self.start),
            End::Open => write!(f, "{}:", self.start),
        }
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            OperandKind::Word(word) => f.write_str(word),
            OperandKind::Text(octets) => {
                f.write_str("\"")?;
                for chunk in octets.utf8_chunks() {
                    for character in chunk.valid().chars() {
                        match character {
                            '"' | '\\' => write!(f, "\\{character}")?,
                            control if control.is_control() => {
                                write!(f, "\\U{:08x}", u32::from(control))?;
                            }
                            plain => write!(f, "{plain}")?,
                        }
                    }
                    for octet in chunk.invalid() {
                        write!(f, "\\x{octet:02x}")?;
                    }
                }
                f.write_str("\"")
            }
            OperandKind::Character(octet) => write!(f, "'\\x{octet:02x}'"),
            OperandKind::Slice(of, pieces) => {
                write!(f, "{of}[")?;
                list(f, pieces)?;
                f.write_str("]")
            }
            OperandKind::Call(name, arguments) => {
                write!(f, "{name}(")?;
                list(f, arguments)?;
                f.write_str(")")
            }
            OperandKind::Arithmetic(left, sign, right) => {
                write!(f, "{{{left} {} {right}}}", sign.name())
            }
        }
    }
}

fn list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: &[T]) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        item.fmt(f)?;
    }
    Ok(())
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(operand) => operand.fmt(f),
            Self::Range(from, to) => write!(f, "{from} .. {to}"),
        }
    }
}

impl Expr {
    /// Writes the expression, in parentheses if it binds less tightly than `not`.
    fn group(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Or(_) | Self::And(_) => write!(f, "({self})"),
            _ => write!(f, "{self}"),
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Or(parts) | Self::And(parts) => {
                let word = if matches!(self, Self::Or(_)) {
                    "or"
                } else {
                    "and"
                };
                for (index, part) in parts.iter().enumerate() {
                    if index > 0 {
                        write!(f, " {word} ")?;
                    }
                    part.group(f)?;
                }
                Ok(())
            }
            Self::Not(part) => {
                f.write_str("not ")?;
                part.group(f)
            }
            Self::Test(operand) => operand.fmt(f),
            Self::Compare(compare) => {
                match compare.quantifier {
                    Some(Quantifier::Any) => f.write_str("any ")?,
                    Some(Quantifier::All) => f.write_str("all ")?,
                    None => {}
                }
                let Compare {
                    left,
                    operator,
                    right,
                    ..
                } = compare;
                write!(f, "{left} {} {right}", operator.name())
            }
            Self::In(operand, members) => {
                write!(f, "{operand} in {{")?;
                list(f, members)?;
                f.write_str("}")
            }
        }
    }
}
