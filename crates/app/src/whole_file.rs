//! Files that are whole or not there: written under another name beside their place, then renamed.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::Path,
};

use anyhow::Context;
use tempfile::NamedTempFile;

/// How the names of unfinished files begin and end; nothing else has such names.
const PARTIAL: (&str, &str) = (".voxloop-", ".partial");

/// Writes a file whole, or leaves what was there.
///
/// # Errors
/// If it cannot be written; the message names it.
pub(crate) fn write<E>(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> Result<(), E>,
) -> anyhow::Result<()>
where
    E: Into<anyhow::Error>,
{
    let cannot = || format!("cannot write {}", path.display());
    // A pipe or a device cannot be replaced.
    if fs::metadata(path).is_ok_and(|it| !it.is_file()) {
        let mut out = BufWriter::new(File::create(path).with_context(cannot)?);
        fill(&mut out).map_err(Into::into).with_context(cannot)?;
        return out.flush().with_context(cannot);
    }
    unfinished(path, fill)?.persist(path).with_context(cannot)?;
    Ok(())
}

/// Writes the file beside its place; whoever calls gives it its name.
///
/// # Errors
/// If it cannot be written; the message names its place.
pub(crate) fn unfinished<E>(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> Result<(), E>,
) -> anyhow::Result<NamedTempFile>
where
    E: Into<anyhow::Error>,
{
    let write = || -> anyhow::Result<NamedTempFile> {
        let mut partial = beside(path)?;
        let mut out = BufWriter::new(partial.as_file_mut());
        fill(&mut out).map_err(Into::into)?;
        out.flush()?;
        drop(out);
        partial.as_file().sync_all()?;
        Ok(partial)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Whether a name is one of an unfinished file.
pub(crate) fn is_unfinished(name: &str) -> bool {
    name.starts_with(PARTIAL.0) && name.ends_with(PARTIAL.1)
}

fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(PARTIAL.0).suffix(PARTIAL.1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As of any file that a program makes; the user's mask still takes its part away.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|it| it.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn what_was_there_stays_until_the_new_file_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mask.nii.gz");
        write(&path, |out| out.write_all(b"old")).unwrap();
        let failed = write(&path, |out| {
            out.write_all(b"half of the n")?;
            Err(io::Error::other("the disk is full"))
        });
        let message = format!("{:#}", failed.unwrap_err());
        assert!(message.contains("mask.nii.gz") && message.contains("full"), "{message}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["mask.nii.gz"]);
    }

    #[test]
    fn an_unfinished_file_has_a_name_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mask.nii.gz");
        let partial = unfinished(&path, |out| out.write_all(b"new")).unwrap();
        assert!(names(folder.path()).iter().all(|it| is_unfinished(it)));
        partial.persist(&path).unwrap();
        assert_eq!(names(folder.path()), ["mask.nii.gz"]);
        assert!(!is_unfinished("mask.nii.gz"));
    }
}
