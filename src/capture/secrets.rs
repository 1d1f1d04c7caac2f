//! TLS key logs in captures: pcapng's decryption secrets blocks, wherever they are (draft-ietf-opsawg-pcapng section
//! 4.7).

#![expect(
    clippy::cast_possible_truncation,
    reason = "lengths of blocks, which are checked before"
)]

use std::fmt;
use std::path::Path;

use zeroize::{Zeroize, Zeroizing};

use super::input;
use super::options::Order;
use crate::platform::file::read_exact_at;

use super::pcapng::{ENHANCED_PACKET, INTERFACE, MAX_BLOCK, SECTION};

/// The block type of decryption secrets.
pub(super) const SECRETS: u32 = 10;

/// `secrets_type` of a TLS key log: "TLSK".
const TLS_KEY_LOG: u32 = 0x544c_534b;

/// Length in bytes of a block's type and length fields, and of the same fields of the secrets inside.
const HEAD: usize = 8;

/// Most blocks that are read from the end of a file.
const MAX_BLOCKS: usize = 1 << 16;

/// A key log in NSS format. It is wiped from memory when dropped, and never shown.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct KeyLogText(Zeroizing<Vec<u8>>);

impl KeyLogText {
    /// The text.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for KeyLogText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyLogText({} bytes)", self.0.len())
    }
}

/// The TLS key log in the body of a decryption secrets block; `None` for other secrets.
pub(super) fn key_log(order: Order, body: &[u8]) -> Option<KeyLogText> {
    let (head, rest) = body.split_first_chunk::<HEAD>()?;
    if order.word(head, 0) != TLS_KEY_LOG {
        return None;
    }
    let text = rest.get(..order.word(head, 4) as usize)?;
    Some(KeyLogText(Zeroizing::new(text.to_vec())))
}

/// The body of a decryption secrets block with a TLS key log, little-endian.
pub(super) fn block_body(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let padded = text.len().next_multiple_of(4);
    let mut body = Zeroizing::new(Vec::with_capacity(HEAD + padded));
    body.extend_from_slice(&TLS_KEY_LOG.to_le_bytes());
    body.extend_from_slice(&(text.len() as u32).to_le_bytes());
    body.extend_from_slice(text);
    body.resize(HEAD + padded, 0);
    body
}

/// The key logs after the last packet of a pcapng file, where other programs append them. Blocks repeat their length at
/// their end, so they can be read backwards. Empty for a pipe, a compressed file or other formats. Read errors are
/// ignored: they will show when the file is read.
pub(super) fn at_end(path: &Path) -> Vec<KeyLogText> {
    let mut found = Vec::new();
    // Key logs found before an error count.
    let _ = backwards(path, &mut found);
    found.reverse();
    found
}

fn backwards(path: &Path, found: &mut Vec<KeyLogText>) -> std::io::Result<()> {
    // Opening a pipe would consume what was written to it.
    let Some(length) = input::regular_length(path)? else {
        return Ok(());
    };
    let (file, first) = input::open(path)?;
    let first = first.unwrap_or_default();
    let mut head = [0; 12];
    read_exact_at(&file, &mut head, first)?;
    let order = match (Order::Little.word(&head, 0), &head[8..]) {
        (SECTION, [0x4d, 0x3c, 0x2b, 0x1a]) => Order::Little,
        (SECTION, [0x1a, 0x2b, 0x3c, 0x4d]) => Order::Big,
        _ => return Ok(()),
    };
    let mut end = length;
    for _ in 0..MAX_BLOCKS {
        let mut tail = [0; 4];
        read_exact_at(&file, &mut tail, end.saturating_sub(4))?;
        let length = u64::from(order.word(&tail, 0));
        let Some(start) = end.checked_sub(length).filter(|start| *start >= first) else {
            return Ok(());
        };
        if length < 12 || length > u64::from(MAX_BLOCK) || !length.is_multiple_of(4) {
            return Ok(());
        }
        let mut head = [0; 8];
        read_exact_at(&file, &mut head, start)?;
        let kind = order.word(&head, 0);
        let packet_or_less = (2..=ENHANCED_PACKET).contains(&kind) && !matches!(kind, 4 | 5);
        if u64::from(order.word(&head, 4)) != length
            || matches!(kind, SECTION | INTERFACE)
            || packet_or_less
        {
            return Ok(());
        }
        if kind == SECRETS {
            let mut body = Zeroizing::new(vec![0; length as usize - 12]);
            read_exact_at(&file, &mut body, start + HEAD as u64)?;
            found.extend(key_log(order, &body));
        }
        end = start;
    }
    Ok(())
}

/// Wipes a block's content.
pub(super) fn wipe(body: &mut [u8]) {
    body.zeroize();
}
