//! How much evidence a message gives that a stream has a layout's protocol, in bits.

#![expect(
    clippy::cast_precision_loss,
    reason = "counts of bits and values, far below 2^52"
)]
#![expect(
    clippy::cast_possible_truncation,
    reason = "bits of evidence of a message of at most 16 MiB"
)]

use super::model::{Constant, Layout, LayoutKind, Role, Type};

/// Bits of evidence from which a layout is recognised on any port. With fewer it is recognised on its own ports only.
pub const ENOUGH: u32 = 32;

impl Layout {
    /// Bits of evidence in a message of `kind`: random bytes would pass for one with a probability of 2 to the minus this
    /// number. Fields with arbitrary values count 0, and so does text, because other protocols have text too.
    #[must_use]
    pub fn evidence(&self, kind: &LayoutKind) -> u32 {
        let fixed_size = self.size(kind);
        let mut bits = 0.0;
        for part in self.parts_of(kind) {
            for field in &self.parts[part].fields {
                let width = match &field.ty {
                    Type::Integer(integer, _) | Type::Flags(integer, _) => {
                        f64::from(integer.width) * 8.0
                    }
                    Type::Text(_) | Type::Bytes(_) => {
                        bits += match &field.constant {
                            Some(Constant::Bytes(bytes)) => bytes.len() as f64 * 8.0,
                            _ => 0.0,
                        };
                        continue;
                    }
                    _ => continue,
                };
                bits += match (&field.ty, field.role) {
                    _ if field.constant.is_some() => width,
                    // One value if the kind has a fixed size, otherwise any value up to the maximum.
                    (_, Some(Role::Length(_))) if fixed_size.is_some() => width,
                    (_, Some(Role::Length(_))) => (width - f64::from(self.max).log2()).max(0.0),
                    (_, Some(Role::Kind | Role::Crc32 | Role::Sum8 | Role::Internet)) => width,
                    (Type::Integer(_, names), _) if !names.is_empty() => {
                        width - (names.len() as f64).log2()
                    }
                    (Type::Flags(_, names), _) => width - names.len() as f64,
                    _ => 0.0,
                };
            }
        }
        // Rounded down, so that evidence is never overstated.
        #[expect(clippy::cast_sign_loss, reason = "no field takes evidence away")]
        let whole = bits as u32;
        whole
    }

    /// The first `len` bytes of a message of `kind`. Bytes without a fixed value are 0. If the size varies, the length field
    /// says `len`.
    #[must_use]
    pub fn opening(&self, kind: &LayoutKind, len: usize) -> Vec<u8> {
        let size = self.size(kind).unwrap_or(len as u64).max(1);
        let mut bytes = Vec::new();
        for field in &self.header().fields {
            let Some(width) = field.size(&self.parts) else {
                break;
            };
            let start = bytes.len();
            bytes.resize(start + usize::try_from(width).unwrap_or(0), 0);
            let value = match (&field.constant, field.role) {
                (Some(Constant::Integer(value)), _) => Some(*value),
                (_, Some(Role::Length(offset))) => Some(i128::from(size) + i128::from(offset)),
                (_, Some(Role::Kind)) => kind.value,
                _ => None,
            };
            if let (Some(value), Type::Integer(integer, _)) = (value, &field.ty) {
                for (place, byte) in bytes[start..].iter_mut().zip(integer.encode(value)) {
                    *place = byte;
                }
            }
        }
        bytes.resize(len, 0);
        bytes
    }
}
