//! `voxloop sample`: phantoms with labels in a folder, ready for the page and for `voxloop eval`.
//!
//! Each sample is an image, its labelmap (`NAME.label.nii.gz`, what its values mean in
//! `labels/NAME.json`), and for each lesion a case: a mask of its own and the prompt of a careful
//! person on the slice where it is largest.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use serde_json::{Value, json};
use volume::{
    Affine, AxisCodes, Labelmap, MaskFormat, Volume,
    phantom::{Phantom, PhantomOptions, phantom, rotation},
};

use crate::{batch::inputs::file_name, whole_file};

/// Arguments of `voxloop sample`.
#[derive(Debug, clap::Args)]
pub(crate) struct SampleArgs {
    /// Folder for the files; it is made where it is missing.
    pub(crate) dir: PathBuf,
    /// Every seed makes other patients.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Only the samples whose names begin like this; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Vec<String>,
    /// How many voxels.
    #[arg(long, value_enum, default_value_t = SampleSize::Normal)]
    pub(crate) size: SampleSize,
    /// Make cases of the organs too, not of the lesions alone.
    #[arg(long)]
    pub(crate) organs: bool,
}

/// How finely the samples are scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum SampleSize {
    /// A third of the voxels along each axis, for quick tests.
    Small,
    /// As in practice, a few megabytes each.
    Normal,
}

/// What was written for one sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SampleFiles {
    /// Name of the sample.
    pub(crate) name: String,
    /// The image.
    pub(crate) image: PathBuf,
    /// Its labelmap.
    pub(crate) labelmap: PathBuf,
    /// The cases for `voxloop eval`.
    pub(crate) cases: Vec<PathBuf>,
}

