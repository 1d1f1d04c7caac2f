//! Decrypts records: the AEADs of TLS 1.3 and 1.2, and the CBC suites of TLS 1.2.
//!
//! ring decrypts AES-GCM and ChaCha20-Poly1305; RustCrypto's `ccm`, `cbc` and `aes` the rest.

#![expect(
    clippy::cast_possible_truncation,
    reason = "records, whose length has 16 bits"
)]

use std::ops::Range;

use aes::{Aes128, Aes256};
use cbc::cipher::{BlockModeDecrypt, InnerIvInit};
use ccm::Ccm;
use ccm::aead::AeadInOut;
use ccm::aead::KeyInit;
use ccm::aead::array::Array;
use ccm::consts::{U8, U12, U16};
use ring::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hmac;

use super::keylog::{Random, Secret};
use super::record::{ContentType, Header, Version};
use super::schedule::{KeyMaterial, key_block, traffic_keys};
use super::suite::{Cipher, Mac, Protection};

/// Length of an AEAD's nonce in bytes.
const NONCE_LEN: usize = 12;
/// Length in bytes of the explicit part of a nonce, which precedes AES-GCM and AES-CCM records of TLS 1.2.
const EXPLICIT_LEN: usize = 8;
/// Length in bytes of an AES block, and of the initialisation vector before a CBC record.
const BLOCK: usize = 16;

/// An AEAD with its key.
enum Aead {
    Ring(Box<LessSafeKey>),
    Ccm128(Box<Ccm<Aes128, U16, U12>>),
    Ccm256(Box<Ccm<Aes256, U16, U12>>),
    Ccm128Short(Box<Ccm<Aes128, U8, U12>>),
    Ccm256Short(Box<Ccm<Aes256, U8, U12>>),
}

/// A CBC suite's block cipher with its key.
enum BlockCipher {
    Aes128(Box<Aes128>),
    Aes256(Box<Aes256>),
}

enum How {
    /// TLS 1.3: the nonce depends only on the sequence number; the content type is encrypted.
    Tls13 {
        aead: Aead,
        tag: usize,
        iv: [u8; NONCE_LEN],
    },
    /// TLS 1.2, with or without an explicit part of the nonce before the record.
    Tls12 {
        aead: Aead,
        tag: usize,
        iv: [u8; NONCE_LEN],
        explicit: bool,
    },
    /// A CBC suite of TLS 1.2.
    Cbc {
        cipher: BlockCipher,
        mac: hmac::Key,
        mac_len: usize,
        encrypt_then_mac: bool,
    },
}

/// Decrypts the records of one direction with one key.
pub(super) struct Opener(How);

/// A decrypted record: its content type, and the range of the content in the record's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Opened {
    pub content: ContentType,
    pub at: Range<usize>,
}

impl Opener {
    /// For TLS 1.3, from a traffic secret. `None` if the secret's length does not fit the suite.
    pub fn tls13(secret: &Secret, protection: Protection) -> Option<Self> {
        let keys = traffic_keys(secret, protection)?;
        Some(Self(How::Tls13 {
            aead: aead(protection.cipher, &keys.key)?,
            tag: protection.cipher.tag_len(),
            iv: keys.iv.as_slice().try_into().ok()?,
        }))
    }

    /// For TLS 1.2, from the master secret and the random numbers of client and server. `None` if the keys do not fit
    /// the suite.
    pub fn tls12(
        master: &Secret,
        randoms: (&Random, &Random),
        protection: Protection,
        encrypt_then_mac: bool,
        of_client: bool,
    ) -> Option<Self> {
        let cipher = protection.cipher;
        let keys = |mac, iv_len| key_block(master, randoms, protection, mac, iv_len, of_client);
        let tag = cipher.tag_len();
        Some(Self(match cipher {
            Cipher::Aes128Cbc(mac) | Cipher::Aes256Cbc(mac) => {
                // Since TLS 1.1, the initialisation vector precedes each record.
                let keys = keys(Some(mac), 0);
                How::Cbc {
                    cipher: block_cipher(&keys)?,
                    mac: hmac::Key::new(mac_algorithm(mac), &keys.mac),
                    mac_len: mac.len(),
                    encrypt_then_mac,
                }
            }
            Cipher::ChaCha20Poly1305 => {
                let keys = keys(None, NONCE_LEN);
                How::Tls12 {
                    aead: aead(cipher, &keys.key)?,
                    tag,
                    iv: keys.iv.as_slice().try_into().ok()?,
                    explicit: false,
                }
            }
            _ => {
                let keys = keys(None, NONCE_LEN - EXPLICIT_LEN);
                let mut iv = [0; NONCE_LEN];
                iv.get_mut(..keys.iv.len())?.copy_from_slice(&keys.iv);
                How::Tls12 {
                    aead: aead(cipher, &keys.key)?,
                    tag,
                    iv,
                    explicit: true,
                }
            }
        }))
    }

