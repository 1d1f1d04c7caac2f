//! How passwords are hashed: the schemes, their parameters, and how weak or costly those may be.

use std::fmt;

use argon2::Params;

/// Least memory for Argon2id, in KiB: the smallest of the equivalent settings in OWASP's
/// Password Storage Cheat Sheet.
pub const MIN_MEMORY_KIB: u32 = 7168;
/// Least memory times passes for Argon2id, in KiB: the work of the weakest of OWASP's settings
/// (7168 KiB, 5 passes).
pub const MIN_WORK_KIB: u64 = 7168 * 5;
/// Least rounds for PBKDF2-HMAC-SHA-256, as OWASP asks for, and the default.
pub const MIN_ROUNDS: u32 = 600_000;

/// Most memory that a stored Argon2 hash may ask for, in KiB (1 GiB).
const MAX_MEMORY_KIB: u32 = 1 << 20;
/// Most memory times passes that a stored Argon2 hash may ask for, in KiB.
const MAX_WORK_KIB: u64 = 1 << 24;
/// Most lanes that an Argon2 hash may ask for.
const MAX_LANES: u32 = 64;
/// Most rounds that a stored PBKDF2 hash may ask for.
const MAX_ROUNDS: u32 = 20_000_000;

/// How passwords of registrations are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Argon2id, version 1.3 (RFC 9106).
    Argon2id {
        /// Memory in KiB.
        memory_kib: u32,
        /// Passes over the memory.
        passes: u32,
        /// Lanes.
        lanes: u32,
    },
    /// PBKDF2 with HMAC-SHA-256 (RFC 8018).
    Pbkdf2Sha256 {
        /// Rounds.
        rounds: u32,
    },
}

impl Scheme {
    /// Argon2id as OWASP recommends it: 19 MiB, 2 passes, 1 lane.
    pub const DEFAULT: Self = Self::Argon2id {
        memory_kib: Params::DEFAULT_M_COST,
        passes: Params::DEFAULT_T_COST,
        lanes: Params::DEFAULT_P_COST,
    };

    /// PBKDF2 with the rounds that OWASP asks for.
    pub const PBKDF2: Self = Self::Pbkdf2Sha256 { rounds: MIN_ROUNDS };

    /// Checks the parameters against floor and ceiling.
    pub fn check(self) -> Result<Self, HashError> {
        match self {
            Self::Argon2id {
                memory_kib,
                passes,
                lanes,
            } => {
                let work = u64::from(memory_kib) * u64::from(passes);
                if memory_kib < MIN_MEMORY_KIB || work < MIN_WORK_KIB {
                    return Err(HashError::TooWeak(format!(
                        "Argon2id takes at least {MIN_MEMORY_KIB} KiB, and memory times passes of at least {MIN_WORK_KIB} KiB; given {memory_kib} KiB and {passes} passes"
                    )));
                }
                check_argon2_ceiling(memory_kib, passes, lanes)?;
                Params::new(memory_kib, passes, lanes, None)
                    .map_err(|error| HashError::Malformed(error.to_string()))?;
            }
            Self::Pbkdf2Sha256 { rounds } if rounds < MIN_ROUNDS => {
                return Err(HashError::TooWeak(format!(
                    "PBKDF2 takes at least {MIN_ROUNDS} rounds; given {rounds}"
                )));
            }
            Self::Pbkdf2Sha256 { rounds } => check_rounds_ceiling(rounds)?,
        }
        Ok(self)
    }

    /// 1 KiB blocks of memory that one hash takes.
    pub(super) fn blocks(self) -> usize {
        match self {
            Self::Argon2id { memory_kib, .. } => memory_kib as usize,
            Self::Pbkdf2Sha256 { .. } => 0,
        }
    }
}

impl Default for Scheme {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argon2id {
                memory_kib,
                passes,
                lanes,
            } => write!(f, "argon2id, m={memory_kib},t={passes},p={lanes}"),
            Self::Pbkdf2Sha256 { rounds } => write!(f, "pbkdf2-sha256, {rounds} rounds"),
        }
    }
}

/// Why a hash cannot be used or made. Never holds the hash or a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Neither a PHC string nor 64 hexadecimal digits.
    #[error(
        "the hash is neither a PHC string ($argon2id$…, $pbkdf2-sha256$…) nor 64 hexadecimal digits"
    )]
    Unknown,
    /// A PHC string of a scheme that is not one of ours.
    #[error(
        "the hash scheme \"{0}\" is not known; known are argon2id, argon2i, argon2d, pbkdf2-sha256, pbkdf2-sha512, 2a, 2b, 2y (bcrypt) and 6 (SHA-512-crypt)"
    )]
    Scheme(String),
    /// A PHC string that cannot be read.
    #[error("the hash cannot be read: {0}")]
    Malformed(String),
    /// Parameters above the ceiling.
    #[error("the hash asks for more than is spent on one: {0}")]
    TooCostly(String),
    /// More memory than there is.
    #[error("the hash asks for {0} KiB of memory, which is more than there is")]
    NoMemory(u64),
    /// Parameters below the floor.
    #[error("the hash parameters are too weak: {0}")]
    TooWeak(String),
    /// The system gave no random bytes for a salt.
    #[error("no random bytes for a salt: {0}")]
    Random(String),
}

pub(super) fn check_argon2_ceiling(
    memory_kib: u32,
    passes: u32,
    lanes: u32,
) -> Result<(), HashError> {
    let work = u64::from(memory_kib) * u64::from(passes);
    if memory_kib > MAX_MEMORY_KIB || work > MAX_WORK_KIB || lanes > MAX_LANES {
        return Err(HashError::TooCostly(format!(
            "{memory_kib} KiB, {passes} passes, {lanes} lanes; at most {MAX_MEMORY_KIB} KiB, {MAX_WORK_KIB} KiB times passes, {MAX_LANES} lanes"
        )));
    }
    Ok(())
}

pub(super) fn check_rounds_ceiling(rounds: u32) -> Result<(), HashError> {
    if rounds > MAX_ROUNDS {
        return Err(HashError::TooCostly(format!(
            "{rounds} rounds; at most {MAX_ROUNDS}"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_have_a_floor() {
        let weak = Scheme::Argon2id {
            memory_kib: 8,
            passes: 1,
            lanes: 1,
        };
        assert!(weak.check().is_err());
        assert!(Scheme::Pbkdf2Sha256 { rounds: 1000 }.check().is_err());
        assert!(Scheme::DEFAULT.check().is_ok());
        assert!(Scheme::PBKDF2.check().is_ok());
        let least = Scheme::Argon2id {
            memory_kib: MIN_MEMORY_KIB,
            passes: 5,
            lanes: 1,
        };
        assert!(least.check().is_ok());
    }
}
