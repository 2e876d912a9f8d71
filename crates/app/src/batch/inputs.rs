//! Which files the arguments mean: files, folders and globs, each file once, with a relative path
//! that tells files of the same name apart.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    path::{Component, Path, PathBuf},
};

use anyhow::Context;
use globset::{GlobBuilder, GlobMatcher, GlobSet, GlobSetBuilder};
use walkdir::{DirEntry, WalkDir};

use super::Misuse;

/// A file to work on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Input {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// The same with links resolved: one file has one such path.
    pub(crate) real: PathBuf,
    /// Where it is below the folder that all arguments share; never leaves that folder.
    pub(crate) relative: PathBuf,
    /// Named itself, rather than found in a folder or by a glob.
    pub(crate) is_named: bool,
}

impl Input {
    /// The relative path with `/` on every system.
    pub(crate) fn name(&self) -> String {
        slashed(&self.relative)
    }
}

/// What to look for.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    /// What the files are, for messages: `volume`.
    pub(crate) what: &'a str,
    /// Ends of their names, lower case, with the dot.
    pub(crate) endings: &'a [&'a str],
    /// Whether folders are searched to the bottom.
    pub(crate) is_deep: bool,
    /// Files and folders to leave out.
    pub(crate) excluded: GlobSet,
    /// A folder not to look into: the one that is written to.
    pub(crate) output: Option<&'a Path>,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The files, in the order of their relative paths.
    pub(crate) inputs: Vec<Input>,
    /// What could not be looked into, and why.
    pub(crate) unreadable: Vec<(String, String)>,
}

/// Finds the files that `arguments` mean.
///
/// # Errors
/// [`Misuse`] if an argument names nothing, or a folder or glob holds none of what is wanted.
pub(crate) fn collect(arguments: &[PathBuf], wanted: &Wanted<'_>) -> anyhow::Result<Found> {
    let places: Vec<Place> = arguments.iter().map(|it| place(it)).collect::<Result<_, _>>()?;
    let shared = shared_folder(places.iter().map(|it| it.folder.as_path()));
    let mut found = Found::default();
    let mut seen = BTreeSet::new();
    for (argument, place) in arguments.iter().zip(&places) {
        let (before, bad_before) = (seen.len(), found.unreadable.len());
        place.files(wanted, &shared, &mut |input| match input {
            Ok(input) => {
                if seen.insert(input.real.clone()) {
                    found.inputs.push(input);
                }
            }
            Err(bad) => found.unreadable.push(bad),
        });
        let is_empty = seen.len() == before && found.unreadable.len() == bad_before;
        // A second argument may mean files that the first meant already.
        if is_empty && place.n_matching(wanted) == 0 {
            return Err(Misuse(place.nothing_found(argument, wanted)).into());
        }
    }
    found.inputs.sort_by(|a, b| a.relative.cmp(&b.relative));
    Ok(found)
}

/// A set of globs, for `--exclude`. A glob without a slash means names in any folder.
///
/// # Errors
/// [`Misuse`] if one is malformed.
pub(crate) fn exclusions(globs: &[String]) -> anyhow::Result<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for it in globs {
        let anywhere = if it.contains('/') { it.clone() } else { format!("**/{it}") };
        let glob = GlobBuilder::new(&anywhere).literal_separator(true).build();
        set.add(glob.map_err(|error| Misuse(format!("--exclude {it}: {}", error.kind())))?);
    }
    Ok(set.build()?)
}

