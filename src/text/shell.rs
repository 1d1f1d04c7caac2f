//! Quotes text for a POSIX shell.

/// The text as one word of a shell: unchanged if that is safe, otherwise in single quotes.
#[must_use]
pub fn word(text: &str) -> String {
    let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-._/,:=@%+".contains(&octet);
    if !text.is_empty() && text.bytes().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_they_need_it() {
        for (text, quoted) in [
            ("a/b-1.pcap", "a/b-1.pcap"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", "'it'\\''s'"),
            ("$(x)", "'$(x)'"),
            ("ü", "'ü'"),
        ] {
            assert_eq!(word(text), quoted);
        }
    }
}
