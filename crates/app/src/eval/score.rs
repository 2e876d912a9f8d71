//! What an engine is worth on a case: Dice from tight, jittered and loose boxes, and after
//! corrections of the slices that it doubts itself.

use engine::{Control, Engine, PropagationRequest, Uncertainty};
use protocol::prompt::{Combine, Direction, SlicePrompt, SliceRef};
use serde::{Deserialize, Serialize};
use volume::{Labelmap, metrics, plane_axes};

use super::cases::Case;
use crate::random::SplitMix64;

/// Greatest shift of a jittered side, as a share of the box's size.
const JITTER: f64 = 0.1;
const N_JITTERED: u32 = 4;
const SEED: u64 = 20_260_101;

/// What is measured of a case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Scores {
    pub(super) dice_2d: f64,
    pub(super) dice_2d_jitter: f64,
    pub(super) dice_2d_loose: f64,
    pub(super) dice_3d: f64,
    pub(super) dice_3d_jitter: f64,
    pub(super) dice_3d_loose: f64,
    pub(super) dice_3d_corrected_1: f64,
    pub(super) dice_3d_corrected_2: f64,
    pub(super) ms_2d: f64,
    pub(super) ms_3d: f64,
}

impl Scores {
    pub(super) fn values(&mut self) -> [&mut f64; 10] {
        [
            &mut self.dice_2d,
            &mut self.dice_2d_jitter,
            &mut self.dice_2d_loose,
            &mut self.dice_3d,
            &mut self.dice_3d_jitter,
            &mut self.dice_3d_loose,
            &mut self.dice_3d_corrected_1,
            &mut self.dice_3d_corrected_2,
            &mut self.ms_2d,
            &mut self.ms_3d,
        ]
    }
}

impl Case {
    /// Everything that is measured of the case, until `control` asks to stop.
    pub(super) fn scores(&self, engine: &Engine, control: &dyn Control) -> anyhow::Result<Scores> {
        let engine = Watched { engine, control };
        let tight = self.run(engine, self.bounds)?;
        let loose = self.run(engine, self.loose)?;
        let mut scores = Scores {
            dice_2d: tight.dice_2d,
            dice_3d: tight.dice_3d,
            dice_2d_loose: loose.dice_2d,
            dice_3d_loose: loose.dice_3d,
            ms_2d: tight.ms_2d,
            ms_3d: tight.ms_3d,
            ..Scores::default()
        };
        // The same boxes on every machine.
        let mut random = SplitMix64(SEED);
        for _ in 0..N_JITTERED {
            let jittered = self.run(engine, self.jittered(&mut random))?;
            scores.dice_2d_jitter += jittered.dice_2d / f64::from(N_JITTERED);
            scores.dice_3d_jitter += jittered.dice_3d / f64::from(N_JITTERED);
        }
        let mut base = tight.base;
        let mut prompts = vec![self.solved(self.bounds)];
        scores.dice_3d_corrected_1 = self.correct(engine, &mut base, &mut prompts)?;
        scores.dice_3d_corrected_2 = self.correct(engine, &mut base, &mut prompts)?;
        Ok(scores)
    }

    /// The slice from a box, then the volume from the slice.
    fn run(&self, engine: Watched<'_>, bounds: [f64; 4]) -> anyhow::Result<Run> {
        let slice = engine::segment_slice(engine.engine, &self.volume, &self.prompt(bounds), None)?;
        let base = slice.on_grid(self.volume.shape());
        let (axis, index) = self.key();
        let truth = self.truth.slice(axis, index);
        let request = self.request(vec![self.solved(bounds)]);
        let volume = engine::propagate(
            engine.engine,
            &self.volume,
            &request,
            &base,
            Uncertainty::Skip,
            engine.control,
        )?;
        Ok(Run {
            dice_2d: metrics::dice_of_voxels(&slice.mask.pixels, &truth.pixels, |it| it != 0),
            dice_3d: metrics::dice(&volume.mask, &self.truth),
            ms_2d: slice.engine_ms,
            ms_3d: volume.solve_ms,
            base,
        })
    }

