//! Cells of CSV (RFC 4180), protected against formulas.

/// Appends a cell, in quotes if needed. A cell that a spreadsheet would run as a formula begins with an apostrophe, which
/// marks it as text (OWASP, CSV injection), unless it is `raw`, as numbers are.
pub fn push_cell(out: &mut Vec<u8>, cell: &str, raw: bool) {
    let start = out.len();
    out.extend_from_slice(cell.as_bytes());
    finish_cell(out, start, raw);
}

/// Makes what was appended since `start` a cell, as [`push_cell`] does.
#[inline]
pub fn finish_cell(out: &mut Vec<u8>, start: usize, raw: bool) {
    let cell = &out[start..];
    let needs_quotes = |octet: &u8| matches!(octet, b',' | b'"' | b'\n' | b'\r');
    let is_quoted = cell.iter().any(needs_quotes);
    let is_guarded = !raw && is_formula(cell);
    if is_quoted || is_guarded {
        change_cell(out, start, is_quoted, is_guarded);
    }
}

#[cold]
fn change_cell(out: &mut Vec<u8>, start: usize, is_quoted: bool, is_guarded: bool) {
    let cell = out.split_off(start);
    out.extend(is_quoted.then_some(b'"'));
    out.extend(is_guarded.then_some(b'\''));
    for octet in cell {
        out.extend((octet == b'"').then_some(b'"'));
        out.push(octet);
    }
    out.extend(is_quoted.then_some(b'"'));
}

/// Whether a spreadsheet would run this text as a formula.
fn is_formula(cell: &[u8]) -> bool {
    matches!(
        cell.first(),
        Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r')
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_need_it_and_never_run() {
        for (cell, raw, expected) in [
            ("plain", false, "plain"),
            ("a,\"b\"", false, "\"a,\"\"b\"\"\""),
            ("two\nlines", false, "\"two\nlines\""),
            ("=1,2", false, "\"'=1,2\""),
            ("@x", false, "'@x"),
            ("-1", true, "-1"),
        ] {
            let mut out = Vec::new();
            push_cell(&mut out, cell, raw);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