    /// Least number of bytes of a record's body that are not content.
    pub const fn overhead(&self) -> usize {
        match &self.0 {
            // One byte for the content type.
            How::Tls13 { tag, .. } => *tag + 1,
            How::Tls12 {
                tag,
                explicit: true,
                ..
            } => *tag + EXPLICIT_LEN,
            How::Tls12 { tag, .. } => *tag,
            How::Cbc { mac_len, .. } => BLOCK + *mac_len + 1,
        }
    }

    /// Decrypts a record's body in place. `None` if it is not authentic; the body is then overwritten.
    pub fn open(&self, header: Header, body: &mut [u8], sequence: u64) -> Option<Opened> {
        match &self.0 {
            How::Tls13 { aead, tag, iv } => {
                let len = body.len().checked_sub(*tag)?;
                let nonce = nonce(iv, sequence);
                aead.open(nonce, &header.bytes(), body, len)?;
                // Padding is NULs after the content type (RFC 8446 section 5.4).
                let end = body[..len].iter().rposition(|byte| *byte != 0)?;
                Some(Opened {
                    content: ContentType(body[end]),
                    at: 0..end,
                })
            }
            How::Tls12 {
                aead,
                tag,
                iv,
                explicit,
            } => {
                let start = if *explicit { EXPLICIT_LEN } else { 0 };
                let len = body.len().checked_sub(start + *tag)?;
                let (before, sealed) = body.split_at_mut(start);
                let nonce = if *explicit {
                    let mut nonce = *iv;
                    nonce[NONCE_LEN - EXPLICIT_LEN..].copy_from_slice(before);
                    nonce
                } else {
                    nonce(iv, sequence)
                };
                aead.open(nonce, &pseudo_header(header, len, sequence), sealed, len)?;
                Some(Opened {
                    content: header.content,
                    at: start..start + len,
                })
            }
            How::Cbc {
                cipher,
                mac,
                mac_len,
                encrypt_then_mac,
            } => {
                let authentic = |signed: &[u8], len: usize, tag: &[u8]| {
                    let mut context = hmac::Context::with_key(mac);
                    context.update(&pseudo_header(header, len, sequence));
                    context.update(signed);
                    context.sign().as_ref() == tag
                };
                let sealed = if *encrypt_then_mac {
                    let (sealed, tag) = body.split_at(body.len().checked_sub(*mac_len)?);
                    if !authentic(sealed, sealed.len(), tag) {
                        return None;
                    }
                    sealed.len()
                } else {
                    body.len()
                };
                let (iv, blocks) = body.get_mut(..sealed)?.split_first_chunk_mut::<BLOCK>()?;
                cipher.decrypt(iv, blocks)?;
                let padding = usize::from(*blocks.last()?);
                let unpadded = blocks.len().checked_sub(padding + 1)?;
                if blocks[unpadded..]
                    .iter()
                    .any(|byte| usize::from(*byte) != padding)
                {
                    return None;
                }
                let len = if *encrypt_then_mac {
                    unpadded
                } else {
                    let len = unpadded.checked_sub(*mac_len)?;
                    let (content, tag) = blocks[..unpadded].split_at(len);
                    if !authentic(content, len, tag) {
                        return None;
                    }
                    len
                };
                Some(Opened {
                    content: header.content,
                    at: BLOCK..BLOCK + len,
                })
            }
        }
    }
}

