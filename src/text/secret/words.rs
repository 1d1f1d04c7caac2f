//! Finds secrets from packets in other text, such as comments: a comment with a password reveals it as the packet does.

use std::collections::HashSet;

use super::HIDDEN;

/// Secrets are compared in pieces of so many bytes. A shorter secret is found only as a separate word.
const PIECE: usize = 4;

/// The pieces of all secrets.
#[derive(Debug, Default)]
pub struct SecretWords {
    pieces: HashSet<[u8; PIECE]>,
    /// Secrets shorter than a piece.
    words: HashSet<Vec<u8>>,
}

/// Whether a byte can be part of typed text.
const fn is_text(octet: u8) -> bool {
    octet >= b' ' && octet != 0x7f
}

/// Whether a byte is part of a word: a letter, a digit, or beyond ASCII.
const fn is_word(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || !octet.is_ascii()
}

impl SecretWords {
    /// Adds consecutive hidden bytes. `before`: the hidden bytes directly before them, which were already added.
    pub fn learn(&mut self, before: &[u8], octets: &[u8]) {
        let all = [before, octets].concat();
        for text in all.split(|octet| !is_text(*octet)) {
            self.pieces.extend(text.windows(PIECE).map(|piece| {
                let mut copy = [0; PIECE];
                copy.copy_from_slice(piece);
                copy
            }));
        }
        // The ends of a secret are known only if nothing hidden precedes these bytes.
        if before.is_empty() {
            for text in octets.split(|octet| !is_text(*octet)) {
                if (1..PIECE).contains(&text.len()) {
                    self.words.insert(text.to_vec());
                }
            }
        }
    }

    /// The end of these bytes that [`learn`](Self::learn) needs as `before` with the bytes that follow.
    #[must_use]
    pub fn tail(octets: &[u8]) -> &[u8] {
        &octets[octets.len().saturating_sub(PIECE - 1)..]
    }

    /// Replaces each byte that is part of a secret by `*`. Returns whether there was any.
    pub fn hide(&self, text: &mut [u8]) -> bool {
        let mut found = vec![false; text.len()];
        for (at, piece) in text.windows(PIECE).enumerate() {
            if self.pieces.contains(piece) {
                found[at..at + PIECE].fill(true);
            }
        }
        if !self.words.is_empty() {
            let mut start = 0;
            for word in text.chunk_by(|one, other| is_word(*one) == is_word(*other)) {
                if self.words.contains(word) {
                    found[start..start + word.len()].fill(true);
                }
                start += word.len();
            }
        }
        // Characters are replaced as a whole, so that the rest stays UTF-8.
        let follows = |octet: u8| octet & 0xc0 == 0x80;
        for at in 1..text.len() {
            found[at] |= found[at - 1] && follows(text[at]);
        }
        for at in (1..text.len()).rev() {
            found[at - 1] |= found[at] && follows(text[at]);
        }
        for (octet, found) in text.iter_mut().zip(&found) {
            if *found {
                *octet = HIDDEN;
            }
        }
        found.contains(&true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(words: &SecretWords, text: &str) -> String {
        let mut octets = text.as_bytes().to_vec();
        words.hide(&mut octets);
        String::from_utf8(octets).unwrap()
    }

    #[test]
    fn a_secret_is_found_inside_of_other_text() {
        let mut words = SecretWords::default();
        words.learn(&[], b"\x05alice\x07hunter2\0");
        words.learn(&[], b"abc\0");
        assert_eq!(hidden(&words, "it is hunter2, abc"), "it is *******, ***");
        assert_eq!(hidden(&words, "xhunter2x abcd"), "x*******x abcd");
        assert_eq!(hidden(&words, "nothing"), "nothing");
    }

    #[test]
    fn a_secret_that_came_in_parts_is_found() {
        let mut words = SecretWords::default();
        let mut before: Vec<u8> = Vec::new();
        for octet in b"secret1" {
            words.learn(&before, &[*octet]);
            before.push(*octet);
            before = SecretWords::tail(&before).to_vec();
        }
        assert_eq!(hidden(&words, "my secret1"), "my *******");
    }
}
