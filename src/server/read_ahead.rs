//! A buffer for requests that arrive while one is being answered.

use zeroize::Zeroize;

use crate::protocol::layout::REQUEST_LEN;

/// What is read ahead of the request being worked on. Wiped when it is dropped: it holds passwords.
pub struct ReadAhead {
    octets: Vec<u8>,
    filled: usize,
}

impl ReadAhead {
    /// Room for this many requests, at least one.
    pub fn new(requests: usize) -> Self {
        Self {
            octets: vec![0; requests.max(1) * REQUEST_LEN],
            filled: 0,
        }
    }

    /// The bytes that were read and not consumed.
    pub fn filled(&self) -> &[u8] {
        &self.octets[..self.filled]
    }

    /// Whether there is no room for more.
    pub fn is_full(&self) -> bool {
        self.filled == self.octets.len()
    }

    /// The room behind what was read.
    pub fn room(&mut self) -> &mut [u8] {
        &mut self.octets[self.filled..]
    }

    /// Adds this many bytes that were read into the room.
    pub fn took(&mut self, len: usize) {
        self.filled += len;
    }

    /// Drops this many bytes from the front, and wipes them.
    pub fn consume(&mut self, len: usize) {
        self.octets.copy_within(len..self.filled, 0);
        self.octets[self.filled - len..self.filled].zeroize();
        self.filled -= len;
    }
}

impl Drop for ReadAhead {
    fn drop(&mut self) {
        self.octets.zeroize();
    }
}
