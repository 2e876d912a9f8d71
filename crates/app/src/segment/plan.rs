//! Which mask each image becomes, and which prompts belong to it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use volume::MaskFormat;

use super::prompts::{self, Marks};
use crate::batch::{
    Misuse,
    inputs::{Input, file_name, slashed},
};

/// Ends of the names of volumes. The last three cannot be read: who has prompts for one is told why.
pub(crate) const ENDINGS: &[&str] = &[".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd"];

/// An image and what becomes of it.
#[derive(Debug)]
pub(crate) struct Item {
    /// The image.
    pub(crate) input: Input,
    /// Its relative path.
    pub(crate) name: String,
    /// The mask, relative to the output folder, with `/`.
    pub(crate) output: String,
    /// What was said about the image.
    pub(crate) said: Said,
}

/// What was said about an image.
#[derive(Debug)]
pub(crate) enum Said {
    /// Prompts.
    Marks(Marks),
    /// Something that cannot be used.
    Wrong(String),
    /// Nothing.
    Nothing,
}

/// What a batch will do.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The images.
    pub(crate) items: Vec<Item>,
    /// Names in the file of prompts that belong to no image.
    pub(crate) unused: Vec<String>,
}

/// Joins images, prompts and names of masks.
///
/// # Errors
/// [`Misuse`] if a file of prompts cannot be used, or two masks would get the same name.
pub(crate) fn plan(
    inputs: Vec<Input>,
    prompts_file: Option<&Path>,
    format: MaskFormat,
) -> anyhow::Result<Plan> {
    let (mut given, unused) = match prompts_file {
        Some(path) => assign(&inputs, path)?,
        None => (BTreeMap::new(), Vec::new()),
    };
    let outputs = outputs(&inputs, format)?;
    let items = inputs.into_iter().zip(outputs).enumerate().map(|(n, (input, output))| {
        let said = given.remove(&n).map_or_else(|| beside(&input), Said::Marks);
        Item { name: input.name(), input, output, said }
    });
    Ok(Plan { items: items.collect(), unused })
}

/// The prompts of a file by the image's position, and the names that belong to no image.
fn assign(inputs: &[Input], path: &Path) -> anyhow::Result<(BTreeMap<usize, Marks>, Vec<String>)> {
    let entries = prompts::read_all(path).map_err(|error| Misuse(format!("{error:#}")))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut faults = Vec::new();
    let mut unused = Vec::new();
    let mut given: BTreeMap<usize, (String, Marks)> = BTreeMap::new();
    let names = Names::of(inputs);
    for (name, marks) in entries {
        let marks = match marks {
            Ok(marks) => marks,
            Err(error) => {
                faults.push(format!("`{name}`: {error:#}"));
                continue;
            }
        };
        match names.meant(&name, folder).as_slice() {
            [] => unused.push(name),
            [at] => {
                if let Some((earlier, _)) = given.insert(*at, (name.clone(), marks)) {
                    faults.push(format!("`{name}` and `{earlier}` are the same image"));
                }
            }
            [first, second, ..] => faults.push(format!(
                "`{name}` could be {} or {}; name it with its folder",
                inputs[*first].name(),
                inputs[*second].name()
            )),
        }
    }
    if !faults.is_empty() {
        let message = format!("--prompts {}:\n  {}", path.display(), faults.join("\n  "));
        return Err(Misuse(message).into());
    }
    Ok((given.into_iter().map(|(at, (_, marks))| (at, marks)).collect(), unused))
}

/// The images by what people may call them.
struct Names {
    by_name: BTreeMap<String, usize>,
    by_real_path: BTreeMap<PathBuf, usize>,
    by_file_name: BTreeMap<String, Vec<usize>>,
}

impl Names {
    fn of(inputs: &[Input]) -> Self {
        let mut by_file_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (n, input) in inputs.iter().enumerate() {
            by_file_name.entry(file_name(&input.relative)).or_default().push(n);
        }
        let numbered = || inputs.iter().enumerate();
        Self {
            by_name: numbered().map(|(n, it)| (it.name(), n)).collect(),
            by_real_path: numbered().map(|(n, it)| (it.real.clone(), n)).collect(),
            by_file_name,
        }
    }

    /// The images that a name may mean: the relative path, or a path from the folder of the file of
    /// prompts, or a bare file name.
    fn meant(&self, name: &str, folder: &Path) -> Vec<usize> {
        let plain = slashed(Path::new(&name.replace('\\', "/")));
        let plain = plain.strip_prefix("./").unwrap_or(&plain);
        let by_path = || {
            let real = fs::canonicalize(folder.join(name)).ok()?;
            self.by_real_path.get(&real)
        };
        match self.by_name.get(plain).or_else(by_path) {
            Some(at) => vec![*at],
            None => self.by_file_name.get(plain).cloned().unwrap_or_default(),
        }
    }
}

/// The prompts in `NAME.prompts.json` beside the image `NAME.nii.gz`.
fn beside(input: &Input) -> Said {
    let path = input.path.with_file_name(format!("{}.prompts.json", stem(&input.path)));
    if !path.exists() {
        return Said::Nothing;
    }
    match prompts::read_beside(&path) {
        Ok(marks) => Said::Marks(marks),
        Err(error) => Said::Wrong(format!("{error:#}")),
    }
}

