//! Parses tokens into a filter's syntax tree. `not` binds tighter than `and`, and `and` tighter than `or`, as in Wireshark.

use super::error::FilterError;
use super::lexer::{Token, tokens};
use super::syntax::{
    Compare, Expr, Member, Operand, OperandKind, Operator, Quantifier, Relation, Sign, Span,
};

/// The longest filter, in bytes.
const MAX_LEN: usize = 1 << 16;
/// The deepest nesting of brackets, functions and arithmetic.
const MAX_DEPTH: usize = 64;

/// Parses a filter.
pub(super) fn parse(text: &str) -> Result<Expr, FilterError> {
    parse_inner(text).map_err(|error| error.of(text))
}

fn parse_inner(text: &str) -> Result<Expr, FilterError> {
    let all = Span::from(0..text.len());
    if text.len() > MAX_LEN {
        let message = format!("the filter is longer than {MAX_LEN} bytes");
        return Err(FilterError::at((0..0).into(), message));
    }
    let tokens = tokens(text)?;
    if tokens.is_empty() {
        return Err(FilterError::at(all, "the filter is empty"));
    }
    let mut parser = Parser {
        tokens: &tokens,
        at: 0,
        end: Span::from(text.len()..text.len()),
        depth: 0,
    };
    let expr = parser.or()?;
    match parser.peek() {
        None => Ok(expr),
        Some(Token::Symbol("=")) => Err(parser.here("to compare, write == (two signs)")),
        Some(Token::Symbol("|")) => Err(parser.here("for \"or\", write || (two signs)")),
        Some(Token::Symbol(")")) => Err(parser.here("this parenthesis was not opened")),
        Some(_) => Err(parser.here("expected \"and\", \"or\" or the end of the filter here")),
    }
}