/// The relative path with `/` on every system.
pub(crate) fn slashed(path: &Path) -> String {
    let parts: Vec<_> = path.components().map(|it| it.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

/// The last part of a path.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |it| it.to_string_lossy().into_owned())
}

/// What one argument means.
struct Place {
    /// The folder to start from, with links resolved.
    folder: PathBuf,
    kind: Kind,
}

enum Kind {
    File(PathBuf),
    Folder,
    Glob(GlobMatcher),
}

fn place(argument: &Path) -> anyhow::Result<Place> {
    let shown = argument.display();
    if let Ok(metadata) = fs::metadata(argument) {
        let full = fs::canonicalize(argument).with_context(|| format!("cannot open {shown}"))?;
        if metadata.is_dir() {
            return Ok(Place { folder: full, kind: Kind::Folder });
        }
        // The folder and name as given: a link keeps its own name.
        let folder = argument.parent().filter(|it| *it != Path::new("")).unwrap_or(Path::new("."));
        let folder = fs::canonicalize(folder).with_context(|| format!("cannot open {shown}"))?;
        let name = argument.file_name().map_or(full, PathBuf::from);
        return Ok(Place { folder, kind: Kind::File(name) });
    }
    let is_meta = |it: &OsStr| it.to_string_lossy().contains(['*', '?', '[', '{']);
    let is_glob = argument.components().any(|it| is_meta(it.as_os_str()));
    if !is_glob {
        return Err(Misuse(format!("{shown}: there is no such file or folder")).into());
    }
    let fixed: PathBuf = argument.components().take_while(|it| !is_meta(it.as_os_str())).collect();
    let pattern: PathBuf = argument.components().skip(fixed.components().count()).collect();
    let pattern = GlobBuilder::new(&slashed(&pattern)).literal_separator(true).build();
    let matcher = pattern.map_err(|error| Misuse(format!("{shown}: {}", error.kind())))?;
    let start = if fixed == Path::new("") { Path::new(".") } else { fixed.as_path() };
    let folder = fs::canonicalize(start)
        .map_err(|error| Misuse(format!("{shown}: cannot open {}: {error}", start.display())))?;
    Ok(Place { folder, kind: Kind::Glob(matcher.compile_matcher()) })
}

type Visit<'v> = dyn FnMut(Result<Input, (String, String)>) + 'v;

impl Place {
    fn files(&self, wanted: &Wanted<'_>, shared: &Path, visit: &mut Visit<'_>) {
        let here = self.folder.strip_prefix(shared).unwrap_or(&self.folder);
        let input = |inside: &Path, is_named: bool| {
            let path = self.folder.join(inside);
            match fs::canonicalize(&path) {
                Ok(real) => Ok(Input { path, real, relative: plain(&here.join(inside)), is_named }),
                Err(error) => Err((path.display().to_string(), error.to_string())),
            }
        };
        if let Kind::File(name) = &self.kind {
            visit(input(name, true));
            return;
        }
        for entry in self.walk(wanted) {
            match entry {
                Ok(entry) if self.is_meant(&entry, wanted) => {
                    visit(input(self.inside(&entry), false));
                }
                Ok(_) => {}
                Err(error) => {
                    let path = error.path().unwrap_or(&self.folder).display().to_string();
                    visit(Err((path, error.to_string())));
                }
            }
        }
    }

    fn n_matching(&self, wanted: &Wanted<'_>) -> usize {
        match &self.kind {
            Kind::File(_) => 1,
            Kind::Folder | Kind::Glob(_) => self
                .walk(wanted)
                .filter(|it| it.as_ref().is_ok_and(|it| self.is_meant(it, wanted)))
                .count(),
        }
    }

    fn walk<'a>(
        &'a self,
        wanted: &'a Wanted<'_>,
    ) -> impl Iterator<Item = walkdir::Result<DirEntry>> + 'a {
        let output = wanted.output.filter(|it| !self.folder.starts_with(it));
        let is_deep = wanted.is_deep || matches!(self.kind, Kind::Glob(_));
        WalkDir::new(&self.folder)
            .follow_links(true)
            .sort_by_file_name()
            .max_depth(if is_deep { usize::MAX } else { 1 })
            .into_iter()
            .filter_entry(move |it| {
                let is_hidden = it.file_name().to_string_lossy().starts_with('.');
                let is_left_out = wanted.excluded.is_match(self.inside(it));
                it.depth() == 0
                    || !(is_hidden || is_left_out || output.is_some_and(|out| it.path() == out))
            })
    }

    fn inside<'e>(&self, entry: &'e DirEntry) -> &'e Path {
        entry.path().strip_prefix(&self.folder).unwrap_or(entry.path())
    }

    fn is_meant(&self, entry: &DirEntry, wanted: &Wanted<'_>) -> bool {
        let name = entry.file_name().to_string_lossy().to_lowercase();
        let is_matched = match &self.kind {
            Kind::Glob(glob) => glob.is_match(self.inside(entry)),
            Kind::Folder | Kind::File(_) => true,
        };
        entry.file_type().is_file()
            && is_matched
            && wanted.endings.iter().any(|it| name.ends_with(it))
    }

    fn nothing_found(&self, argument: &Path, wanted: &Wanted<'_>) -> String {
        let (shown, what, endings) = (argument.display(), wanted.what, wanted.endings.join(", *"));
        match self.kind {
            Kind::Glob(_) => format!("{shown} matches no {what} (*{endings})"),
            Kind::Folder | Kind::File(_) => format!("{shown} holds no {what} (*{endings})"),
        }
    }
}

/// The deepest folder that holds all of these.
fn shared_folder<'a>(mut folders: impl Iterator<Item = &'a Path>) -> PathBuf {
    let first = folders.next().unwrap_or(Path::new("")).to_owned();
    folders.fold(first, |shared, it| {
        let same = shared.components().zip(it.components()).take_while(|(a, b)| a == b);
        same.map(|(a, _)| a).collect()
    })
}