/// The masks' names: the image's with `.mask` before its end. Images whose names differ in their
/// ends alone keep the whole of their names.
fn outputs(inputs: &[Input], format: MaskFormat) -> anyhow::Result<Vec<String>> {
    let named = |input: &Input, base: &str| {
        let name = format!("{base}.mask{}", format.extension());
        slashed(&input.relative.with_file_name(name))
    };
    let short: Vec<String> = inputs.iter().map(|it| named(it, &stem(&it.relative))).collect();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for it in &short {
        // Some file systems do not tell upper from lower case.
        *counts.entry(it.to_lowercase()).or_default() += 1;
    }
    let outputs: Vec<String> = inputs
        .iter()
        .zip(short)
        .map(|(input, short)| match counts.get(&short.to_lowercase()) {
            Some(1) => short,
            Some(_) | None => named(input, &file_name(&input.relative)),
        })
        .collect();
    let mut taken = BTreeSet::new();
    for it in &outputs {
        if !taken.insert(it.to_lowercase()) {
            return Err(Misuse(format!("two images would both become {it}; rename one")).into());
        }
    }
    Ok(outputs)
}

/// The file's name without what says its format.
fn stem(path: &Path) -> String {
    let name = file_name(path);
    let lower = name.to_ascii_lowercase();
    let ending = ENDINGS.iter().find(|it| lower.ends_with(*it)).map_or(0, |it| it.len());
    name[..name.len() - ending].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn input(relative: &str) -> Input {
        let path = Path::new("/scans").join(relative);
        Input { real: path.clone(), path, relative: relative.into(), is_named: false }
    }

    fn inputs(names: &[&str]) -> Vec<Input> {
        names.iter().map(|it| input(it)).collect()
    }

    #[test]
    fn a_mask_is_called_like_its_image() {
        let names = inputs(&["a/ct.nii.gz", "b/ct.nii.gz", "mr.NRRD", "c.d.nii"]);
        let outputs = outputs(&names, MaskFormat::NiftiGz).unwrap();
        let expected =
            ["a/ct.mask.nii.gz", "b/ct.mask.nii.gz", "mr.mask.nii.gz", "c.d.mask.nii.gz"];
        assert_eq!(outputs, expected);
    }

    #[test]
    fn names_that_differ_in_their_ends_or_case_do_not_clash() {
        let names = inputs(&["ct.nii", "ct.nii.gz", "CT.nrrd"]);
        let outputs = outputs(&names, MaskFormat::Nrrd).unwrap();
        assert_eq!(outputs, ["ct.nii.mask.nrrd", "ct.nii.gz.mask.nrrd", "CT.nrrd.mask.nrrd"]);
    }

    proptest! {
        #[test]
        fn no_two_images_ever_share_a_mask(
            names in prop::collection::btree_set("([ab]/)?[aA](\\.mask)?(\\.nii)?\\.(nii|nii\\.gz|nrrd)", 1..12)
        ) {
            let inputs: Vec<Input> = names.iter().map(|it| input(it)).collect();
            if let Ok(outputs) = outputs(&inputs, MaskFormat::NiftiGz) {
                let different: BTreeSet<String> = outputs.iter().map(|it| it.to_lowercase()).collect();
                prop_assert_eq!(different.len(), inputs.len());
                prop_assert!(outputs.iter().all(|it| it.ends_with(".mask.nii.gz")));
            }
        }
    }

    fn check_plan(images: &[&str], entries: &str) -> anyhow::Result<Plan> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prompts.json");
        let prompts = r#"[{"axis": 2, "slice_index": 4, "box": [1, 2, 3, 4]}]"#;
        fs::write(&path, entries.replace("PROMPTS", prompts)).unwrap();
        plan(inputs(images), Some(&path), MaskFormat::NiftiGz)
    }

    #[test]
    fn prompts_find_their_image_by_relative_path_or_lone_file_name() {
        let entries = r#"{"a/ct.nii.gz": PROMPTS, "mr.nii": PROMPTS, "gone.nii": PROMPTS}"#;
        let plan = check_plan(&["a/ct.nii.gz", "b/ct.nii.gz", "c/mr.nii"], entries).unwrap();
        let has: Vec<bool> =
            plan.items.iter().map(|it| matches!(it.said, Said::Marks(_))).collect();
        assert_eq!(has, [true, false, true]);
        assert_eq!(plan.unused, ["gone.nii"]);
    }

    #[test]
    fn names_that_mean_several_images_or_one_twice_are_misuse() {
        let error = check_plan(&["a/ct.nii", "b/ct.nii"], r#"{"ct.nii": PROMPTS}"#).unwrap_err();
        assert!(error.is::<Misuse>());
        assert!(error.to_string().contains("a/ct.nii or b/ct.nii"));
        let twice = r#"{"ct.nii": PROMPTS, "a/ct.nii": PROMPTS}"#;
        let error = check_plan(&["a/ct.nii"], twice).unwrap_err();
        assert!(error.to_string().contains("the same image"));
    }

    #[test]
    fn every_wrong_entry_is_listed_before_any_work() {
        let error = check_plan(&["a.nii"], r#"{"a.nii": [], "b.nii": 7}"#).unwrap_err().to_string();
        assert!(error.contains("`a.nii`: prompts is empty") && error.contains("`b.nii`: expected"));
    }
}
