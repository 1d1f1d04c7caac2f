//! Cells of CSV (RFC 4180), protected against formulas.

/// Appends a cell, in quotes if needed. A cell that a spreadsheet would run as a formula begins with an apostrophe, which
/// marks it as text (OWASP, CSV injection), unless it is `raw`, as numbers are.
pub fn push_cell(out: &mut String, cell: &str, raw: bool) {
    let guard = if !raw && is_formula(cell) { "'" } else { "" };
    if cell.contains([',', '"', '\n', '\r']) {
        out.push('"');
        out.push_str(guard);
        out.push_str(&cell.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(guard);
        out.push_str(cell);
    }
}

/// Whether a spreadsheet would run this text as a formula.
fn is_formula(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r'])
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