struct Parser<'a> {
    tokens: &'a [(Token, Span)],
    at: usize,
    end: Span,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn span(&self) -> Span {
        self.tokens.get(self.at).map_or(self.end, |(_, span)| *span)
    }

    fn here(&self, message: impl Into<String>) -> FilterError {
        FilterError::at(self.span(), message)
    }

    /// Takes the next token if it is one of these words or symbols.
    fn take(&mut self, choices: &[&str]) -> Option<(&'a str, Span)> {
        let span = self.span();
        let found = match self.peek()? {
            Token::Word(word) => word.as_str(),
            Token::Symbol(symbol) => symbol,
            _ => return None,
        };
        if choices.contains(&found) {
            self.at += 1;
            return Some((found, span));
        }
        None
    }

    fn expect(&mut self, symbol: &str, message: &str) -> Result<Span, FilterError> {
        match self.take(&[symbol]) {
            Some((_, span)) => Ok(span),
            None => Err(self.here(message)),
        }
    }

    fn deeper<T>(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Result<T, FilterError>,
    ) -> Result<T, FilterError> {
        if self.depth == MAX_DEPTH {
            return Err(self.here(format!("nested more than {MAX_DEPTH} deep")));
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    fn or(&mut self) -> Result<Expr, FilterError> {
        let mut parts = vec![self.and()?];
        while self.take(&["or", "||"]).is_some() {
            parts.push(self.and()?);
        }
        Ok(one_or(parts, Expr::Or))
    }

    fn and(&mut self) -> Result<Expr, FilterError> {
        let mut parts = vec![self.not()?];
        while self.take(&["and", "&&"]).is_some() {
            parts.push(self.not()?);
        }
        Ok(one_or(parts, Expr::And))
    }

    fn not(&mut self) -> Result<Expr, FilterError> {
        if self.take(&["not", "!"]).is_some() {
            return self.deeper(|parser| Ok(Expr::Not(Box::new(parser.not()?))));
        }
        if self.take(&["("]).is_some() {
            let expr = self.deeper(Self::or)?;
            self.expect(")", "expected a closing parenthesis here")?;
            return Ok(expr);
        }
        self.test()
    }

    fn test(&mut self) -> Result<Expr, FilterError> {
        let quantifier = self.quantifier();
        let left = self.operand()?;
        let negated = match (self.peek(), self.tokens.get(self.at + 1)) {
            (Some(Token::Word(not)), Some((Token::Word(word), _))) => not == "not" && word == "in",
            _ => false,
        };
        if negated {
            self.at += 1;
        }
        if self.take(&["in"]).is_some() {
            let members = self.set()?;
            let test = Expr::In(left, members);
            return Ok(if negated {
                Expr::Not(Box::new(test))
            } else {
                test
            });
        }
        let at = self.span();
        let operator = match self.peek() {
            Some(Token::Word(word)) => Operator::named(word),
            Some(Token::Symbol(symbol)) => Operator::named(symbol),
            _ => None,
        };
        let Some(operator) = operator else {
            if quantifier.is_some() {
                return Err(self.here("expected a comparison after \"any\" or \"all\""));
            }
            if let OperandKind::Text(_) | OperandKind::Character(_) = left.what {
                let message = "a value alone is no test; compare a field with it";
                return Err(FilterError::at(left.span, message));
            }
            return Ok(Expr::Test(left));
        };
        self.at += 1;
        let right = self.operand()?;
        if operator.relation == Relation::Matches && !matches!(right.what, OperandKind::Text(_)) {
            let message = "a regular expression belongs in double quotes";
            return Err(FilterError::at(right.span, message));
        }
        Ok(Expr::Compare(Compare {
            quantifier,
            left,
            operator,
            at,
            right,
        }))
    }

    fn quantifier(&mut self) -> Option<Quantifier> {
        let quantifier = match self.peek()? {
            Token::Word(word) if word == "any" => Quantifier::Any,
            Token::Word(word) if word == "all" => Quantifier::All,
            _ => return None,
        };
        self.at += 1;
        Some(quantifier)
    }

    fn set(&mut self) -> Result<Vec<Member>, FilterError> {
        self.expect(
            "{",
            "expected a set in curly brackets here, such as {1, 2, 5..7}",
        )?;
        let mut members = Vec::new();
        loop {
            let from = self.operand()?;
            members.push(if self.take(&[".."]).is_some() {
                Member::Range(from, self.operand()?)
            } else {
                Member::One(from)
            });
            if self.take(&[","]).is_none() {
                break;
            }
        }
        self.expect("}", "expected a comma or a closing curly bracket here")?;
        Ok(members)
    }

    fn operand(&mut self) -> Result<Operand, FilterError> {
        self.deeper(|parser| parser.arithmetic(0))
    }

    /// Parses arithmetic from this level of precedence; level 0 binds least. Operators of one level are left-associative.
    fn arithmetic(&mut self, level: usize) -> Result<Operand, FilterError> {
        const LEVELS: [&[&str]; 3] = [&["&", "bitwise_and"], &["+", "-"], &["*", "/", "%"]];
        let Some(signs) = LEVELS.get(level) else {
            return self.sliced();
        };
        let mut left = self.arithmetic(level + 1)?;
        let mut steps = 0;
        while let Some((word, _)) = self.take(signs) {
            steps += 1;
            if steps > MAX_DEPTH {
                return Err(self.here(format!("more than {MAX_DEPTH} operators in a row")));
            }
            let named = |(_, name): &&(Sign, &str)| *name == word;
            let sign = Sign::ALL
                .iter()
                .find(named)
                .map_or(Sign::And, |(sign, _)| *sign);
            let right = self.arithmetic(level + 1)?;
            left = Operand {
                span: left.span.to(right.span),
                what: OperandKind::Arithmetic(Box::new(left), sign, Box::new(right)),
            };
        }
        Ok(left)
    }

    fn sliced(&mut self) -> Result<Operand, FilterError> {
        let mut operand = self.atom()?;
        while let Some(Token::Slice(pieces)) = self.peek() {
            let span = operand.span.to(self.span());
            self.at += 1;
            operand = Operand {
                what: OperandKind::Slice(Box::new(operand), pieces.clone()),
                span,
            };
            if let OperandKind::Slice(of, _) = &operand.what
                && let OperandKind::Slice(..) = of.what
            {
                return Err(FilterError::at(span, "a slice cannot be cut again"));
            }
        }
        Ok(operand)
    }

    fn atom(&mut self) -> Result<Operand, FilterError> {
        let span = self.span();
        let what = match self.peek() {
            Some(Token::Word(word)) if !is_keyword(word) => {
                self.at += 1;
                if self.take(&["("]).is_some() {
                    return self.call(word, span);
                }
                OperandKind::Word(word.clone())
            }
            Some(Token::Text(octets)) => {
                self.at += 1;
                OperandKind::Text(octets.clone())
            }
            Some(Token::Character(octet)) => {
                self.at += 1;
                OperandKind::Character(*octet)
            }
            Some(Token::Symbol("-")) => {
                self.at += 1;
                let Some(Token::Word(word)) = self.peek() else {
                    return Err(self.here("expected a number after the minus sign"));
                };
                let number = OperandKind::Word(format!("-{word}"));
                let span = span.to(self.span());
                self.at += 1;
                return Ok(Operand { what: number, span });
            }
            Some(Token::Symbol("{")) => {
                self.at += 1;
                let mut operand = self.operand()?;
                let end = self.expect("}", "expected a closing curly bracket here")?;
                operand.span = span.to(end);
                return Ok(operand);
            }
            Some(Token::Symbol("=")) => {
                return Err(self.here("to compare, write == (two signs)"));
            }
            Some(_) => return Err(self.here("expected a field or a value here")),
            None => return Err(self.here("the filter ends where a field or a value should be")),
        };
        Ok(Operand { what, span })
    }

    fn call(&mut self, name: &str, span: Span) -> Result<Operand, FilterError> {
        let mut arguments = vec![self.operand()?];
        while self.take(&[","]).is_some() {
            arguments.push(self.operand()?);
        }
        let end = self.expect(")", "expected a comma or a closing parenthesis here")?;
        Ok(Operand {
            what: OperandKind::Call(name.to_owned(), arguments),
            span: span.to(end),
        })
    }
}

/// Whether a word is reserved, so that it is neither a field nor a value.
fn is_keyword(word: &str) -> bool {
    let keywords = ["and", "or", "not", "in", "any", "all", "bitwise_and"];
    keywords.contains(&word) || Operator::named(word).is_some()
}

fn one_or(mut parts: Vec<Expr>, many: impl FnOnce(Vec<Expr>) -> Expr) -> Expr {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            many(parts)
        }
        None => many(parts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn and_binds_tighter_than_or_and_not_tighter_than_and() {
        for (written, meant) in [
            (
                "a and b or not c or d and not e or f",
                "(a and b) or not c or (d and not e) or f",
            ),
            ("a||b&&!c==1", "a or (b and not c == 1)"),
            ("not a and b", "not a and b"),
            ("not (a and b)", "not (a and b)"),
            ("a not in {1,2..3}", "not a in {1, 2 .. 3}"),
            ("any a !== 1 && all b gt 2", "any a ~= 1 and all b > 2"),
            ("a eq 'x'", "a == '\\x78'"),
            ("a & 2", "{a & 2}"),
            ("a == 1 + 2 * 3 & 4", "a == {{1 + {2 * 3}} & 4}"),
            ("len(a[0:2]) >= -1", "len(a[0:2]) >= -1"),
        ] {
            let parsed = parse(written).unwrap();
            let meant = meant.replace("any a ~= 1", "any a !== 1");
            assert_eq!(parsed.to_string(), meant, "{written}");
            assert_eq!(parse(&meant).unwrap(), parsed, "{meant}");
        }
    }

    #[test]
    fn slips_name_their_place() {
        for (text, place, word) in [
            ("tcp.port = 1", 9..10, "two signs"),
            ("tcp.port ==", 11..11, "ends"),
            ("(tcp", 4..4, "closing parenthesis"),
            ("tcp)", 3..4, "not opened"),
            ("tcp and and ip", 8..11, "expected a field"),
            ("tcp.port in {1 2}", 15..16, "comma"),
            ("tcp.port in 5", 12..13, "curly"),
            ("tcp.port 5", 9..10, "expected \"and\""),
            ("a matches b", 10..11, "double quotes"),
            ("", 0..0, "empty"),
            ("\"abc\"", 0..5, "no test"),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.place(), place, "{text}: {error}");
            assert!(error.message().contains(word), "{text}: {error}");
        }
        let deep = format!("{}tcp", "(".repeat(10_000));
        assert!(parse(&deep).unwrap_err().message().contains("deep"));
        let chain = format!("tcp.len{} == 1", " + 1".repeat(10_000));
        assert!(parse(&chain).unwrap_err().message().contains("in a row"));
    }
}
