//! Password hashes: what a stored hash may look like, hashing and verifying. Pure computation; the pool runs it off the I/O threads.

use std::fmt;
use std::sync::{Mutex, MutexGuard};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use super::crypt::Crypt;
use super::memory;
use super::scheme::{HashError, Scheme, check_argon2_ceiling, check_rounds_ceiling};
use crate::locks::lock;

/// Held while a hash is computed that asks for more memory than those made now, so that the remaining memory is not
/// promised twice.
static COSTLY: Mutex<()> = Mutex::new(());

/// Bytes of every hash this program makes.
pub(super) const OUTPUT_LEN: usize = 32;

/// Hexadecimal digits of a SHA-256 digest.
pub(super) const SHA256_DIGITS: usize = 64;

/// The mark before the hash of a user who may not log in, as in shadow(5).
pub const DISABLED: char = '!';

/// A stored hash with or without the mark of a disabled user.
#[must_use]
pub fn marked(hash: &str, disabled: bool) -> String {
    let bare = hash.trim_start_matches(DISABLED);
    let mark = disabled.then_some(DISABLED);
    mark.into_iter().chain(bare.chars()).collect()
}

/// A hash as the passwd file holds it, checked and ready to verify against.
#[derive(Clone)]
pub struct Stored {
    kind: HashKind,
    disabled: bool,
}

#[derive(Clone)]
enum HashKind {
    Argon2 {
        algorithm: Algorithm,
        version: Version,
        params: Params,
        salt: Salt,
        output: Output,
    },
    Pbkdf2 {
        algorithm: pbkdf2::Algorithm,
        params: pbkdf2::Params,
        salt: Salt,
        output: Output,
    },
    /// The SHA-256 digest of the password alone, as the lab's first servers wrote it.
    Sha256([u8; 32]),
    /// One of crypt(3)'s.
    Crypt(Crypt),
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stored({})", self.scheme_name())
    }
}

impl Stored {
    /// Reads a hash from the passwd file.
    pub fn parse(text: &str) -> Result<Self, HashError> {
        let (disabled, text) = match text.strip_prefix(DISABLED) {
            Some(text) => (true, text),
            None => (false, text),
        };
        let kind = Self::parse_kind(text)?;
        Ok(Self { kind, disabled })
    }

    /// Whether the user may not log in.
    #[must_use]
    pub const fn is_disabled(&self) -> bool {
        self.disabled
    }

    fn parse_kind(text: &str) -> Result<HashKind, HashError> {
        if !text.starts_with('$') {
            return parse_hex(text).map(HashKind::Sha256);
        }
        let malformed = |error: &dyn fmt::Display| HashError::Malformed(error.to_string());
        let scheme = text.split('$').nth(1).unwrap_or_default();
        if Crypt::knows(scheme) {
            return Crypt::parse(text).map(HashKind::Crypt);
        }
        if ![
            "argon2id",
            "argon2i",
            "argon2d",
            "pbkdf2-sha256",
            "pbkdf2-sha512",
        ]
        .contains(&scheme)
        {
            let shown: String = scheme
                .chars()
                .take(32)
                .flat_map(char::escape_default)
                .collect();
            return Err(HashError::Scheme(shown));
        }
        let phc = PasswordHash::new(text).map_err(|error| malformed(&error))?;
        let (Some(salt), Some(output)) = (phc.salt, phc.hash) else {
            return Err(HashError::Malformed("salt or hash is missing".into()));
        };
        if scheme.starts_with("argon2") {
            let algorithm = scheme
                .parse::<Algorithm>()
                .map_err(|error| malformed(&error))?;
            let version = match phc.version {
                Some(version) => Version::try_from(version).map_err(|error| malformed(&error))?,
                None => Version::V0x10,
            };
            let params = Params::try_from(&phc).map_err(|error| malformed(&error))?;
            check_argon2_ceiling(params.m_cost(), params.t_cost(), params.p_cost())?;
            return Ok(HashKind::Argon2 {
                algorithm,
                version,
                params,
                salt,
                output,
            });
        }
        let algorithm = pbkdf2::Algorithm::try_from(scheme).map_err(|error| malformed(&error))?;
        let params = pbkdf2::Params::try_from(&phc).map_err(|error| malformed(&error))?;
        check_rounds_ceiling(params.rounds())?;
        Ok(HashKind::Pbkdf2 {
            algorithm,
            params,
            salt,
            output,
        })
    }

