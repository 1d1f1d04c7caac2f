//! Compiles a filter's syntax tree: resolves names, checks types, and parses values.

use std::fmt::Write as _;

use memchr::memmem::Finder;
use regex::bytes::RegexBuilder;

use super::error::{FilterError, suggestion};
use super::eval::{self, Node, ValueSource};
use super::fields::{Field, Needs, field};
use super::literal::{self, Constant};
use super::syntax::{
    Compare, Expr, Member, Operand, OperandKind, Quantifier, Relation, Sign, Span,
};
use super::value::{Base, FieldType};
use super::{FilterOptions, functions, nearest_field, unknown_field};

/// The most memory for one compiled regular expression, in bytes.
const REGEX_SIZE: usize = 1 << 20;

/// Compiles a filter. Returns also what it needs to know of a frame.
pub(super) fn compile(expr: &Expr, options: FilterOptions) -> Result<(Node, Needs), FilterError> {
    let mut compiler = Compiler {
        options,
        needs: Needs::default(),
    };
    let node = compiler.expr(expr)?;
    Ok((node, compiler.needs))
}

pub(super) struct Compiler {
    options: FilterOptions,
    needs: Needs,
}

/// A source of values, with their type and their names.
pub(super) struct Typed {
    pub source: ValueSource,
    pub kind: FieldType,
    pub names: &'static [(i64, &'static str)],
}

impl Typed {
    pub const fn new(source: ValueSource, kind: FieldType) -> Self {
        Self {
            source,
            kind,
            names: &[],
        }
    }
}

/// The type of arithmetic results.
pub(super) const RESULT: FieldType = FieldType::Signed;
/// The type of lengths and counts.
pub(super) const COUNT: FieldType = FieldType::Number(32, Base::Decimal);

impl Compiler {
    fn expr(&mut self, expr: &Expr) -> Result<Node, FilterError> {
        Ok(match expr {
            Expr::Or(parts) => Node::Or(self.exprs(parts)?),
            Expr::And(parts) => Node::And(self.exprs(parts)?),
            Expr::Not(part) => Node::Not(Box::new(self.expr(part)?)),
            Expr::Test(operand) => self.test(operand)?,
            Expr::Compare(compare) => self.compare(compare)?,
            Expr::In(operand, members) => self.membership(operand, members)?,
        })
    }

    fn exprs(&mut self, exprs: &[Expr]) -> Result<Vec<Node>, FilterError> {
        exprs.iter().map(|expr| self.expr(expr)).collect()
    }

    /// Compiles an operand without a comparison: a test for its presence.
    fn test(&mut self, operand: &Operand) -> Result<Node, FilterError> {
        match &operand.what {
            OperandKind::Word(word) => {
                let field = known(word, operand.span)?;
                self.needs = self.needs.or(Needs {
                    octets: false,
                    ..field.needs
                });
                Ok(Node::Present(ValueSource::Field(field)))
            }
            OperandKind::Slice(..) => Ok(Node::Present(self.operand(operand, None)?.source)),
            OperandKind::Arithmetic(_, Sign::And, _) => {
                Ok(Node::NonZero(self.operand(operand, None)?.source))
            }
            _ => {
                // Errors within the operand are reported first.
                self.operand(operand, None)?;
                let message = "this has a value, and no test; compare it with something";
                Err(FilterError::at(operand.span, message))
            }
        }
    }

    fn compare(&mut self, compare: &Compare) -> Result<Node, FilterError> {
        let left = self.compared(&compare.left)?;
        let relation = compare.operator.relation;
        let all = match compare.quantifier {
            Some(quantifier) => quantifier == Quantifier::All,
            None => compare.operator.all,
        };
        if matches!(relation, Relation::Contains | Relation::Matches) && !left.kind.is_octets() {
            let message = format!(
                "a {} cannot be searched; string(...) makes text of it",
                left.kind.name()
            );
            return Err(FilterError::at(compare.left.span, message));
        }
        if relation == Relation::Matches {
            return matches(left, &compare.right, all);
        }
        let hint = if relation == Relation::Contains && left.kind == FieldType::Protocol {
            Typed {
                kind: FieldType::Bytes,
                ..left
            }
        } else {
            left
        };
        let right = self.operand(&compare.right, Some((hint.kind, hint.names)))?;
        fits(&hint, &right, compare)?;
        if matches!(relation, Relation::Equal | Relation::NotEqual) {
            is_possible(&hint.source, &right.source, compare.right.span)?;
        }
        if relation == Relation::Contains
            && let ValueSource::Constant(Constant::Text(octets) | Constant::Bytes(octets)) =
                &right.source
        {
            let finder = Box::new(Finder::new(octets).into_owned());
            return Ok(Node::Contains(hint.source, finder, all));
        }
        Ok(Node::Compare {
            left: hint.source,
            relation,
            all,
            right: right.source,
        })
    }

