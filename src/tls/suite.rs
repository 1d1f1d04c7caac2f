//! Cipher suites: how they encrypt records, and their names in IANA's registry.

/// The hash of a suite's key schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
}

/// The HMAC that authenticates the records of a CBC suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mac {
    Sha1,
    Sha256,
    Sha384,
}

/// How a suite encrypts records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cipher {
    Aes128Gcm,
    Aes256Gcm,
    ChaCha20Poly1305,
    Aes128Ccm,
    Aes256Ccm,
    Aes128Ccm8,
    Aes256Ccm8,
    Aes128Cbc(Mac),
    Aes256Cbc(Mac),
}

impl Cipher {
    /// Length of the encryption key in bytes.
    pub const fn key_len(self) -> usize {
        match self {
            Self::Aes128Gcm | Self::Aes128Ccm | Self::Aes128Ccm8 | Self::Aes128Cbc(_) => 16,
            Self::Aes256Gcm
            | Self::ChaCha20Poly1305
            | Self::Aes256Ccm
            | Self::Aes256Ccm8
            | Self::Aes256Cbc(_) => 32,
        }
    }

    /// Length of an AEAD's authentication tag in bytes.
    pub const fn tag_len(self) -> usize {
        match self {
            Self::Aes128Ccm8 | Self::Aes256Ccm8 => 8,
            _ => 16,
        }
    }
}

impl Mac {
    /// Length of the HMAC in bytes, and of its key.
    pub const fn len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }
}

/// The parts of a suite that decryption needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Protection {
    pub cipher: Cipher,
    pub hash: Hash,
    /// Whether it is a suite of TLS 1.3, which does not specify the key exchange.
    pub tls13: bool,
}

/// A cipher suite by its number in hello messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CipherSuite(pub u16);

impl CipherSuite {
    /// The name in IANA's registry; `None` for suites that are not in use.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        if self.0 & 0x0f0f == 0x0a0a && self.0 >> 8 == self.0 & 0xff {
            return Some("Reserved (GREASE)");
        }
        entry(self).map(|entry| entry.1)
    }

    /// How its records are decrypted; `None` if that is not supported.
    pub(super) fn protection(self) -> Option<Protection> {
        let &(id, name, cipher) = entry(self)?;
        Some(Protection {
            cipher: cipher?,
            hash: if name.ends_with("SHA384") {
                Hash::Sha384
            } else {
                Hash::Sha256
            },
            tls13: id >> 8 == 0x13,
        })
    }
}

fn entry(suite: CipherSuite) -> Option<&'static (u16, &'static str, Option<Cipher>)> {
    let at = SUITES.binary_search_by_key(&suite.0, |entry| entry.0);
    SUITES.get(at.ok()?)
}

const GCM128: Option<Cipher> = Some(Cipher::Aes128Gcm);
const GCM256: Option<Cipher> = Some(Cipher::Aes256Gcm);
const CHACHA: Option<Cipher> = Some(Cipher::ChaCha20Poly1305);
const CCM128: Option<Cipher> = Some(Cipher::Aes128Ccm);
const CCM256: Option<Cipher> = Some(Cipher::Aes256Ccm);
const CCM128_8: Option<Cipher> = Some(Cipher::Aes128Ccm8);
const CCM256_8: Option<Cipher> = Some(Cipher::Aes256Ccm8);
const CBC128: Option<Cipher> = Some(Cipher::Aes128Cbc(Mac::Sha1));
const CBC256: Option<Cipher> = Some(Cipher::Aes256Cbc(Mac::Sha1));
const CBC128_256: Option<Cipher> = Some(Cipher::Aes128Cbc(Mac::Sha256));
const CBC256_256: Option<Cipher> = Some(Cipher::Aes256Cbc(Mac::Sha256));
const CBC256_384: Option<Cipher> = Some(Cipher::Aes256Cbc(Mac::Sha384));

