//! The frame of every page: the document with its style, its script and its Content-Security-Policy.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// A source that is allowed for what it is and not for where it comes from (CSP level 3, section 2.3.1).
fn hash(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

/// Nothing is loaded, sent or framed; the one style and the one script are part of the page.
fn policy() -> String {
    format!(
        "default-src 'none'; style-src {}; script-src {}; img-src data:; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

/// A whole document.
pub fn document(title: &str, body: &Markup) -> String {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="generator" content={ "Authscope " (crate::VERSION) };
                title { (title) " · Authscope report" }
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                (body)
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    let mut text = document.into_string();
    text.push('\n');
    text
}

/// Links to the parts of a page.
pub fn nav(parts: &[(&str, &str)]) -> Markup {
    html! {
        nav aria-label="Parts of this page" {
            div.bar {
                @for (id, name) in parts { a href={ "#" (id) } { (name) } }
            }
        }
    }
}

/// The footer: what made the page, and what it does not contain.
pub fn footer() -> Markup {
    html! {
        footer {
            p {
                "Made by Authscope " (crate::VERSION) ". Passwords, and all that may be part of one, are not in this page. "
                "It loads nothing and sends nothing."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn style_and_script_end_where_they_should() {
        assert!(!STYLE.contains("</style") && !SCRIPT.contains("</script"));
        assert!(!SCRIPT.contains("<!--"));
        let page = document("a<b", &html! { p { "x" } });
        assert!(page.contains("<title>a&lt;b · Authscope report</title>"));
        assert!(page.contains(&policy()));
    }
}
