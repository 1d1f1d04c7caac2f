//! Cells of CSV (RFC 4180), protected against formulas.

/// Appends a cell, in quotes if needed. A cell that a spreadsheet would run as a formula begins with an apostrophe, which
/// marks it as text (OWASP, CSV injection), unless it is `raw`, as numbers are.
pub fn push_cell(out: &mut String, cell: &str, raw: bool) {
    let start = out.len();
    out.push_str(cell);
    finish_cell(out, start, raw);
}

/// Makes the text from `start` on a cell, as [`push_cell`] does.
#[inline]
pub fn finish_cell(out: &mut String, start: usize, raw: bool) {
    let cell = &out[start..];
    let needs_quotes = |octet| matches!(octet, b',' | b'"' | b'\n' | b'\r');
    let is_quoted = cell.bytes().any(needs_quotes);
    let is_guarded = !raw && is_formula(cell);
    if is_quoted || is_guarded {
        change_cell(out, start, is_quoted, is_guarded);
    }
}

#[cold]
fn change_cell(out: &mut String, start: usize, is_quoted: bool, is_guarded: bool) {
    let cell = out.split_off(start);
    let quote = if is_quoted { "\"" } else { "" };
    out.push_str(quote);
    out.push_str(if is_guarded { "'" } else { "" });
    out.push_str(&cell.replace('"', "\"\""));
    out.push_str(quote);
}

/// Whether a spreadsheet would run this text as a formula.
fn is_formula(cell: &str) -> bool {
    matches!(
        cell.as_bytes().first(),
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
            let mut out = String::new();
            push_cell(&mut out, cell, raw);
            assert_eq!(out, expected);
        }
    }
}
