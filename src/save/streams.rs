//! A set of streams, a bit for each.

/// Streams by their numbers, which follow each other.
#[derive(Debug, Default)]
pub(super) struct StreamSet(Vec<u64>);

impl StreamSet {
    /// Adds a stream.
    pub fn add(&mut self, stream: u32) {
        let word = stream as usize / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (stream % 64);
    }

    /// Whether a stream is in the set.
    pub fn has(&self, stream: u32) -> bool {
        let word = self.0.get(stream as usize / 64).copied().unwrap_or(0);
        word >> (stream % 64) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_what_was_added() {
        let mut set = StreamSet::default();
        set.add(0);
        set.add(130);
        let all: Vec<u32> = (0..300).filter(|stream| set.has(*stream)).collect();
        assert_eq!(all, [0, 130]);
    }
}
