//! Every object of one image, from its prompts to one mask with a label each.

use anyhow::Context;
use engine::{Control, Engine, PropagationRequest, Uncertainty, medsam2::Medsam2Options};
use protocol::{
    prompt::{Combine, Direction, SlicePrompt},
    task::EngineIdentity,
};
use serde::{Deserialize, Serialize};
use volume::{Labelmap, Volume, metrics};

use super::prompts::{Marks, shows_object};

/// What decides about the masks, besides image and prompts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Parameters {
    /// Which way to go from the prompted slices.
    pub(crate) direction: Direction,
    /// How two passes are combined.
    pub(crate) combine: Combine,
    /// Whether only the largest connected part of an object stays.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) largest_component: bool,
    /// Only the prompted slices.
    pub(crate) two_d: bool,
    /// Whether to say how sure each mask is.
    pub(crate) uncertainty: bool,
    /// How MedSAM2 is used, where it is the engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) medsam2: Option<Medsam2Options>,
}

/// An object in the mask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Object {
    /// Its value in the mask.
    pub(crate) label: u8,
    /// Its size in voxels.
    pub(crate) voxels: usize,
    /// Its size in millilitres.
    pub(crate) ml: f64,
    /// Doubt about it, 0 (sure) to 1, where it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) doubt: Option<f32>,
}

/// What came of an image.
pub(crate) struct Solved {
    /// The mask, with the objects' labels.
    pub(crate) labelmap: Labelmap,
    /// What is in it.
    pub(crate) objects: Vec<Object>,
    /// Which code made it, and through which window.
    pub(crate) engine: EngineIdentity,
}

/// Segments every object. First all of them on their prompted slices, then each through the
/// volume: so no object takes what another one's prompts show. Where two still meet, the one with
/// the lower label was there first.
///
/// # Errors
/// If a prompt does not fit the image, or `control` asks to stop.
pub(crate) fn segment(
    engine: &Engine,
    volume: &Volume,
    marks: &Marks,
    parameters: Parameters,
    control: &dyn Control,
) -> anyhow::Result<Solved> {
    let mut identity = engine.identity();
    let mut labelmap = Labelmap::new(volume.shape());
    let mut solved = marks.prompts.clone();
    for label in marks.labels() {
        let has_box = marks.prompts.iter().any(|it| it.label == label && it.bounds.is_some());
        let mut n_keys = 0;
        for (n, prompt) in solved.iter_mut().enumerate().filter(|it| it.1.label == label) {
            // As from the command line: each box is solved, and without any box the first mark;
            // other marks hold as single voxels. MedSAM2 takes points on all their slices together.
            let is_key = match (parameters.two_d, has_box) {
                (true, _) => shows_object(prompt),
                (false, true) => prompt.bounds.is_some(),
                (false, false) => {
                    *engine == Engine::Graphcut && shows_object(prompt) && n_keys == 0
                }
            };
            if is_key {
                n_keys += 1;
                let found = engine::segment_slice(engine, volume, prompt, Some(&labelmap))
                    .with_context(|| format!("prompts[{n}], label {label}"))?;
                prompt.mask = found.mask.pixels.contains(&1);
                add(&mut labelmap, &found.on_grid(volume.shape()), label);
                identity = found.engine;
            }
        }
    }
    let mut objects = Vec::new();
    for label in marks.labels() {
        let mut doubt = None;
        if !parameters.two_d {
            let request = request(marks, &solved, label, parameters);
            let uncertainty = match parameters.uncertainty {
                true => Uncertainty::Measure,
                false => Uncertainty::Skip,
            };
            let found =
                engine::propagate(engine, volume, &request, &labelmap, uncertainty, control)
                    .with_context(|| format!("label {label}"))?;
            doubt = found.doubt;
            clear(&mut labelmap, label);
            add(&mut labelmap, &found.mask, label);
            identity = found.engine;
        }
        let voxels = labelmap.count(label);
        let ml = metrics::volume_ml(&labelmap, &volume.grid, label);
        objects.push(Object { label, voxels, ml, doubt });
    }
    Ok(Solved { labelmap, objects, engine: identity })
}