    fn membership(&mut self, operand: &Operand, members: &[Member]) -> Result<Node, FilterError> {
        let left = self.compared(operand)?;
        let mut constant = |operand: &Operand| -> Result<Constant, FilterError> {
            let typed = self.operand(operand, Some((left.kind, left.names)))?;
            is_possible(&left.source, &typed.source, operand.span)?;
            if let ValueSource::Constant(constant) = typed.source {
                return Ok(constant);
            }
            let message = "a set has values only, no fields and no arithmetic";
            Err(FilterError::at(operand.span, message))
        };
        let members = members
            .iter()
            .map(|member| {
                Ok(match member {
                    Member::One(one) => eval::Member::One(constant(one)?),
                    Member::Range(from, to) => eval::Member::Range(constant(from)?, constant(to)?),
                })
            })
            .collect::<Result<_, FilterError>>()?;
        Ok(Node::In(left.source, members))
    }

    /// Compiles the left side of a comparison, which must have values.
    fn compared(&mut self, operand: &Operand) -> Result<Typed, FilterError> {
        let typed = self.operand(operand, None)?;
        if typed.kind == FieldType::Label {
            let message =
                "a label is there or is not and has no value; name it alone, or with \"not\"";
            return Err(FilterError::at(operand.span, message));
        }
        Ok(typed)
    }

    /// Compiles an operand. `hint`: a word that is not a field is parsed as a value of this type.
    pub(super) fn operand(
        &mut self,
        operand: &Operand,
        hint: Option<(FieldType, &'static [(i64, &'static str)])>,
    ) -> Result<Typed, FilterError> {
        let at = |message: String| FilterError::at(operand.span, message);
        match &operand.what {
            OperandKind::Word(word) => match (field(word), hint) {
                (Some(field), _) => self.field(field, operand.span),
                (None, None) => {
                    known(word, operand.span).and_then(|field| self.field(field, operand.span))
                }
                (None, Some((kind, names))) => match literal::word(word, kind, names) {
                    Ok(constant) => Ok(Typed::new(ValueSource::Constant(constant), kind)),
                    Err(message) if looks_like_field(word) => Err(at(format!(
                        "{message}, and no field has that name{}",
                        nearest_field(word)
                    ))),
                    Err(message) => Err(at(message)),
                },
            },
            OperandKind::Text(octets) => {
                let (kind, names) = hint.unwrap_or((FieldType::Text, &[]));
                let constant = literal::text(octets, kind, names).map_err(at)?;
                let kind = if kind.is_octets() {
                    FieldType::Bytes
                } else {
                    kind
                };
                Ok(Typed::new(ValueSource::Constant(constant), kind))
            }
            OperandKind::Character(octet) => {
                let (kind, constant) = match hint {
                    Some((kind, _)) if kind.is_octets() => {
                        (FieldType::Bytes, Constant::Text(vec![*octet]))
                    }
                    Some((kind, _)) if !kind.is_number() => {
                        let message =
                            format!("a character cannot be compared with a {}", kind.name());
                        return Err(at(message));
                    }
                    _ => (RESULT, Constant::Number(i64::from(*octet))),
                };
                Ok(Typed::new(ValueSource::Constant(constant), kind))
            }
            OperandKind::Slice(of, pieces) => {
                let of_what = self.operand(of, None)?;
                if !of_what.kind.is_octets() {
                    let message = format!(
                        "a {} has no slices; text and bytes have",
                        of_what.kind.name()
                    );
                    return Err(FilterError::at(of.span, message));
                }
                let source = ValueSource::Slice(Box::new(of_what.source), pieces.clone());
                Ok(Typed::new(source, FieldType::Bytes))
            }
            OperandKind::Call(name, arguments) => {
                functions::call(self, name, arguments, operand.span)
            }
            OperandKind::Arithmetic(left, sign, right) => self.arithmetic(left, *sign, right, hint),
        }
    }

    fn arithmetic(
        &mut self,
        left: &Operand,
        sign: Sign,
        right: &Operand,
        hint: Option<(FieldType, &'static [(i64, &'static str)])>,
    ) -> Result<Typed, FilterError> {
        // A value takes its type from the field on the other side.
        let is_value = |operand: &Operand| match &operand.what {
            OperandKind::Word(word) => field(word).is_none() && literal::number(word).is_ok(),
            OperandKind::Character(_) => true,
            _ => false,
        };
        let wider = |kind: FieldType| if kind.is_number() { RESULT } else { kind };
        let (left_typed, right_typed) = if is_value(left) {
            let hint = hint
                .map(|(kind, names)| (wider(kind), names))
                .or(Some((RESULT, &[])));
            let hint = if is_value(right) { hint } else { None };
            let right_typed = self.operand(right, hint)?;
            (
                self.operand(left, Some((wider(right_typed.kind), &[])))?,
                right_typed,
            )
        } else {
            let left_typed = self.operand(left, None)?;
            let hint = (wider(left_typed.kind), left_typed.names);
            (left_typed, self.operand(right, Some(hint))?)
        };
        let (a, b) = (left_typed.kind, right_typed.kind);
        let kind = match sign {
            _ if a.is_number() && b.is_number() => RESULT,
            Sign::Plus | Sign::Minus if a == FieldType::Span && b == FieldType::Span => {
                FieldType::Span
            }
            Sign::And if a.is_octets() && b.is_octets() => FieldType::Bytes,
            _ => {
                let message = format!(
                    "a {} and a {} cannot be joined with {}",
                    a.name(),
                    b.name(),
                    sign.name()
                );
                return Err(FilterError::at(left.span.to(right.span), message));
            }
        };
        let source = ValueSource::Arithmetic(
            Box::new(left_typed.source),
            sign,
            Box::new(right_typed.source),
        );
        Ok(Typed::new(source, kind))
    }

    /// Compiles a field whose values are used.
    fn field(&mut self, field: &'static Field, span: Span) -> Result<Typed, FilterError> {
        if field.secret && !self.options.show_passwords {
            let message = format!(
                "{} is masked and cannot be compared; --show-passwords allows it, and its presence can be tested without",
                field.name
            );
            return Err(FilterError::at(span, message));
        }
        self.needs = self.needs.or(field.needs);
        Ok(Typed {
            source: ValueSource::Field(field),
            kind: field.kind,
            names: field.names,
        })
    }

    /// Compiles the argument of `count()`. A secret field is allowed, because its values are not revealed.
    pub(super) fn counted(&mut self, operand: &Operand) -> Result<ValueSource, FilterError> {
        match &operand.what {
            OperandKind::Word(word) => {
                let field = known(word, operand.span)?;
                self.needs = self.needs.or(field.needs);
                Ok(ValueSource::Field(field))
            }
            _ => Err(FilterError::at(operand.span, "count() takes a field")),
        }
    }
}