    /// Whether the hash has the full length that this program's hashes have, so that it cannot
    /// be the first part of a longer one.
    #[must_use]
    pub fn is_full_length(&self) -> bool {
        match &self.kind {
            HashKind::Argon2 { output, .. } | HashKind::Pbkdf2 { output, .. } => {
                output.len() >= OUTPUT_LEN
            }
            HashKind::Sha256(_) | HashKind::Crypt(_) => true,
        }
    }

    /// The scheme's name, as a list of users shows it.
    #[must_use]
    pub fn scheme_name(&self) -> String {
        match &self.kind {
            HashKind::Argon2 {
                algorithm, params, ..
            } => format!(
                "{} m={},t={},p={}",
                algorithm.as_str(),
                params.m_cost(),
                params.t_cost(),
                params.p_cost()
            ),
            HashKind::Pbkdf2 {
                algorithm, params, ..
            } => format!("{algorithm} i={}", params.rounds()),
            HashKind::Sha256(_) => "plain SHA-256".into(),
            HashKind::Crypt(crypt) => crypt.scheme_name(),
        }
    }

    /// Whether a hash made by `scheme` should replace this one: another scheme, or less work.
    #[must_use]
    pub fn is_weaker_than(&self, scheme: Scheme) -> bool {
        match (&self.kind, scheme) {
            (
                HashKind::Argon2 {
                    algorithm: Algorithm::Argon2id,
                    version: Version::V0x13,
                    params,
                    ..
                },
                Scheme::Argon2id {
                    memory_kib, passes, ..
                },
            ) => {
                u64::from(params.m_cost()) * u64::from(params.t_cost())
                    < u64::from(memory_kib) * u64::from(passes)
            }
            (
                HashKind::Pbkdf2 {
                    algorithm: pbkdf2::Algorithm::Pbkdf2Sha256,
                    params,
                    ..
                },
                Scheme::Pbkdf2Sha256 { rounds },
            ) => params.rounds() < rounds,
            _ => true,
        }
    }
}

fn parse_hex(text: &str) -> Result<[u8; 32], HashError> {
    let mut digest = [0; 32];
    if text.len() != SHA256_DIGITS {
        return Err(HashError::Unknown);
    }
    for (octet, pair) in digest.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(pair).map_err(|_| HashError::Unknown)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(HashError::Unknown);
        }
        *octet = u8::from_str_radix(digits, 16).map_err(|_| HashError::Unknown)?;
    }
    Ok(digest)
}

/// Hashes and verifies, one password at a time. Keeps Argon2's working memory between hashes, so that no hash pays
/// for allocating it.
pub struct Hasher {
    scheme: Scheme,
    blocks: Vec<Block>,
}

impl Hasher {
    /// A hasher that makes hashes of `scheme`.
    #[must_use]
    pub const fn new(scheme: Scheme) -> Self {
        Self {
            scheme,
            blocks: Vec::new(),
        }
    }

    /// The scheme of the hashes it makes.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Hashes `password` with a salt of its own; the result is a PHC string.
    pub fn hash(&mut self, password: &[u8]) -> Result<String, HashError> {
        let salt = argon2::password_hash::try_generate_salt()
            .map_err(|error| HashError::Random(error.to_string()))?;
        let mut output = [0; OUTPUT_LEN];
        let malformed = |error: &dyn fmt::Display| HashError::Malformed(error.to_string());
        let (algorithm, version, params) = match self.scheme {
            Scheme::Argon2id {
                memory_kib,
                passes,
                lanes,
            } => {
                let params = Params::new(memory_kib, passes, lanes, Some(OUTPUT_LEN))
                    .map_err(|error| malformed(&error))?;
                let shown = ParamsString::try_from(&params).map_err(|error| malformed(&error))?;
                self.argon2(
                    Algorithm::Argon2id,
                    Version::V0x13,
                    params,
                    password,
                    &salt,
                    &mut output,
                )?;
                (argon2::ARGON2ID_IDENT, Some(Version::V0x13.into()), shown)
            }
            Scheme::Pbkdf2Sha256 { rounds } => {
                let algorithm = pbkdf2::Algorithm::Pbkdf2Sha256;
                let params = pbkdf2::Params::new_with_output_len(rounds, OUTPUT_LEN)
                    .map_err(|error| malformed(&error))?;
                let shown = ParamsString::try_from(&params).map_err(|error| malformed(&error))?;
                pbkdf2::pbkdf2_hmac_with_params(password, &salt, algorithm, params, &mut output);
                (algorithm.into(), None, shown)
            }
        };
        let phc = PasswordHash {
            algorithm,
            version,
            params,
            salt: Some(Salt::new(&salt).map_err(|error| malformed(&error))?),
            hash: Some(Output::new(&output).map_err(|error| malformed(&error))?),
        };
        output.zeroize();
        Ok(phc.to_string())
    }

