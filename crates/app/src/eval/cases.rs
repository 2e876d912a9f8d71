//! Cases: an image, its true mask, and the prompt of a careful person.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use engine::Engine;
use globset::GlobSet;
use protocol::prompt::SliceRef;
use serde::{Deserialize, Serialize};
use volume::{Labelmap, Volume, plane_axes};

use super::EvalArgs;
use crate::{
    batch::{
        digest,
        inputs::{self, Found, Wanted, file_name, slashed},
        pool,
    },
    segment::read_volume,
};

/// Voxels by which a derived loose box is wider on each side.
const LOOSE: f64 = 5.0;

/// Where a case comes from.
pub(super) struct Source {
    pub(super) name: String,
    kind: SourceKind,
}

enum SourceKind {
    /// A file that names image, label and prompt.
    File(PathBuf),
    /// An image and its label; the prompt is derived.
    Pair { image: PathBuf, label: PathBuf, value: Option<u8> },
}

/// What the arguments name.
pub(super) struct Sources {
    pub(super) cases: Vec<Source>,
    /// Places that could not be looked into, and why.
    pub(super) unreadable: Vec<(String, String)>,
}

/// The cases that the arguments name.
///
/// # Errors
/// [`Misuse`](crate::batch::Misuse) if one of them names no case.
pub(super) fn sources(args: &EvalArgs) -> anyhow::Result<Sources> {
    if let (Some(image), Some(label)) = (&args.image, &args.label) {
        let mut name = file_name(image);
        if let Some(value) = args.label_value {
            name = format!("{name}:{value}");
        }
        let (image, label, value) = (image.clone(), label.clone(), args.label_value);
        let pair = Source { name, kind: SourceKind::Pair { image, label, value } };
        return Ok(Sources { cases: vec![pair], unreadable: Vec::new() });
    }
    let wanted = Wanted {
        what: "case",
        endings: &[".json"],
        is_deep: false,
        excluded: GlobSet::empty(),
        output: None,
    };
    let Found { inputs, unreadable } = inputs::collect(&args.cases, &wanted)?;
    let cases = inputs.into_iter().map(|it| Source {
        name: slashed(&it.relative.with_extension("")),
        kind: SourceKind::File(it.path),
    });
    Ok(Sources { cases: cases.collect(), unreadable })
}

/// A case file.
#[derive(Debug, Deserialize)]
struct CaseFile {
    image: PathBuf,
    label: PathBuf,
    #[serde(default)]
    label_value: Option<u8>,
    prompt: CasePrompt,
}

/// The prompt of a case file.
#[derive(Debug, Serialize, Deserialize)]
struct CasePrompt {
    axis: u8,
    slice: u32,
    #[serde(rename = "box")]
    bounds: [f64; 4],
    #[serde(default)]
    box_loose: Option<[f64; 4]>,
}

impl Source {
    /// Digest of all that the case's scores depend on: the bytes of image and label, the prompt and
    /// the engine.
    pub(super) fn key(&self, engine: &Engine) -> anyhow::Result<String> {
        let parts = self.parts()?;
        let of = |path: &Path| {
            digest::of_file(path).with_context(|| format!("cannot read {}", path.display()))
        };
        let (image, label) = (of(&parts.image)?, of(&parts.label)?);
        let case = (image, label, parts.value, &parts.prompt, engine.identity());
        Ok(match engine {
            Engine::Graphcut => digest::of_value(&case)?,
            Engine::Medsam2(network) => digest::of_value(&(case, network.options()))?,
        })
    }

    /// Memory that the case takes, from its image's header.
    pub(super) fn needed_bytes(&self) -> anyhow::Result<u64> {
        pool::needed_bytes(&self.parts()?.image)
    }

    pub(super) fn open(&self) -> anyhow::Result<Case> {
        Case::read(self.parts()?)
    }