/// Names only: nothing that could lead out of a folder it is joined to.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|it| matches!(it, Component::Normal(_))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDINGS: &[&str] = &[".nii.gz", ".nii", ".nrrd"];

    fn wanted() -> Wanted<'static> {
        Wanted {
            what: "volume",
            endings: ENDINGS,
            is_deep: true,
            excluded: GlobSet::empty(),
            output: None,
        }
    }

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for it in files {
            let path = folder.path().join(it);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        folder
    }

    fn check_names(folder: &Path, arguments: &[&str], wanted: &Wanted<'_>, expected: &[&str]) {
        let arguments: Vec<PathBuf> = arguments.iter().map(|it| folder.join(it)).collect();
        let found = collect(&arguments, wanted).unwrap();
        let names: Vec<String> = found.inputs.iter().map(Input::name).collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn a_folder_is_searched_to_the_bottom_without_hidden_and_foreign_files() {
        let tree = tree(&["b/ct.nii.gz", "a.NRRD", "b/._ct.nii.gz", ".git/x.nii", "b/note.txt"]);
        check_names(tree.path(), &["."], &wanted(), &["a.NRRD", "b/ct.nii.gz"]);
    }

    #[test]
    fn files_of_the_same_name_keep_the_folder_that_tells_them_apart() {
        let tree = tree(&["s/one/ct.nii.gz", "s/two/ct.nii.gz"]);
        let files = ["s/two/ct.nii.gz", "s/one/ct.nii.gz"];
        check_names(tree.path(), &files, &wanted(), &["one/ct.nii.gz", "two/ct.nii.gz"]);
        check_names(
            tree.path(),
            &["s/one", "s/two"],
            &wanted(),
            &["one/ct.nii.gz", "two/ct.nii.gz"],
        );
        check_names(tree.path(), &["s/one/ct.nii.gz"], &wanted(), &["ct.nii.gz"]);
        check_names(tree.path(), &["s/one/../two"], &wanted(), &["ct.nii.gz"]);
    }

    #[test]
    fn globs_match_within_a_folder_and_two_stars_across_folders() {
        let tree = tree(&["s/a/ct.nii.gz", "s/a/mr.nii.gz", "s/b/c/ct.nii.gz", "s/ct.nii.gz"]);
        check_names(tree.path(), &["s/*/ct.nii.gz"], &wanted(), &["a/ct.nii.gz"]);
        let all = ["a/ct.nii.gz", "b/c/ct.nii.gz", "ct.nii.gz"];
        check_names(tree.path(), &["s/**/ct.nii.gz"], &wanted(), &all);
        check_names(tree.path(), &["s/a/{ct,mr}.nii.gz"], &wanted(), &["ct.nii.gz", "mr.nii.gz"]);
    }

    #[test]
    fn a_file_that_is_meant_twice_is_taken_once() {
        let tree = tree(&["s/ct.nii.gz"]);
        check_names(tree.path(), &["s", "s/ct.nii.gz", "s/*.gz"], &wanted(), &["ct.nii.gz"]);
    }

    #[test]
    fn what_is_excluded_and_what_is_written_is_not_read() {
        let tree = tree(&["s/ct.nii.gz", "s/ct.label.nii.gz", "s/old/x.nii", "s/out/ct.nii.gz"]);
        let output = fs::canonicalize(tree.path().join("s/out")).unwrap();
        let excluded = exclusions(&["*.label.*".to_owned(), "old".to_owned()]).unwrap();
        let wanted = Wanted { excluded, output: Some(&output), ..wanted() };
        check_names(tree.path(), &["s"], &wanted, &["ct.nii.gz"]);
    }

    #[test]
    fn arguments_that_mean_nothing_are_misuse_and_say_so() {
        let tree = tree(&["empty/note.txt"]);
        for (argument, words) in [
            ("empty", "holds no volume (*.nii.gz"),
            ("empty/*.nii", "matches no volume"),
            ("missing", "no such file"),
            ("missing/*.nii", "cannot open"),
            ("empty/[", "unclosed character class"),
        ] {
            let error = collect(&[tree.path().join(argument)], &wanted()).unwrap_err();
            assert!(error.is::<Misuse>());
            assert!(error.to_string().contains(words), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_loop_of_links_is_reported_and_the_rest_is_found() {
        let tree = tree(&["s/ct.nii.gz"]);
        std::os::unix::fs::symlink(tree.path().join("s"), tree.path().join("s/again")).unwrap();
        let found = collect(&[tree.path().join("s")], &wanted()).unwrap();
        assert_eq!((found.inputs.len(), found.unreadable.len()), (1, 1));
    }
}