/// Sorted by number.
#[rustfmt::skip]
const SUITES: &[(u16, &str, Option<Cipher>)] = &[
    (0x0000, "TLS_NULL_WITH_NULL_NULL", None),
    (0x0001, "TLS_RSA_WITH_NULL_MD5", None),
    (0x0002, "TLS_RSA_WITH_NULL_SHA", None),
    (0x0004, "TLS_RSA_WITH_RC4_128_MD5", None),
    (0x0005, "TLS_RSA_WITH_RC4_128_SHA", None),
    (0x000a, "TLS_RSA_WITH_3DES_EDE_CBC_SHA", None),
    (0x0013, "TLS_DHE_DSS_WITH_3DES_EDE_CBC_SHA", None),
    (0x0016, "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA", None),
    (0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA", CBC128),
    (0x0030, "TLS_DH_DSS_WITH_AES_128_CBC_SHA", CBC128),
    (0x0031, "TLS_DH_RSA_WITH_AES_128_CBC_SHA", CBC128),
    (0x0032, "TLS_DHE_DSS_WITH_AES_128_CBC_SHA", CBC128),
    (0x0033, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA", CBC128),
    (0x0034, "TLS_DH_anon_WITH_AES_128_CBC_SHA", CBC128),
    (0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA", CBC256),
    (0x0036, "TLS_DH_DSS_WITH_AES_256_CBC_SHA", CBC256),
    (0x0037, "TLS_DH_RSA_WITH_AES_256_CBC_SHA", CBC256),
    (0x0038, "TLS_DHE_DSS_WITH_AES_256_CBC_SHA", CBC256),
    (0x0039, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA", CBC256),
    (0x003a, "TLS_DH_anon_WITH_AES_256_CBC_SHA", CBC256),
    (0x003b, "TLS_RSA_WITH_NULL_SHA256", None),
    (0x003c, "TLS_RSA_WITH_AES_128_CBC_SHA256", CBC128_256),
    (0x003d, "TLS_RSA_WITH_AES_256_CBC_SHA256", CBC256_256),
    (0x003e, "TLS_DH_DSS_WITH_AES_128_CBC_SHA256", CBC128_256),
    (0x003f, "TLS_DH_RSA_WITH_AES_128_CBC_SHA256", CBC128_256),
    (0x0040, "TLS_DHE_DSS_WITH_AES_128_CBC_SHA256", CBC128_256),
    (0x0041, "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA", None),
    (0x0042, "TLS_DH_DSS_WITH_CAMELLIA_128_CBC_SHA", None),
    (0x0043, "TLS_DH_RSA_WITH_CAMELLIA_128_CBC_SHA", None),
    (0x0044, "TLS_DHE_DSS_WITH_CAMELLIA_128_CBC_SHA", None),
    (0x0045, "TLS_DHE_RSA_WITH_CAMELLIA_128_CBC_SHA", None),
    (0x0046, "TLS_DH_anon_WITH_CAMELLIA_128_CBC_SHA", None),
    (0x0067, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256", CBC128_256),
    (0x0068, "TLS_DH_DSS_WITH_AES_256_CBC_SHA256", CBC256_256),
    (0x0069, "TLS_DH_RSA_WITH_AES_256_CBC_SHA256", CBC256_256),
    (0x006a, "TLS_DHE_DSS_WITH_AES_256_CBC_SHA256", CBC256_256),
    (0x006b, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256", CBC256_256),
    (0x006c, "TLS_DH_anon_WITH_AES_128_CBC_SHA256", CBC128_256),
    (0x006d, "TLS_DH_anon_WITH_AES_256_CBC_SHA256", CBC256_256),
    (0x0084, "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA", None),
    (0x0085, "TLS_DH_DSS_WITH_CAMELLIA_256_CBC_SHA", None),
    (0x0086, "TLS_DH_RSA_WITH_CAMELLIA_256_CBC_SHA", None),
    (0x0087, "TLS_DHE_DSS_WITH_CAMELLIA_256_CBC_SHA", None),
    (0x0088, "TLS_DHE_RSA_WITH_CAMELLIA_256_CBC_SHA", None),
    (0x0089, "TLS_DH_anon_WITH_CAMELLIA_256_CBC_SHA", None),
    (0x008a, "TLS_PSK_WITH_RC4_128_SHA", None),
    (0x008b, "TLS_PSK_WITH_3DES_EDE_CBC_SHA", None),
    (0x008c, "TLS_PSK_WITH_AES_128_CBC_SHA", CBC128),
    (0x008d, "TLS_PSK_WITH_AES_256_CBC_SHA", CBC256),
    (0x008e, "TLS_DHE_PSK_WITH_RC4_128_SHA", None),
    (0x008f, "TLS_DHE_PSK_WITH_3DES_EDE_CBC_SHA", None),
    (0x0090, "TLS_DHE_PSK_WITH_AES_128_CBC_SHA", CBC128),
    (0x0091, "TLS_DHE_PSK_WITH_AES_256_CBC_SHA", CBC256),
    (0x0092, "TLS_RSA_PSK_WITH_RC4_128_SHA", None),
    (0x0093, "TLS_RSA_PSK_WITH_3DES_EDE_CBC_SHA", None),
    (0x0094, "TLS_RSA_PSK_WITH_AES_128_CBC_SHA", CBC128),
    (0x0095, "TLS_RSA_PSK_WITH_AES_256_CBC_SHA", CBC256),
    (0x0096, "TLS_RSA_WITH_SEED_CBC_SHA", None),
    (0x0099, "TLS_DHE_DSS_WITH_SEED_CBC_SHA", None),
    (0x009a, "TLS_DHE_RSA_WITH_SEED_CBC_SHA", None),
    (0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256", GCM128),
    (0x009d, "TLS_RSA_WITH_AES_256_GCM_SHA384", GCM256),
    (0x009e, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", GCM128),
    (0x009f, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", GCM256),
    (0x00a0, "TLS_DH_RSA_WITH_AES_128_GCM_SHA256", GCM128),
    (0x00a1, "TLS_DH_RSA_WITH_AES_256_GCM_SHA384", GCM256),
    (0x00a2, "TLS_DHE_DSS_WITH_AES_128_GCM_SHA256", GCM128),
    (0x00a3, "TLS_DHE_DSS_WITH_AES_256_GCM_SHA384", GCM256),
    (0x00a4, "TLS_DH_DSS_WITH_AES_128_GCM_SHA256", GCM128),
    (0x00a5, "TLS_DH_DSS_WITH_AES_256_GCM_SHA384", GCM256),
    (0x00a6, "TLS_DH_anon_WITH_AES_128_GCM_SHA256", GCM128),
    (0x00a7, "TLS_DH_anon_WITH_AES_256_GCM_SHA384", GCM256),
    (0x00a8, "TLS_PSK_WITH_AES_128_GCM_SHA256", GCM128),
    (0x00a9, "TLS_PSK_WITH_AES_256_GCM_SHA384", GCM256),
    (0x00aa, "TLS_DHE_PSK_WITH_AES_128_GCM_SHA256", GCM128),
    (0x00ab, "TLS_DHE_PSK_WITH_AES_256_GCM_SHA384", GCM256),
    (0x00ac, "TLS_RSA_PSK_WITH_AES_128_GCM_SHA256", GCM128),
    (0x00ad, "TLS_RSA_PSK_WITH_AES_256_GCM_SHA384", GCM256),
    (0x00ae, "TLS_PSK_WITH_AES_128_CBC_SHA256", CBC128_256),
    (0x00af, "TLS_PSK_WITH_AES_256_CBC_SHA384", CBC256_384),
    (0x00b2, "TLS_DHE_PSK_WITH_AES_128_CBC_SHA256", CBC128_256),
    (0x00b3, "TLS_DHE_PSK_WITH_AES_256_CBC_SHA384", CBC256_384),
    (0x00b6, "TLS_RSA_PSK_WITH_AES_128_CBC_SHA256", CBC128_256),
    (0x00b7, "TLS_RSA_PSK_WITH_AES_256_CBC_SHA384", CBC256_384),
    (0x00ff, "TLS_EMPTY_RENEGOTIATION_INFO_SCSV", None),
    (0x1301, "TLS_AES_128_GCM_SHA256", GCM128),
    (0x1302, "TLS_AES_256_GCM_SHA384", GCM256),
    (0x1303, "TLS_CHACHA20_POLY1305_SHA256", CHACHA),
    (0x1304, "TLS_AES_128_CCM_SHA256", CCM128),
    (0x1305, "TLS_AES_128_CCM_8_SHA256", CCM128_8),
    (0x5600, "TLS_FALLBACK_SCSV", None),
    (0xc002, "TLS_ECDH_ECDSA_WITH_RC4_128_SHA", None),
    (0xc003, "TLS_ECDH_ECDSA_WITH_3DES_EDE_CBC_SHA", None),
    (0xc004, "TLS_ECDH_ECDSA_WITH_AES_128_CBC_SHA", CBC128),
    (0xc005, "TLS_ECDH_ECDSA_WITH_AES_256_CBC_SHA", CBC256),
    (0xc007, "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA", None),
    (0xc008, "TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA", None),
    (0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", CBC128),
    (0xc00a, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", CBC256),
    (0xc00c, "TLS_ECDH_RSA_WITH_RC4_128_SHA", None),
    (0xc00d, "TLS_ECDH_RSA_WITH_3DES_EDE_CBC_SHA", None),
    (0xc00e, "TLS_ECDH_RSA_WITH_AES_128_CBC_SHA", CBC128),
    (0xc00f, "TLS_ECDH_RSA_WITH_AES_256_CBC_SHA", CBC256),
    (0xc011, "TLS_ECDHE_RSA_WITH_RC4_128_SHA", None),
    (0xc012, "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", None),
    (0xc013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", CBC128),
    (0xc014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", CBC256),
    (0xc016, "TLS_ECDH_anon_WITH_RC4_128_SHA", None),
    (0xc017, "TLS_ECDH_anon_WITH_3DES_EDE_CBC_SHA", None),
    (0xc018, "TLS_ECDH_anon_WITH_AES_128_CBC_SHA", CBC128),
    (0xc019, "TLS_ECDH_anon_WITH_AES_256_CBC_SHA", CBC256),
    (0xc023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", CBC128_256),
    (0xc024, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", CBC256_384),
    (0xc025, "TLS_ECDH_ECDSA_WITH_AES_128_CBC_SHA256", CBC128_256),
    (0xc026, "TLS_ECDH_ECDSA_WITH_AES_256_CBC_SHA384", CBC256_384),
    (0xc027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", CBC128_256),
    (0xc028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", CBC256_384),
    (0xc029, "TLS_ECDH_RSA_WITH_AES_128_CBC_SHA256", CBC128_256),
    (0xc02a, "TLS_ECDH_RSA_WITH_AES_256_CBC_SHA384", CBC256_384),
    (0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", GCM128),
    (0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", GCM256),
    (0xc02d, "TLS_ECDH_ECDSA_WITH_AES_128_GCM_SHA256", GCM128),
    (0xc02e, "TLS_ECDH_ECDSA_WITH_AES_256_GCM_SHA384", GCM256),
    (0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", GCM128),
    (0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", GCM256),
    (0xc031, "TLS_ECDH_RSA_WITH_AES_128_GCM_SHA256", GCM128),
    (0xc032, "TLS_ECDH_RSA_WITH_AES_256_GCM_SHA384", GCM256),
    (0xc034, "TLS_ECDHE_PSK_WITH_3DES_EDE_CBC_SHA", None),
    (0xc035, "TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA", CBC128),
    (0xc036, "TLS_ECDHE_PSK_WITH_AES_256_CBC_SHA", CBC256),
    (0xc037, "TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA256", CBC128_256),
    (0xc038, "TLS_ECDHE_PSK_WITH_AES_256_CBC_SHA384", CBC256_384),
    (0xc050, "TLS_RSA_WITH_ARIA_128_GCM_SHA256", None),
    (0xc051, "TLS_RSA_WITH_ARIA_256_GCM_SHA384", None),
    (0xc052, "TLS_DHE_RSA_WITH_ARIA_128_GCM_SHA256", None),
    (0xc053, "TLS_DHE_RSA_WITH_ARIA_256_GCM_SHA384", None),
    (0xc05c, "TLS_ECDHE_ECDSA_WITH_ARIA_128_GCM_SHA256", None),
    (0xc05d, "TLS_ECDHE_ECDSA_WITH_ARIA_256_GCM_SHA384", None),
    (0xc060, "TLS_ECDHE_RSA_WITH_ARIA_128_GCM_SHA256", None),
    (0xc061, "TLS_ECDHE_RSA_WITH_ARIA_256_GCM_SHA384", None),
    (0xc072, "TLS_ECDHE_ECDSA_WITH_CAMELLIA_128_CBC_SHA256", None),
    (0xc073, "TLS_ECDHE_ECDSA_WITH_CAMELLIA_256_CBC_SHA384", None),
    (0xc076, "TLS_ECDHE_RSA_WITH_CAMELLIA_128_CBC_SHA256", None),
    (0xc077, "TLS_ECDHE_RSA_WITH_CAMELLIA_256_CBC_SHA384", None),
    (0xc09c, "TLS_RSA_WITH_AES_128_CCM", CCM128),
    (0xc09d, "TLS_RSA_WITH_AES_256_CCM", CCM256),
    (0xc09e, "TLS_DHE_RSA_WITH_AES_128_CCM", CCM128),
    (0xc09f, "TLS_DHE_RSA_WITH_AES_256_CCM", CCM256),
    (0xc0a0, "TLS_RSA_WITH_AES_128_CCM_8", CCM128_8),
    (0xc0a1, "TLS_RSA_WITH_AES_256_CCM_8", CCM256_8),
    (0xc0a2, "TLS_DHE_RSA_WITH_AES_128_CCM_8", CCM128_8),
    (0xc0a3, "TLS_DHE_RSA_WITH_AES_256_CCM_8", CCM256_8),
    (0xc0a4, "TLS_PSK_WITH_AES_128_CCM", CCM128),
    (0xc0a5, "TLS_PSK_WITH_AES_256_CCM", CCM256),
    (0xc0a6, "TLS_DHE_PSK_WITH_AES_128_CCM", CCM128),
    (0xc0a7, "TLS_DHE_PSK_WITH_AES_256_CCM", CCM256),
    (0xc0a8, "TLS_PSK_WITH_AES_128_CCM_8", CCM128_8),
    (0xc0a9, "TLS_PSK_WITH_AES_256_CCM_8", CCM256_8),
    (0xc0aa, "TLS_PSK_DHE_WITH_AES_128_CCM_8", CCM128_8),
    (0xc0ab, "TLS_PSK_DHE_WITH_AES_256_CCM_8", CCM256_8),
    (0xc0ac, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM", CCM128),
    (0xc0ad, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM", CCM256),
    (0xc0ae, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8", CCM128_8),
    (0xc0af, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8", CCM256_8),
    (0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", CHACHA),
    (0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", CHACHA),
    (0xccaa, "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256", CHACHA),
    (0xccab, "TLS_PSK_WITH_CHACHA20_POLY1305_SHA256", CHACHA),
    (0xccac, "TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256", CHACHA),
    (0xccad, "TLS_DHE_PSK_WITH_CHACHA20_POLY1305_SHA256", CHACHA),
    (0xccae, "TLS_RSA_PSK_WITH_CHACHA20_POLY1305_SHA256", CHACHA),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_in_order_and_found() {
        assert!(SUITES.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(CipherSuite(0x1301).name(), Some("TLS_AES_128_GCM_SHA256"));
        assert_eq!(CipherSuite(0x7a7a).name(), Some("Reserved (GREASE)"));
        assert_eq!(CipherSuite(0x7a8a).name(), None);
        let cbc = CipherSuite(0xc028).protection().unwrap();
        assert_eq!(cbc.cipher, Cipher::Aes256Cbc(Mac::Sha384));
        assert_eq!(cbc.hash, Hash::Sha384);
        assert_eq!(CipherSuite(0x0005).protection(), None);
    }

    #[test]
    fn ciphers_are_those_of_the_names() {
        for &(id, name, cipher) in SUITES {
            let Some(cipher) = cipher else { continue };
            let says = |part: &str| name.contains(part);
            assert_eq!(cipher.key_len() == 16, says("_128_"), "{id:#x}");
            let cbc = matches!(cipher, Cipher::Aes128Cbc(_) | Cipher::Aes256Cbc(_));
            assert_eq!(cbc, says("_CBC_"), "{name}");
            assert_eq!(cipher.tag_len() == 8, says("CCM_8"), "{name}");
            if let Cipher::Aes128Cbc(mac) | Cipher::Aes256Cbc(mac) = cipher {
                let hash = match mac {
                    Mac::Sha1 => "SHA",
                    Mac::Sha256 => "SHA256",
                    Mac::Sha384 => "SHA384",
                };
                assert!(name.ends_with(&format!("_{hash}")), "{name}");
            }
        }
    }
}