    /// Every file that is read for the case, as far as the case can be read itself.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let parts = self.parts().map(|it| vec![it.image, it.label]).unwrap_or_default();
        match &self.kind {
            SourceKind::File(path) => [vec![path.clone()], parts].concat(),
            SourceKind::Pair { .. } => parts,
        }
    }

    fn parts(&self) -> anyhow::Result<Parts> {
        match &self.kind {
            SourceKind::File(path) => {
                let text = fs::read_to_string(path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                let file: CaseFile = serde_json::from_str(&text)
                    .with_context(|| format!("{} is no case", path.display()))?;
                let folder = path.parent().unwrap_or(Path::new("."));
                let (image, label) = (folder.join(&file.image), folder.join(&file.label));
                Ok(Parts { image, label, value: file.label_value, prompt: Some(file.prompt) })
            }
            SourceKind::Pair { image, label, value } => {
                let (image, label) = (image.clone(), label.clone());
                Ok(Parts { image, label, value: *value, prompt: None })
            }
        }
    }
}

/// What a case is made of.
struct Parts {
    image: PathBuf,
    label: PathBuf,
    value: Option<u8>,
    prompt: Option<CasePrompt>,
}

/// An image, its truth (values 0 and 1) and the prompt.
pub(super) struct Case {
    pub(super) volume: Volume,
    pub(super) truth: Labelmap,
    pub(super) slice: SliceRef,
    pub(super) bounds: [f64; 4],
    pub(super) loose: [f64; 4],
}

impl Case {
    fn read(parts: Parts) -> anyhow::Result<Self> {
        let Parts { image, label, value, prompt } = parts;
        let volume = read_volume(&image)?;
        let labels = Labelmap::from_volume(&read_volume(&label)?)
            .with_context(|| format!("{} is no mask", label.display()))?;
        ensure!(
            labels.shape == volume.shape(),
            "the mask has {:?} voxels, the image {:?}",
            labels.shape,
            volume.shape()
        );
        let mut truth = labels;
        for voxel in &mut truth.voxels {
            *voxel = u8::from(value.map_or(*voxel != 0, |it| *voxel == it));
        }
        let prompt = match prompt {
            Some(prompt) => prompt,
            None => derived_prompt(&truth)?,
        };
        let axis = usize::from(prompt.axis);
        ensure!(axis < 3, "prompt.axis is {axis}, must be from 0 to 2");
        let size = plane_axes(axis).map(|it| truth.shape[it] as f64 - 1.0);
        let [x1, y1, x2, y2] = prompt.bounds;
        let wider = [
            (x1 - LOOSE).max(0.0),
            (y1 - LOOSE).max(0.0),
            (x2 + LOOSE).min(size[0]),
            (y2 + LOOSE).min(size[1]),
        ];
        Ok(Self {
            slice: SliceRef { axis: prompt.axis, slice_index: prompt.slice },
            bounds: prompt.bounds,
            loose: prompt.box_loose.unwrap_or(wider),
            volume,
            truth,
        })
    }
}

/// Axis 2, the slice with the most voxels, the object's own bounds.
fn derived_prompt(truth: &Labelmap) -> anyhow::Result<CasePrompt> {
    let areas = truth.slice_counts(2, 1);
    let Some((index, _)) =
        areas.iter().enumerate().rev().max_by_key(|it| *it.1).filter(|it| *it.1 > 0)
    else {
        bail!("the mask holds no voxel of the object");
    };
    let slice = truth.slice(2, index);
    let mut bounds = [f64::INFINITY, f64::INFINITY, 0.0, 0.0];
    for (at, _) in slice.pixels.iter().enumerate().filter(|it| *it.1 != 0) {
        let (x, y) = ((at % slice.width) as f64, (at / slice.width) as f64);
        bounds = [bounds[0].min(x), bounds[1].min(y), bounds[2].max(x), bounds[3].max(y)];
    }
    Ok(CasePrompt { axis: 2, slice: u32::try_from(index)?, bounds, box_loose: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_derived_prompt_is_tight_and_on_the_largest_slice() {
        let mut truth = Labelmap::new([8, 9, 4]);
        for at in [[3, 4, 1], [2, 4, 2], [5, 6, 2]] {
            let place = truth.index(at);
            truth.voxels[place] = 1;
        }
        let prompt = derived_prompt(&truth).unwrap();
        assert_eq!((prompt.axis, prompt.slice), (2, 2));
        assert_eq!(prompt.bounds.map(|it| it.round()), [2.0, 4.0, 5.0, 6.0]);
        let error = derived_prompt(&Labelmap::new([2, 2, 2])).unwrap_err();
        assert!(error.to_string().contains("no voxel"));
    }
}