    /// Whether `stored` was made from `password`. The comparison takes the same time wherever the two differ. An
    /// error if the hash asks for more memory than there is.
    pub fn verify(&mut self, password: &[u8], stored: &Stored) -> Result<bool, HashError> {
        let mut computed = [0; Output::MAX_LENGTH];
        let same = match &stored.kind {
            HashKind::Argon2 {
                algorithm,
                version,
                params,
                salt,
                output,
            } => {
                let computed = &mut computed[..output.len()];
                self.argon2(
                    *algorithm,
                    *version,
                    params.clone(),
                    password,
                    salt.as_ref(),
                    computed,
                )?;
                computed.ct_eq(output.as_bytes()).into()
            }
            HashKind::Pbkdf2 {
                algorithm,
                params,
                salt,
                output,
            } => {
                let computed = &mut computed[..output.len()];
                pbkdf2::pbkdf2_hmac_with_params(password, salt, *algorithm, *params, computed);
                computed.ct_eq(output.as_bytes()).into()
            }
            HashKind::Sha256(digest) => Sha256::digest(password)[..].ct_eq(digest).into(),
            HashKind::Crypt(crypt) => crypt.verify(password)?,
        };
        computed.zeroize();
        Ok(same)
    }

    fn argon2(
        &mut self,
        algorithm: Algorithm,
        version: Version,
        params: Params,
        password: &[u8],
        salt: &[u8],
        output: &mut [u8],
    ) -> Result<(), HashError> {
        let blocks = params.block_count();
        let _alone = self.reserve(blocks)?;
        let result = Argon2::new(algorithm, version, params)
            .hash_password_into_with_memory(password, salt, output, &mut self.blocks[..blocks])
            .map_err(|error| HashError::Malformed(error.to_string()));
        // The additional memory for a costly stored hash is freed again.
        let usual = self.scheme.blocks();
        if self.blocks.len() > usual {
            self.blocks.truncate(usual);
            self.blocks.shrink_to_fit();
        }
        result
    }