    /// Replaces the most uncertain slice by the truth and solves again.
    fn correct(
        &self,
        engine: Watched<'_>,
        base: &mut Labelmap,
        prompts: &mut Vec<SlicePrompt>,
    ) -> anyhow::Result<f64> {
        let measured = engine::propagate(
            engine.engine,
            &self.volume,
            &self.request(prompts.clone()),
            base,
            Uncertainty::Measure,
            engine.control,
        )?;
        let known = |index: u32| prompts.iter().any(|it| it.slice.slice_index == index);
        let doubtful = measured
            .slices
            .iter()
            .filter(|it| !known(it.slice_index))
            .max_by(|a, b| a.uncertainty.total_cmp(&b.uncertainty));
        let Some(doubtful) = doubtful else {
            return Ok(metrics::dice(&measured.mask, &self.truth));
        };
        let (axis, _) = self.key();
        let index = usize::try_from(doubtful.slice_index)?;
        let truth = self.truth.slice(axis, index);
        let shown = truth.pixels.contains(&1);
        base.set_slice(axis, index, &truth);
        prompts.push(SlicePrompt {
            slice: SliceRef { slice_index: doubtful.slice_index, ..self.slice },
            bounds: None,
            mask: shown,
            absent: !shown,
            ..self.prompt(self.bounds)
        });
        let corrected = engine::propagate(
            engine.engine,
            &self.volume,
            &self.request(prompts.clone()),
            base,
            Uncertainty::Skip,
            engine.control,
        )?;
        Ok(metrics::dice(&corrected.mask, &self.truth))
    }

    fn key(&self) -> (usize, usize) {
        let index = usize::try_from(self.slice.slice_index).unwrap_or(usize::MAX);
        (usize::from(self.slice.axis), index)
    }

    fn prompt(&self, bounds: [f64; 4]) -> SlicePrompt {
        SlicePrompt {
            slice: self.slice,
            label: 1,
            bounds: Some(bounds),
            points: Vec::new(),
            scribbles: Vec::new(),
            mask: false,
            absent: false,
        }
    }

    /// The prompt once its slice has a mask.
    fn solved(&self, bounds: [f64; 4]) -> SlicePrompt {
        SlicePrompt { mask: true, ..self.prompt(bounds) }
    }

    fn request(&self, prompts: Vec<SlicePrompt>) -> PropagationRequest {
        PropagationRequest {
            label: 1,
            axis: self.slice.axis,
            prompts,
            direction: Direction::Both,
            range: None,
            combine: Combine::Union,
            largest_component: false,
            frugal: false,
        }
    }

    /// The box with each side moved by itself, in whole voxels, held on the image.
    fn jittered(&self, random: &mut SplitMix64) -> [f64; 4] {
        let [a, b] = plane_axes(usize::from(self.slice.axis));
        let last = [a, b].map(|it| self.truth.shape[it] as f64 - 1.0);
        let [x1, y1, x2, y2] = self.bounds;
        let size = [x2 - x1 + 1.0, y2 - y1 + 1.0];
        let moved = [0, 1, 2, 3].map(|side| {
            let shift = (2.0 * random.share() - 1.0) * JITTER * size[side % 2];
            (self.bounds[side] + shift).round().clamp(0.0, last[side % 2])
        });
        [moved[0], moved[1], moved[2].max(moved[0]), moved[3].max(moved[1])]
    }
}

/// An engine, and who may stop it.
#[derive(Clone, Copy)]
struct Watched<'a> {
    engine: &'a Engine,
    control: &'a dyn Control,
}

/// What one box led to.
struct Run {
    dice_2d: f64,
    dice_3d: f64,
    ms_2d: f64,
    ms_3d: f64,
    base: Labelmap,
}
