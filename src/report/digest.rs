//! The size and SHA-256 of each file, computed by another thread while the capture is read.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use sha2::{Digest as _, Sha256};

use crate::text::escape::Hex;

/// Bytes read at once.
const PIECE: usize = 1 << 18;

/// What identifies a file's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// Size of the file in bytes; if it is compressed, of the compressed file.
    pub octets: u64,
    /// SHA-256 of them, in hexadecimal.
    pub sha256: String,
}

/// The digests of files, being computed.
#[derive(Debug)]
pub struct Digests(JoinHandle<Vec<Option<Digest>>>);

impl Digests {
    /// Begins with files. One that is not a file, as a pipe, which can be read only once, has no digest.
    #[must_use]
    pub fn start(files: &[PathBuf]) -> Self {
        let files = files.to_vec();
        Self(std::thread::spawn(move || {
            files.iter().map(|file| digest(file)).collect()
        }))
    }

    /// The digest of each file, if it has one.
    #[must_use]
    pub fn finish(self) -> Vec<Option<Digest>> {
        self.0.join().unwrap_or_default()
    }
}

fn digest(path: &Path) -> Option<Digest> {
    if !path.metadata().is_ok_and(|found| found.is_file()) {
        return None;
    }
    let mut file = File::open(path).ok()?;
    let mut buffer = vec![0; PIECE];
    let mut hash = Sha256::new();
    let mut octets = 0;
    loop {
        let count = file.read(&mut buffer).ok()?;
        if count == 0 {
            break;
        }
        octets += count as u64;
        hash.update(&buffer[..count]);
    }
    Some(Digest {
        octets,
        sha256: Hex(&hash.finalize()).to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_digests_and_others_have_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        let digests = Digests::start(&[path, "/dev/null".into(), "-".into()]).finish();
        // FIPS 180-2, appendix B.1.
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(
            digests,
            [
                Some(Digest {
                    octets: 3,
                    sha256: sha256.to_owned()
                }),
                None,
                None
            ]
        );
    }
}
