//! SHA-256 of files and of what a result depends on.

use std::{io, path::Path};

use serde::Serialize;
use server::blobs;

/// SHA-256 of a file in lower-case hexadecimal.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn of_file(path: &Path) -> io::Result<String> {
    Ok(blobs::digest_of_file(path)?.0.to_string())
}

/// SHA-256 of a value's JSON: equal values, equal digests.
///
/// # Errors
/// If the value has no JSON.
pub(crate) fn of_value(value: &impl Serialize) -> serde_json::Result<String> {
    let text = serde_json::to_string(value)?;
    Ok(blobs::digest(text.as_bytes()).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_a_file_is_that_of_sha256sum() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        // FIPS 180-2, appendix B.1.
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of_file(&path).unwrap(), known);
    }
}
