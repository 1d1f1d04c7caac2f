//! Derives keys from logged secrets: HKDF-Expand-Label of TLS 1.3 (RFC 8446 section 7.1) and the pseudorandom function
//! of TLS 1.2 (RFC 5246 section 5), with ring's HKDF and HMAC.

#![expect(
    clippy::cast_possible_truncation,
    reason = "labels and secrets of at most 64 bytes"
)]

use ring::{hkdf, hmac};
use zeroize::Zeroizing;

use super::keylog::{Random, Secret};
use super::suite::{Hash, Mac, Protection};

/// Key and initialisation vector of one direction.
pub(super) struct KeyMaterial {
    pub key: Zeroizing<Vec<u8>>,
    pub iv: Zeroizing<Vec<u8>>,
    /// HMAC key, for CBC suites.
    pub mac: Zeroizing<Vec<u8>>,
}

impl Hash {
    /// Length of the hash in bytes, and of a TLS 1.3 traffic secret.
    pub const fn len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }

    fn hkdf(self) -> hkdf::Algorithm {
        match self {
            Self::Sha256 => hkdf::HKDF_SHA256,
            Self::Sha384 => hkdf::HKDF_SHA384,
        }
    }

    fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha384 => hmac::HMAC_SHA384,
        }
    }
}

/// A length for [`hkdf::Prk::expand`].
struct Len(usize);

impl hkdf::KeyType for Len {
    fn len(&self) -> usize {
        self.0
    }
}

/// Prefix of every label.
const PREFIX: &str = "tls13 ";

/// HKDF-Expand-Label with an empty context. `None` if the secret does not have the hash's length.
fn expand_label(
    secret: &Secret,
    hash: Hash,
    label: &str,
    len: usize,
) -> Option<Zeroizing<Vec<u8>>> {
    if secret.bytes().len() != hash.len() {
        return None;
    }
    let label_len = [(PREFIX.len() + label.len()) as u8];
    let out_len = (len as u16).to_be_bytes();
    let info = [
        &out_len[..],
        &label_len,
        PREFIX.as_bytes(),
        label.as_bytes(),
        &[0],
    ];
    let mut out = Zeroizing::new(vec![0; len]);
    hkdf::Prk::new_less_safe(hash.hkdf(), secret.bytes())
        .expand(&info, Len(len))
        .and_then(|okm| okm.fill(&mut out))
        .ok()?;
    Some(out)
}

/// TLS 1.3 keys from a traffic secret.
pub(super) fn traffic_keys(secret: &Secret, protection: Protection) -> Option<KeyMaterial> {
    let hash = protection.hash;
    Some(KeyMaterial {
        key: expand_label(secret, hash, "key", protection.cipher.key_len())?,
        iv: expand_label(secret, hash, "iv", 12)?,
        mac: Zeroizing::default(),
    })
}

/// The traffic secret after a key update (RFC 8446 section 7.2).
pub(super) fn updated(secret: &Secret, hash: Hash) -> Option<Secret> {
    Secret::new(&expand_label(secret, hash, "traffic upd", hash.len())?)
}

/// TLS 1.2 keys of one direction. `iv_len` is the length in bytes of the secret part of a nonce.
pub(super) fn key_block(
    master: &Secret,
    randoms: (&Random, &Random),
    protection: Protection,
    mac: Option<Mac>,
    iv_len: usize,
    of_client: bool,
) -> KeyMaterial {
    let (client, server) = randoms;
    let key = hmac::Key::new(protection.hash.hmac(), master.bytes());
    let lens = [mac.map_or(0, Mac::len), protection.cipher.key_len(), iv_len];
    let mut block = prf(
        &key,
        &[b"key expansion", server, client],
        2 * lens.iter().sum::<usize>(),
    );
    let mut at = 0;
    let [mac, key, iv] = lens.map(|len| {
        let start = at + if of_client { 0 } else { len };
        at += 2 * len;
        Zeroizing::new(block[start..start + len].to_vec())
    });
    zeroize::Zeroize::zeroize(&mut *block);
    KeyMaterial { key, iv, mac }
}

/// P_hash of RFC 5246 section 5. The first part of the seed is the label.
fn prf(key: &hmac::Key, seed: &[&[u8]], len: usize) -> Zeroizing<Vec<u8>> {
    let sign = |parts: &[&[u8]]| {
        let mut context = hmac::Context::with_key(key);
        for part in parts {
            context.update(part);
        }
        context.sign()
    };
    let mut out = Zeroizing::new(Vec::with_capacity(len + 64));
    let mut a = sign(seed);
    while out.len() < len {
        let [label, first, second] = *seed else { break };
        out.extend_from_slice(sign(&[a.as_ref(), label, first, second]).as_ref());
        a = sign(&[a.as_ref()]);
    }
    out.truncate(len);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::suite::CipherSuite;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<_> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
        digits.chunks(2).map(|d| (d[0] << 4 | d[1]) as u8).collect()
    }

    /// The server's handshake traffic keys in RFC 8448 section 3.
    #[test]
    fn keys_of_rfc_8448() {
        let secret = bytes("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38");
        let protection = CipherSuite(0x1301).protection().unwrap();
        let keys = traffic_keys(&Secret::new(&secret).unwrap(), protection).unwrap();
        assert_eq!(*keys.key, bytes("3fce516009c21727d0f2e4e86ee403bc"));
        assert_eq!(*keys.iv, bytes("5d313eb2671276ee13000b30"));
    }

    /// The widely used test vector for the TLS 1.2 PRF with SHA-256.
    #[test]
    fn prf_with_sha256() {
        let key = hmac::Key::new(
            hmac::HMAC_SHA256,
            &bytes("9bbe436ba940f017b17652849a71db35"),
        );
        let seed = bytes("a0ba9f936cda311827a6f796ffd5198c");
        let out = prf(&key, &[b"test label", &seed, &[]], 100);
        let expected = "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff70187347b66";
        assert_eq!(*out, bytes(expected));
    }
}
