//! SHA-256 of files, read in pieces.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use sha2::{Digest, Sha256};

use crate::error::ModelError;

const PIECE: usize = 1 << 20;

/// The file's SHA-256 in hexadecimal and its length in bytes.
pub(crate) fn of_file(path: &Path) -> Result<(String, u64), ModelError> {
    let read = || -> io::Result<(String, u64)> {
        let mut file = File::open(path)?;
        let mut hasher = Sha256::new();
        let mut piece = vec![0; PIECE];
        let mut length = 0;
        loop {
            let n = file.read(&mut piece)?;
            if n == 0 {
                break;
            }
            hasher.update(&piece[..n]);
            length += n as u64;
        }
        Ok((hexadecimal(hasher), length))
    };
    read().map_err(ModelError::disk(path))
}

/// The SHA-256 of some bytes in hexadecimal.
pub(crate) fn of_bytes(bytes: &[u8]) -> String {
    hexadecimal(Sha256::new_with_prefix(bytes))
}

fn hexadecimal(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|it| format!("{it:02x}")).collect()
}