impl Aead {
    /// Decrypts `len` bytes, which the authentication tag follows.
    fn open(
        &self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        sealed: &mut [u8],
        len: usize,
    ) -> Option<()> {
        fn ccm<C: AeadInOut<NonceSize = U12>>(
            key: &C,
            nonce: [u8; NONCE_LEN],
            aad: &[u8],
            sealed: &mut [u8],
            len: usize,
        ) -> Option<()> {
            let (content, tag) = sealed.split_at_mut(len);
            let tag = Array::try_from(&*tag).ok()?;
            key.decrypt_inout_detached(&nonce.into(), aad, content.into(), &tag)
                .ok()
        }
        match self {
            Self::Ring(key) => {
                let nonce = Nonce::assume_unique_for_key(nonce);
                key.open_in_place(nonce, Aad::from(aad), sealed).ok()?;
                Some(())
            }
            Self::Ccm128(key) => ccm(&**key, nonce, aad, sealed, len),
            Self::Ccm256(key) => ccm(&**key, nonce, aad, sealed, len),
            Self::Ccm128Short(key) => ccm(&**key, nonce, aad, sealed, len),
            Self::Ccm256Short(key) => ccm(&**key, nonce, aad, sealed, len),
        }
    }
}

impl BlockCipher {
    fn decrypt(&self, iv: &[u8; BLOCK], bytes: &mut [u8]) -> Option<()> {
        let (blocks, rest) = Array::slice_as_chunks_mut(bytes);
        if blocks.is_empty() || !rest.is_empty() {
            return None;
        }
        match self {
            Self::Aes128(key) => {
                cbc::Decryptor::inner_iv_init(&**key, &(*iv).into()).decrypt_blocks(blocks);
            }
            Self::Aes256(key) => {
                cbc::Decryptor::inner_iv_init(&**key, &(*iv).into()).decrypt_blocks(blocks);
            }
        }
        Some(())
    }
}

fn aead(cipher: Cipher, key: &[u8]) -> Option<Aead> {
    fn ring(algorithm: &'static aead::Algorithm, key: &[u8]) -> Option<Aead> {
        let key = UnboundKey::new(algorithm, key).ok()?;
        Some(Aead::Ring(Box::new(LessSafeKey::new(key))))
    }
    fn ccm<C: KeyInit>(key: &[u8]) -> Option<Box<C>> {
        C::new_from_slice(key).ok().map(Box::new)
    }
    match cipher {
        Cipher::Aes128Gcm => ring(&aead::AES_128_GCM, key),
        Cipher::Aes256Gcm => ring(&aead::AES_256_GCM, key),
        Cipher::ChaCha20Poly1305 => ring(&aead::CHACHA20_POLY1305, key),
        Cipher::Aes128Ccm => ccm(key).map(Aead::Ccm128),
        Cipher::Aes256Ccm => ccm(key).map(Aead::Ccm256),
        Cipher::Aes128Ccm8 => ccm(key).map(Aead::Ccm128Short),
        Cipher::Aes256Ccm8 => ccm(key).map(Aead::Ccm256Short),
        Cipher::Aes128Cbc(_) | Cipher::Aes256Cbc(_) => None,
    }
}

fn block_cipher(keys: &KeyMaterial) -> Option<BlockCipher> {
    Some(if keys.key.len() == 16 {
        BlockCipher::Aes128(Box::new(Aes128::new_from_slice(&keys.key).ok()?))
    } else {
        BlockCipher::Aes256(Box::new(Aes256::new_from_slice(&keys.key).ok()?))
    })
}

fn mac_algorithm(mac: Mac) -> hmac::Algorithm {
    match mac {
        Mac::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Mac::Sha256 => hmac::HMAC_SHA256,
        Mac::Sha384 => hmac::HMAC_SHA384,
    }
}

/// The nonce: the initialisation vector XORed with the sequence number (RFC 8446 section 5.3, RFC 7905).
fn nonce(iv: &[u8; NONCE_LEN], sequence: u64) -> [u8; NONCE_LEN] {
    let mut nonce = *iv;
    for (byte, number) in nonce[4..].iter_mut().zip(sequence.to_be_bytes()) {
        *byte ^= number;
    }
    nonce
}

/// Additional data that is authenticated with a record of TLS 1.2 (RFC 5246 section 6.2.3.3).
fn pseudo_header(header: Header, len: usize, sequence: u64) -> [u8; 13] {
    let mut bytes = [0; 13];
    let (number, rest) = bytes.split_at_mut(8);
    number.copy_from_slice(&sequence.to_be_bytes());
    let length = len as u16;
    rest.copy_from_slice(&Header { length, ..header }.bytes());
    bytes
}

/// Whether records of this version can be decrypted.
pub(super) fn knows_version(version: Version) -> bool {
    matches!(version, Version::TLS12 | Version::TLS13)
}
