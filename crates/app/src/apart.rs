//! Files of one call are different files: what is written takes the place of nothing that is read,
//! and of nothing else that is written.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{batch::Misuse, whole_file::behind_links};

/// A file of a call, under the name that its argument has in the help.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named<'a> {
    /// The argument.
    pub(crate) argument: &'a str,
    /// The file.
    pub(crate) path: &'a Path,
}

/// Pairs each argument that was given with its name.
pub(crate) fn named<'a>(
    arguments: impl IntoIterator<Item = (&'a str, Option<&'a Path>)>,
) -> Vec<Named<'a>> {
    let given = |(argument, path): (_, Option<&'a Path>)| path.map(|path| Named { argument, path });
    arguments.into_iter().filter_map(given).collect()
}

/// Refuses a call in which a written file would be another file of the call, under whatever name.
///
/// # Errors
/// [`Misuse`], naming both arguments.
pub(crate) fn check(read: &[Named<'_>], written: &[Named<'_>]) -> Result<(), Misuse> {
    for (n, output) in written.iter().enumerate() {
        // What is written to a pipe or a device destroys nothing.
        if fs::metadata(output.path).is_ok_and(|it| !it.is_file()) {
            continue;
        }
        let place = place(output.path);
        let is_there = |it: &&Named<'_>| self::place(it.path) == place;
        let (argument, path) = (output.argument, output.path.display());
        if let Some(input) = read.iter().find(is_there) {
            return Err(Misuse(format!(
                "{argument} {path} would overwrite what is read as {}; name another file",
                input.argument
            )));
        }
        if let Some(other) = written[..n].iter().find(is_there) {
            return Err(Misuse(format!(
                "{} and {argument} are both {path}; give each a file of its own",
                other.argument
            )));
        }
    }
    Ok(())
}

/// The one path of a file, which need not be there yet.
pub(crate) fn place(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_absent| in_real_folder(&behind_links(path)))
}

/// The path with the links of its folder resolved, and its own left: where a rename puts a file.
pub(crate) fn in_real_folder(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (fs::canonicalize(folder), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        // Nothing can be written there.
        (Ok(_) | Err(_), _) => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_pair(folder: &Path, output: &str, input: &str, word: &str) {
        let (output, input) = (folder.join(output), folder.join(input));
        let read = named([("IMAGE", Some(input.as_path()))]);
        let refused = check(&read, &named([("-o", Some(output.as_path()))])).unwrap_err();
        assert!(refused.0.contains("-o") && refused.0.contains(word), "{}", refused.0);
    }

    #[test]
    fn a_file_is_known_under_each_of_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("scans")).unwrap();
        fs::write(at("scans/ct.nii"), "image").unwrap();
        check_pair(folder.path(), "scans/ct.nii", "scans/./ct.nii", "IMAGE");
        check_pair(folder.path(), "scans/../scans/ct.nii", "scans/ct.nii", "IMAGE");
        let (first, second) = (at("scans/new.nii"), at("scans/./new.nii"));
        let written = named([
            ("-o", Some(first.as_path())),
            ("--timing", None),
            ("--logits", Some(second.as_path())),
        ]);
        let refused = check(&[], &written).unwrap_err().0;
        assert!(refused.contains("-o and --logits"), "{refused}");
        check(&[], &written[..1]).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_the_file_that_it_leads_to() {
        use std::os::unix::fs::symlink;

        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("scans")).unwrap();
        fs::write(at("scans/ct.nii"), "image").unwrap();
        symlink("scans", at("linked")).unwrap();
        symlink("scans/ct.nii", at("link.nii")).unwrap();
        check_pair(folder.path(), "linked/ct.nii", "scans/ct.nii", "IMAGE");
        check_pair(folder.path(), "link.nii", "scans/ct.nii", "IMAGE");
        check_pair(folder.path(), "scans/ct.nii", "link.nii", "IMAGE");
        // Links whose file is yet to be made.
        symlink("scans/new.nii", at("new.nii")).unwrap();
        let (first, second) = (at("new.nii"), at("linked/new.nii"));
        let written = named([("-o", Some(first.as_path())), ("--logits", Some(second.as_path()))]);
        assert!(check(&[], &written).is_err());
        // A device is nobody's file.
        let null = Path::new("/dev/null");
        check(&[], &named([("--logits", Some(null)), ("--timing", Some(null))])).unwrap();
    }
}
