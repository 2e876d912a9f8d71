//! Files that are whole or not there: written under another name beside their place, then renamed.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use tempfile::NamedTempFile;

/// How the names of unfinished files begin and end; nothing else has such names.
const PARTIAL: (&str, &str) = (".voxloop-", ".partial");

/// Writes a file whole, or leaves what was there. A link stays one, and a file that was there keeps
/// who may read and write it.
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
    let before = fs::metadata(path).ok();
    // A pipe or a device cannot be replaced.
    if before.as_ref().is_some_and(|it| !it.is_file()) {
        let mut out = BufWriter::new(File::create(path).with_context(cannot)?);
        fill(&mut out).map_err(Into::into).with_context(cannot)?;
        return out.flush().with_context(cannot);
    }
    let place = behind_links(path);
    let partial = unfinished(&place, fill)?;
    if let Some(before) = before {
        partial.as_file().set_permissions(before.permissions()).with_context(cannot)?;
    }
    partial.persist(&place).with_context(cannot)?;
    Ok(())
}

/// Where a link leads, even if nothing is there yet.
pub(crate) fn behind_links(path: &Path) -> PathBuf {
    // As many as Linux follows; a ring of links fails when it is written.
    const MAX_LINKS: usize = 40;
    let mut place = path.to_owned();
    for _ in 0..MAX_LINKS {
        let Ok(next) = fs::read_link(&place) else { break };
        place = place.parent().map_or_else(|| next.clone(), |it| it.join(&next));
    }
    place
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

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_a_private_file_private() {
        use std::os::unix::fs::{PermissionsExt, symlink};

        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("kept")).unwrap();
        fs::write(at("kept/mask.nii"), "old").unwrap();
        fs::set_permissions(at("kept/mask.nii"), fs::Permissions::from_mode(0o600)).unwrap();
        symlink("kept/mask.nii", at("mask.nii")).unwrap();
        symlink("kept/none.nii", at("none.nii")).unwrap();
        for name in ["mask.nii", "none.nii"] {
            write(&at(name), |out| out.write_all(b"new")).unwrap();
            assert!(fs::symlink_metadata(at(name)).unwrap().is_symlink());
            assert_eq!(fs::read(at("kept").join(name)).unwrap(), b"new");
        }
        let mode = fs::metadata(at("kept/mask.nii")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
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