fn request(
    marks: &Marks,
    solved: &[SlicePrompt],
    label: u8,
    parameters: Parameters,
) -> PropagationRequest {
    let prompts: Vec<SlicePrompt> = solved.iter().filter(|it| it.label == label).cloned().collect();
    let carry = marks.propagate.iter().find(|it| it.label == label);
    let first = prompts.iter().find(|it| shows_object(it)).or(prompts.first());
    let axis = carry.and_then(|it| it.axis).or(first.map(|it| it.slice.axis)).unwrap_or_default();
    PropagationRequest {
        label,
        axis,
        direction: carry.and_then(|it| it.direction).unwrap_or(parameters.direction),
        range: carry.and_then(|it| it.range),
        combine: carry.and_then(|it| it.combine).unwrap_or(parameters.combine),
        largest_component: carry
            .and_then(|it| it.largest_component)
            .unwrap_or(parameters.largest_component),
        frugal: false,
        prompts,
    }
}

/// Gives an object the voxels of `mask` that belong to nobody.
fn add(labelmap: &mut Labelmap, mask: &Labelmap, label: u8) {
    for (voxel, &is_inside) in labelmap.voxels.iter_mut().zip(&mask.voxels) {
        if is_inside != 0 && *voxel == 0 {
            *voxel = label;
        }
    }
}

fn clear(labelmap: &mut Labelmap, label: u8) {
    for voxel in labelmap.voxels.iter_mut().filter(|it| **it == label) {
        *voxel = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::Unwatched;
    use serde_json::json;
    use volume::phantom::{PhantomOptions, phantom};

    const PARAMETERS: Parameters = Parameters {
        direction: Direction::Both,
        combine: Combine::Union,
        largest_component: false,
        two_d: false,
        uncertainty: false,
        medsam2: None,
    };

    /// Boxes around the two largest objects, each on its largest slice.
    fn two_boxes(truth: &Labelmap) -> serde_json::Value {
        let mut labels = truth.labels();
        labels.sort_by_key(|it| std::cmp::Reverse(truth.count(*it)));
        let boxes = labels[1..3].iter().enumerate().map(|(n, &value)| {
            let counts = truth.slice_counts(2, value);
            let slice = (0..counts.len()).max_by_key(|it| counts[*it]).unwrap();
            let mut on_slice = Labelmap::new(truth.shape);
            on_slice.set_slice(2, slice, &truth.binary(value).slice(2, slice));
            let [i, j, _] = on_slice.bounding_box(1).unwrap();
            json!({"axis": 2, "slice_index": slice, "label": n + 1,
                   "box": [i.start(), j.start(), i.end(), j.end()]})
        });
        boxes.collect()
    }

    #[test]
    fn each_object_gets_its_label_and_keeps_its_own_voxels() {
        let made = phantom(&PhantomOptions::ct([64, 64, 20]));
        let prompts = two_boxes(&made.labelmap);
        let marks = Marks::from_json(&prompts).unwrap();
        let run = |marks: &Marks| {
            segment(&Engine::Graphcut, &made.volume, marks, PARAMETERS, &Unwatched).unwrap()
        };
        let Solved { labelmap: both, objects, .. } = run(&marks);
        assert_eq!(both.labels(), [1, 2]);
        let sizes: Vec<_> = objects.iter().map(|it| (it.label, it.voxels)).collect();
        assert_eq!(sizes, [(1, both.count(1)), (2, both.count(2))]);

        let alone = Marks::from_json(&json!([prompts[1]])).unwrap();
        let alone = run(&alone).labelmap;
        let shared = both.voxels.iter().zip(&alone.voxels).filter(|it| *it.0 == 2 && *it.1 == 2);
        assert!(shared.count() * 10 > alone.count(2) * 8);
    }

    #[test]
    fn a_prompt_off_the_image_is_named_with_its_entry() {
        let made = phantom(&PhantomOptions::ct([32, 32, 8]));
        let prompts = json!([{"axis": 2, "slice_index": 4, "box": [1, 2, 99, 12]}]);
        let marks = Marks::from_json(&prompts).unwrap();
        let error = segment(&Engine::Graphcut, &made.volume, &marks, PARAMETERS, &Unwatched);
        let error = error.err().unwrap();
        let said = format!("{error:#}");
        assert!(said.contains("prompts[0]") && said.contains("box[2] is 99"), "{said}");
    }
}