/// Compiles a comparison with a regular expression.
fn matches(left: Typed, pattern: &Operand, all: bool) -> Result<Node, FilterError> {
    let OperandKind::Text(octets) = &pattern.what else {
        let message = "a regular expression belongs in double quotes";
        return Err(FilterError::at(pattern.span, message));
    };
    // A byte that is not UTF-8 matches itself.
    let mut text = String::with_capacity(octets.len());
    for chunk in octets.utf8_chunks() {
        text.push_str(chunk.valid());
        for octet in chunk.invalid() {
            let _ = write!(text, "\\x{octet:02x}");
        }
    }
    let regex = RegexBuilder::new(&text)
        .case_insensitive(true)
        .unicode(left.kind == FieldType::Text)
        .size_limit(REGEX_SIZE)
        .build()
        .map_err(|error| {
            let text = error.to_string();
            let why = text.lines().last().unwrap_or_default();
            let why = why.trim().trim_start_matches("error: ");
            FilterError::at(pattern.span, format!("not a regular expression: {why}"))
        })?;
    Ok(Node::Matches(left.source, regex, all))
}

/// The field with this name.
///
/// # Errors
///
/// Suggests the most similar name if there is none.
fn known(word: &str, span: Span) -> Result<&'static Field, FilterError> {
    field(word).ok_or_else(|| {
        if literal::number(word).is_ok() {
            return FilterError::at(span, "a field belongs on the left side of a comparison");
        }
        let message = unknown_field(word);
        FilterError::at(span, message)
    })
}

/// Whether a word looks like a field's name.
fn looks_like_field(word: &str) -> bool {
    word.contains('.') && word.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// Checks that a field with a closed set of texts is compared with one of them.
fn is_possible(field: &ValueSource, value: &ValueSource, span: Span) -> Result<(), FilterError> {
    let (ValueSource::Field(field), ValueSource::Constant(Constant::Text(text))) = (field, value)
    else {
        return Ok(());
    };
    let known = |known: &&str| known.as_bytes() == text.as_slice();
    if field.closed.is_empty() || field.closed.iter().any(known) {
        return Ok(());
    }
    let text = String::from_utf8_lossy(text);
    let near = suggestion(&text, field.closed.iter().copied());
    let message = format!(
        "{} is never \"{text}\", but one of: {}{near}",
        field.name,
        field.closed.join(", ")
    );
    Err(FilterError::at(span, message))
}

/// Checks that both sides of a comparison can be compared.
fn fits(left: &Typed, right: &Typed, compare: &Compare) -> Result<(), FilterError> {
    let (a, b) = (left.kind, right.kind);
    let text_and_protocol = matches!(
        (a, b),
        (FieldType::Text, FieldType::Protocol) | (FieldType::Protocol, FieldType::Text)
    );
    let fits = a == b
        || (a.is_number() && b.is_number())
        || (a.is_octets() && b.is_octets() && !text_and_protocol);
    if fits {
        return Ok(());
    }
    let message = format!(
        "a {} cannot be compared with a {}{}",
        a.name(),
        b.name(),
        if text_and_protocol {
            "; text belongs in double quotes"
        } else {
            ""
        }
    );
    Err(FilterError::at(compare.right.span, message))
}
