//! Imported hashes in the forms of crypt(3): bcrypt and SHA-512-crypt. They are verified but never made: a successful
//! login replaces them.

use sha_crypt::{PasswordHashRef, PasswordVerifier, ShaCrypt};

use super::scheme::HashError;

/// Highest cost that a stored bcrypt hash may ask for: 2 to the power of this many rounds, some four seconds.
const MAX_COST: u32 = 16;
/// Most rounds that a stored SHA-512-crypt hash may ask for, some seconds.
const MAX_ROUNDS: u32 = 5_000_000;
/// Rounds of SHA-512-crypt where the hash names none.
const DEFAULT_ROUNDS: u32 = 5_000;
/// Fewest rounds of SHA-512-crypt.
const MIN_ROUNDS: u32 = 1_000;
/// Characters of a SHA-512-crypt hash behind its salt.
const SHA512_LEN: usize = 86;
/// Most characters of its salt.
const MAX_SALT: usize = 16;
/// Characters of a bcrypt hash.
const BCRYPT_LEN: usize = 60;

/// A hash in one of these forms, checked. All of them have one length, so none is the first part of another.
#[derive(Clone)]
pub enum Crypt {
    /// `$2a$`, `$2b$` or `$2y$`, with its cost.
    Bcrypt(String, u32),
    /// `$6$`, with its rounds.
    Sha512(String, u32),
}

impl Crypt {
    /// Whether a PHC or crypt(3) identifier is one of these.
    pub fn knows(scheme: &str) -> bool {
        matches!(scheme, "2a" | "2b" | "2y" | "6")
    }

    /// Reads a hash whose identifier [`knows`](Self::knows) this.
    pub fn parse(text: &str) -> Result<Self, HashError> {
        if text.starts_with("$6$") {
            return parse_sha512(text);
        }
        let malformed = |reason: &str| HashError::Malformed(reason.into());
        if text.len() != BCRYPT_LEN {
            return Err(malformed("a bcrypt hash has 60 characters"));
        }
        let parts: bcrypt::HashParts = text
            .parse()
            .map_err(|_| malformed("it is no bcrypt hash"))?;
        let cost = parts.get_cost();
        if cost > MAX_COST {
            let reason = format!("bcrypt with cost {cost}; at most {MAX_COST}");
            return Err(HashError::TooCostly(reason));
        }
        Ok(Self::Bcrypt(text.into(), cost))
    }

    /// The scheme's name, as a list of users shows it.
    pub fn scheme_name(&self) -> String {
        match self {
            Self::Bcrypt(_, cost) => format!("bcrypt cost={cost}"),
            Self::Sha512(_, rounds) => format!("sha512-crypt rounds={rounds}"),
        }
    }

    /// Whether the hash is that of `password`. Both libraries compare in constant time.
    pub fn verify(&self, password: &[u8]) -> Result<bool, HashError> {
        let malformed = |error: &dyn std::fmt::Display| HashError::Malformed(error.to_string());
        match self {
            Self::Bcrypt(text, _) => {
                bcrypt::verify(password, text).map_err(|error| malformed(&error))
            }
            Self::Sha512(text, _) => {
                let hash = PasswordHashRef::new(text).map_err(|error| malformed(&error))?;
                match ShaCrypt::SHA512.verify_password(password, hash) {
                    Ok(()) => Ok(true),
                    Err(sha_crypt::password_hash::Error::PasswordInvalid) => Ok(false),
                    Err(error) => Err(malformed(&error)),
                }
            }
        }
    }
}

fn parse_sha512(text: &str) -> Result<Crypt, HashError> {
    let malformed = |reason: &str| HashError::Malformed(reason.into());
    let fields: Vec<&str> = text.split('$').skip(2).collect();
    let (rounds, salt, hash) = match fields[..] {
        [salt, hash] => (DEFAULT_ROUNDS, salt, hash),
        [rounds, salt, hash] => {
            let rounds = rounds
                .strip_prefix("rounds=")
                .and_then(|rounds| rounds.parse().ok());
            let rounds = rounds.ok_or_else(|| malformed("no number of rounds"))?;
            (rounds, salt, hash)
        }
        _ => return Err(malformed("it is no SHA-512-crypt hash")),
    };
    let of_crypt = |text: &str| {
        let known = |octet: u8| octet.is_ascii_alphanumeric() || b"./".contains(&octet);
        text.bytes().all(known)
    };
    if salt.len() > MAX_SALT || !of_crypt(salt) || hash.len() != SHA512_LEN || !of_crypt(hash) {
        return Err(malformed("salt or hash has a length that it cannot have"));
    }
    if rounds > MAX_ROUNDS {
        let reason = format!("{rounds} rounds of SHA-512-crypt; at most {MAX_ROUNDS}");
        return Err(HashError::TooCostly(reason));
    }
    if rounds < MIN_ROUNDS {
        return Err(malformed("fewer rounds than there are"));
    }
    PasswordHashRef::new(text).map_err(|_| malformed("it is no SHA-512-crypt hash"))?;
    Ok(Crypt::Sha512(text.into(), rounds))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "abc" with cost 6, from the jBCrypt test vectors; the other two are of the SHA-crypt specification.
    const BCRYPT: &str = "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i";
    const SHA512: &str = "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1";
    const ROUNDS: &str = "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.";

    #[test]
    fn hashes_that_others_made_are_verified() {
        for (hash, password, name) in [
            (BCRYPT, "abc", "bcrypt cost=6"),
            (SHA512, "Hello world!", "sha512-crypt rounds=5000"),
            (ROUNDS, "Hello world!", "sha512-crypt rounds=10000"),
        ] {
            let crypt = Crypt::parse(hash).unwrap();
            assert_eq!(crypt.scheme_name(), name);
            assert!(crypt.verify(password.as_bytes()).unwrap(), "{name}");
            assert!(!crypt.verify(b"another").unwrap(), "{name}");
        }
    }

    #[test]
    fn no_part_of_a_hash_is_one() {
        for hash in [BCRYPT, SHA512, ROUNDS] {
            for end in 3..hash.len() {
                assert!(Crypt::parse(&hash[..end]).is_err(), "{end}");
            }
        }
        let costly = BCRYPT.replacen("$06$", "$31$", 1);
        assert!(matches!(
            Crypt::parse(&costly),
            Err(HashError::TooCostly(_))
        ));
        let costly = ROUNDS.replacen("10000", "999999999", 1);
        assert!(matches!(
            Crypt::parse(&costly),
            Err(HashError::TooCostly(_))
        ));
    }
}