    /// Allocates `blocks`. For more than usual, checks that memory is available, because the system may promise
    /// memory that it does not have; while it is in use, nobody else allocates as much.
    fn reserve(&mut self, blocks: usize) -> Result<Option<MutexGuard<'static, ()>>, HashError> {
        let Some(more) = blocks
            .checked_sub(self.blocks.len())
            .filter(|more| *more > 0)
        else {
            return Ok(None);
        };
        let costly = blocks > self.scheme.blocks();
        let alone = costly.then(|| lock(&COSTLY));
        let available = if costly { memory::available() } else { None };
        let wanted = more as u64 * size_of::<Block>() as u64;
        let enough = available.is_none_or(|available| wanted <= available);
        if !enough || self.blocks.try_reserve_exact(more).is_err() {
            return Err(HashError::NoMemory(blocks as u64));
        }
        self.blocks.resize(blocks, Block::default());
        Ok(alone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEAK: Scheme = Scheme::Argon2id {
        memory_kib: 8,
        passes: 1,
        lanes: 1,
    };

    #[test]
    fn the_default_is_owasps_argon2id() {
        let mut hasher = Hasher::new(Scheme::DEFAULT);
        let hash = hasher.hash(b"secret").unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        let stored = Stored::parse(&hash).unwrap();
        assert!(hasher.verify(b"secret", &stored).unwrap());
        assert!(!hasher.verify(b"Secret", &stored).unwrap());
        assert!(!stored.is_weaker_than(Scheme::DEFAULT));
        assert!(stored.is_weaker_than(Scheme::PBKDF2));
        assert!(stored.is_full_length());
    }

    #[test]
    fn pbkdf2_hashes_and_verifies() {
        let mut hasher = Hasher::new(Scheme::Pbkdf2Sha256 { rounds: 1000 });
        let hash = hasher.hash(b"secret").unwrap();
        assert!(hash.starts_with("$pbkdf2-sha256$i=1000,l=32$"), "{hash}");
        let stored = Stored::parse(&hash).unwrap();
        assert!(hasher.verify(b"secret", &stored).unwrap());
        assert!(!hasher.verify(b"secret2", &stored).unwrap());
        assert!(stored.is_weaker_than(Scheme::PBKDF2));
    }

    #[test]
    fn a_sha256_digest_in_hex_verifies_and_is_weak() {
        // SHA-256("abc"), FIPS 180-4 example.
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        for text in [hex.to_owned(), hex.to_uppercase()] {
            let stored = Stored::parse(&text).unwrap();
            assert!(Hasher::new(WEAK).verify(b"abc", &stored).unwrap());
            assert!(!Hasher::new(WEAK).verify(b"abd", &stored).unwrap());
            assert!(stored.is_weaker_than(Scheme::PBKDF2));
        }
    }

    #[test]
    fn a_pbkdf2_string_of_another_program_verifies() {
        // Made with Python's hashlib.pbkdf2_hmac.
        for text in [
            "$pbkdf2-sha256$i=1000,l=32$c2FsdFNBTFQ$h7iaQY7R3M6N8S6ICKBM4Nz7HuhOb4bnbMOEl6FZlX0",
            "$pbkdf2-sha512$i=1000,l=64$c2FsdFNBTFQ$KWaX/2AQq78Y7djGLCRVNdrYOu2xRmMRynQmiI24ac6CG2FpZwwQJPO4vf6Qa9wrUXznEy5GwDl84NYrVhwtrA",
        ] {
            let stored = Stored::parse(text).unwrap();
            assert!(
                Hasher::new(WEAK).verify(b"Password", &stored).unwrap(),
                "{text}"
            );
            assert!(
                !Hasher::new(WEAK).verify(b"password", &stored).unwrap(),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_not_a_hash_is_refused_with_the_reason() {
        let costly = "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHRzb21l$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        for (text, part) in [
            ("", "neither"),
            ("x", "neither"),
            (
                "zz7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                "neither",
            ),
            ("$1$salt$hash", "\"1\" is not known"),
            ("$6$salt$hash", "cannot be read"),
            ("$argon2id$", "cannot be read"),
            ("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l", "missing"),
            (
                "$argon2id$v=19$m=0,t=2,p=1$c29tZXNhbHRzb21l$AAAAAAAAAAAAAAAAAAAAAA",
                "cannot be read",
            ),
            (costly, "more than is spent"),
        ] {
            let error = Stored::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn a_costly_hash_does_not_keep_its_memory() {
        let costly = Scheme::Argon2id {
            memory_kib: 64,
            passes: 1,
            lanes: 1,
        };
        let stored = Stored::parse(&Hasher::new(costly).hash(b"a").unwrap()).unwrap();
        let mut hasher = Hasher::new(WEAK);
        assert!(hasher.verify(b"a", &stored).unwrap());
        assert!(hasher.blocks.len() <= 8);
    }

    #[test]
    fn a_hash_that_asks_for_more_memory_than_there_is_is_an_error() {
        // 4 TiB, which no stored hash can ask for: those are refused when they are read.
        let mut hasher = Hasher::new(WEAK);
        let error = hasher.reserve(1 << 32).unwrap_err();
        assert_eq!(error, HashError::NoMemory(1 << 32));
        assert!(hasher.hash(b"a").is_ok());
    }

    #[test]
    fn debug_shows_no_hash() {
        let hash = Hasher::new(WEAK).hash(b"a").unwrap();
        let shown = format!("{:?}", Stored::parse(&hash).unwrap());
        assert_eq!(shown, "Stored(argon2id m=8,t=1,p=1)");
    }
}