/// Runs `voxloop sample`.
///
/// # Errors
/// As [`sample`].
#[expect(clippy::print_stdout, reason = "the outermost layer says what it wrote")]
pub(crate) fn run(args: &SampleArgs) -> anyhow::Result<ExitCode> {
    for files in sample(args)? {
        let n_cases = files.cases.len();
        let noun = if n_cases == 1 { "case" } else { "cases" };
        println!("{}: {n_cases} {noun}", files.image.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the samples.
///
/// # Errors
/// If no sample has such a name, or the folder cannot be written.
pub(crate) fn sample(args: &SampleArgs) -> anyhow::Result<Vec<SampleFiles>> {
    let recipes: Vec<Recipe> = recipes().into_iter().filter(|it| it.is_wanted(args)).collect();
    if recipes.is_empty() {
        let names: Vec<&str> = self::recipes().iter().map(|it| it.name).collect();
        bail!("no sample is named {}; there are {}", args.only.join(", "), names.join(", "));
    }
    let labels_dir = args.dir.join("labels");
    fs::create_dir_all(&labels_dir)
        .with_context(|| format!("making the folder {}", labels_dir.display()))?;
    recipes.iter().map(|it| it.write(args)).collect()
}

/// How a sample differs from the plain phantom.
struct Recipe {
    name: &'static str,
    options: PhantomOptions,
    /// Stored along these axes in the end.
    stored: Option<&'static str>,
    /// The header alone is turned, the voxels stay.
    header_turn: Option<[f64; 3]>,
    /// Only made when asked for by name.
    is_extra: bool,
}

/// Turn of the oblique samples: about 14 degrees about a slanting axis.
const OBLIQUE: [f64; 3] = [0.10, 0.06, -0.04];

fn recipes() -> Vec<Recipe> {
    let plain =
        |name, options| Recipe { name, options, stored: None, header_turn: None, is_extra: false };
    let stored = |name, options, codes| Recipe { stored: Some(codes), ..plain(name, options) };
    let turned = |options| PhantomOptions { tilt: OBLIQUE, ..options };
    let (ct, mr) = (PhantomOptions::ct, PhantomOptions::mr);
    let small = ct([96, 96, 48]);
    vec![
        plain("ct-abdomen", ct([256, 256, 64])),
        plain("ct-thick", PhantomOptions { spacing_mm: [1.5, 1.5, 5.0], ..ct([256, 256, 38]) }),
        plain("ct-thin", PhantomOptions { spacing_mm: [2.0, 2.0, 1.0], ..ct([192, 192, 180]) }),
        plain("ct-oblique", turned(ct([192, 192, 48]))),
        stored("ct-flipped", ct([192, 192, 48]), "RAI"),
        stored("ct-permuted", ct([192, 192, 48]), "PIR"),
        plain("mr-brain", mr([176, 176, 120])),
        plain("mr-oblique", turned(mr([128, 128, 90]))),
        stored("mr-permuted", mr([128, 128, 90]), "LIA"),
        stored("orient-LPS", small, "LPS"),
        stored("orient-RAS", small, "RAS"),
        stored("orient-PLI", small, "PLI"),
        stored("orient-SAR", small, "SAR"),
        stored("orient-IRP", small, "IRP"),
        Recipe { header_turn: Some(OBLIQUE), ..stored("orient-rotated", small, "LPS") },
        Recipe { is_extra: true, ..plain("ct-medium", ct([512, 512, 120])) },
        Recipe { is_extra: true, ..plain("ct-large", ct([512, 512, 300])) },
    ]
}

impl Recipe {
    fn is_wanted(&self, args: &SampleArgs) -> bool {
        match args.only.is_empty() {
            true => !self.is_extra,
            false => args.only.iter().any(|it| self.name.starts_with(it.as_str())),
        }
    }

    fn make(&self, args: &SampleArgs) -> anyhow::Result<Phantom> {
        let mut options = PhantomOptions { seed: args.seed, ..self.options };
        if args.size == SampleSize::Small {
            options.shape = options.shape.map(|it| (it / 3).max(1));
            options.spacing_mm = options.spacing_mm.map(|it| it * 3.0);
        }
        let mut made = phantom(&options);
        if let Some(codes) = self.stored {
            let codes: AxisCodes = codes.parse()?;
            made.labelmap = made.labelmap.reoriented(&made.volume.grid, codes);
            made.volume = made.volume.reoriented(codes);
        }
        if let Some(turn) = self.header_turn {
            let turn = Affine::new(rotation(turn), [0.0; 3]);
            let turned = turn.compose(&made.volume.grid.ras_from_voxel);
            made.volume = made.volume.with_affine(turned);
        }
        Ok(made)
    }

    fn write(&self, args: &SampleArgs) -> anyhow::Result<SampleFiles> {
        let made = self.make(args)?;
        let image = args.dir.join(format!("{}.nii.gz", self.name));
        whole_file::write(&image, |out| {
            volume::write_volume(&made.volume, MaskFormat::NiftiGz, out)
        })?;
        let labelmap = args.dir.join(format!("{}.label.nii.gz", self.name));
        write_mask(&made.labelmap, &made.volume, &labelmap)?;
        let labels: Vec<Value> = made
            .labels
            .iter()
            .map(|it| {
                let n_voxels = made.labelmap.count(it.value);
                json!({"value": it.value, "name": it.name, "lesion": it.is_lesion, "voxels": n_voxels})
            })
            .collect();
        let labels =
            json!({"image": file_name(&image), "label": file_name(&labelmap), "labels": labels});
        write_json(&labels, &args.dir.join("labels").join(format!("{}.json", self.name)))?;
        let cases = self.write_cases(args, &made)?;
        Ok(SampleFiles { name: self.name.to_owned(), image, labelmap, cases })
    }

    fn write_cases(&self, args: &SampleArgs, made: &Phantom) -> anyhow::Result<Vec<PathBuf>> {
        let mut cases = Vec::new();
        for label in made.labels.iter().filter(|it| it.is_lesion || args.organs) {
            let mask = made.labelmap.binary(label.value);
            let stem = format!("{}.{}", self.name, label.name.replace(' ', "-"));
            let mask_path = args.dir.join(format!("{stem}.label.nii.gz"));
            let image = format!("{}.nii.gz", self.name);
            let Some(case) = case(&mask, &made.volume, &image, &file_name(&mask_path)) else {
                continue;
            };
            write_mask(&mask, &made.volume, &mask_path)?;
            let path = args.dir.join(format!("{stem}.json"));
            write_json(&case, &path)?;
            cases.push(path);
        }
        Ok(cases)
    }
}

/// Slices of a case lie along this stored axis.
const AXIS: usize = 2;
/// Smaller objects cannot be told from noise, and nobody would prompt them.
const FEWEST_PIXELS: usize = 12;
const LOOSE_PIXELS: usize = 5;

/// The prompt of a mask (not 0 where the object is): the box of its largest slice; `None` where the
/// object is too small.
fn case(mask: &Labelmap, volume: &Volume, image: &str, label: &str) -> Option<Value> {
    let counts = mask.slice_counts(AXIS, 1);
    let largest = *counts.iter().max()?;
    if largest < FEWEST_PIXELS {
        return None;
    }
    let slice = counts.iter().position(|it| *it == largest)?;
    let [_, _, slices] = mask.bounding_box(1)?;
    let key = mask.slice(AXIS, slice);
    let key = Labelmap::from_voxels([key.width, key.height, 1], key.pixels).ok()?;
    let [x, y, _] = key.bounding_box(1)?;
    let (x1, y1, x2, y2) = (*x.start(), *y.start(), *x.end(), *y.end());
    let loose = [
        x1.saturating_sub(LOOSE_PIXELS),
        y1.saturating_sub(LOOSE_PIXELS),
        (x2 + LOOSE_PIXELS).min(mask.shape[0] - 1),
        (y2 + LOOSE_PIXELS).min(mask.shape[1] - 1),
    ];
    Some(json!({
        "image": image,
        "label": label,
        "prompt": {"axis": AXIS, "slice": slice, "box": [x1, y1, x2, y2], "box_loose": loose},
        "lesion_slices": [slices.start(), slices.end()],
        "lesion_voxels": mask.count(1),
        "shape": mask.shape,
        "spacing_mm": volume.grid.spacing_mm(),
    }))
}

fn write_mask(mask: &Labelmap, volume: &Volume, path: &Path) -> anyhow::Result<()> {
    whole_file::write(path, |out| {
        volume::write_mask(mask, &volume.header, MaskFormat::NiftiGz, out)
    })
}

fn write_json(value: &Value, path: &Path) -> anyhow::Result<()> {
    whole_file::write(path, |out| writeln!(out, "{value:#}"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{SampleArgs, SampleSize, sample};
    use volume::{Labelmap, ReadOptions};

    fn args(dir: &std::path::Path, only: &[&str]) -> SampleArgs {
        let only = only.iter().map(|it| (*it).to_owned()).collect();
        SampleArgs { dir: dir.to_owned(), seed: 3, only, size: SampleSize::Small, organs: false }
    }

    fn read(path: &std::path::Path) -> volume::Volume {
        volume::read(path, "", &ReadOptions::default()).unwrap()
    }

    #[test]
    fn every_case_describes_its_own_mask() {
        let dir = tempfile::tempdir().unwrap();
        let made = sample(&args(dir.path(), &["ct-abdomen", "ct-permuted"])).unwrap();
        assert_eq!(made.len(), 2);
        for path in made.iter().flat_map(|it| &it.cases) {
            let case: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
            let mask = read(&dir.path().join(case["label"].as_str().unwrap()));
            let image = read(&dir.path().join(case["image"].as_str().unwrap()));
            assert_eq!(mask.grid, image.grid);
            let mask = Labelmap::from_volume(&mask).unwrap();
            assert_eq!(case["lesion_voxels"], mask.count(1));
            let slice = usize::try_from(case["prompt"]["slice"].as_u64().unwrap()).unwrap();
            let area = mask.slice_counts(2, 1)[slice];
            let corner = |at: usize| case["prompt"]["box"][at].as_u64().unwrap();
            let box_area = (corner(2) - corner(0) + 1) * (corner(3) - corner(1) + 1);
            assert!(area >= 12 && area as u64 <= box_area, "{area} of {box_area}");
        }
    }

    #[test]
    fn a_rotated_header_leaves_the_voxels() {
        let dir = tempfile::tempdir().unwrap();
        let made = sample(&args(dir.path(), &["orient-LPS", "orient-rotated"])).unwrap();
        let [plain, rotated] = [0, 1].map(|it| read(&made[it].image));
        assert_eq!(plain.voxels, rotated.voxels);
        assert_ne!(plain.grid.ras_from_voxel, rotated.grid.ras_from_voxel);
        assert_eq!(plain.axis_codes(), rotated.axis_codes());
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let dir = tempfile::tempdir().unwrap();
        let error = sample(&args(dir.path(), &["pet"])).unwrap_err();
        assert!(error.to_string().contains("ct-abdomen"), "{error}");
    }
}
