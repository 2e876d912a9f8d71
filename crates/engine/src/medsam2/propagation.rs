//! One object through the volume: prompted slices become conditioning frames, passes run from them
//! in both directions.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    time::Instant,
};

use protocol::{
    prompt::{Combine, SlicePrompt, SliceRef},
    task::{EngineIdentity, SliceConfidence},
};
use sam2::{Origin, SliceMask, SliceMemory, Tracker};
use volume::{Labelmap, Slice, Volume, plane_axes};

use super::{
    Medsam2, Sight,
    doubt::{Scale, measure},
    embeddings::Urgency,
    marks,
    passes::{Found, Pass, Seen},
    places::{along_axis, count, merge, on_axis, on_slice},
    points3d::{self, PointsOfSlice},
    ways::{Way, extent, ways},
};
use crate::{
    Control, EngineError, Propagation, PropagationRequest, SliceLogits, SoFar, Stage,
    check::CheckedSlice,
};

/// A propagation whose request is known to lie on the image.
pub(crate) struct Job<'a> {
    pub(crate) volume: &'a Volume,
    pub(crate) request: &'a PropagationRequest,
    pub(crate) prompts: Vec<(&'a SlicePrompt, CheckedSlice)>,
    /// Slices that the request's range leaves.
    pub(crate) range: RangeInclusive<usize>,
    pub(crate) base: &'a Labelmap,
}

/// What prompts say, slice by slice along the axis.
#[derive(Default)]
struct Said {
    prompts: BTreeMap<usize, SlicePrompt>,
    /// Slices of other planes that are known.
    across: Vec<(usize, usize, Vec<bool>)>,
    /// First and last slice, where points on several slices say so.
    ends: Option<[usize; 2]>,
}

/// What the passes start from.
#[derive(Default)]
pub(super) struct Start {
    pub(super) known: BTreeMap<usize, Found>,
    memories: BTreeMap<usize, SliceMemory>,
    /// Known slices that passes start from.
    pub(super) anchors: BTreeSet<usize>,
    absent: BTreeSet<usize>,
    /// Slices of which is only known where the object is not: corrected once it is followed there.
    corrections: BTreeMap<usize, SlicePrompt>,
}

impl Job<'_> {
    /// The object, and the voxels that at least one of two passes found where only those that both
    /// found belong to it.
    pub(crate) fn propagate(
        &self,
        engine: &Medsam2,
        control: &dyn Control,
    ) -> Result<(Propagation, Option<Labelmap>), EngineError> {
        let started = Instant::now();
        let axis = usize::from(self.request.axis);
        let shape = plane_axes(axis).map(|it| self.volume.shape()[it]);
        let window = engine.window(self.volume);
        let urgency = Urgency::Now;
        let sight = Sight { engine, volume: self.volume, axis, shape, window, urgency };
        let _propagation = engine.network.embeddings.go_first();
        let said = self.said(&sight)?;
        let start = self.start(&sight, &said, control)?;
        let range = match said.ends {
            Some([first, last]) => first.max(*self.range.start())..=last.min(*self.range.end()),
            None => self.range.clone(),
        };
        let ways = ways(self.request.direction, &start.anchors, &range)?;
        let identity = engine.identity(Some(window));
        let mut run = Run {
            job: self,
            sight: &sight,
            start: &start,
            said: &said,
            control,
            engine: &identity,
            scale: Scale::of(&start),
            slices: Vec::new(),
            mask: Labelmap::new(self.volume.shape()),
            n_done: 0,
            n_steps: ways.iter().map(|it| it.slices.len()).sum(),
        };
        let mut seen = BTreeMap::new();
        for way in ways {
            run.follow(way, &mut seen)?;
        }
        let extent = extent(self.request, &start.anchors, &range);
        let mask = run.mask(&seen);
        let mut propagation = Propagation {
            mask,
            extent,
            slices: Vec::new(),
            doubt: None,
            engine: identity,
            solve_ms: 0.0,
            uncertainty_ms: 0.0,
            logits: Vec::new(),
        };
        measure(&mut propagation, &seen, &start);
        let reached = (self.request.combine == Combine::Intersection).then(|| {
            let mut reached = propagation.mask.clone();
            for (index, it) in &seen {
                let either = it.either.as_ref().unwrap_or(&it.mask);
                reached.set_slice(axis, *index, &on_slice(either, shape));
            }
            reached
        });
        propagation.logits = seen
            .into_iter()
            .filter_map(|(index, it)| {
                let [width, height] = shape;
                let logits = Slice { width, height, pixels: it.logits? };
                Some(SliceLogits { slice_index: count(index), logits })
            })
            .collect();
        propagation.solve_ms = started.elapsed().as_secs_f64() * 1e3;
        Ok((propagation, reached))
    }

    /// Every prompt on the slices of the axis: points of other planes as the voxels they are.
    fn said(&self, sight: &Sight<'_>) -> Result<Said, EngineError> {
        let mut said = Said::default();
        for (prompt, slice) in &self.prompts {
            if slice.axis == sight.axis {
                let merged = said.prompts.entry(slice.index);
                merged.and_modify(|it| merge(it, prompt)).or_insert_with(|| (*prompt).clone());
            } else if prompt.absent || prompt.mask || prompt.bounds.is_some() {
                said.across.push((
                    slice.axis,
                    slice.index,
                    self.known_across(sight, prompt, slice)?,
                ));
            } else {
                for point in marks::clicks(prompt) {
                    let (index, point) = on_axis(point, slice, sight.axis);
                    let it = said.prompts.entry(index).or_insert_with(|| self.empty(index));
                    it.points.push(point);
                }
            }
        }
        let is_points = |it: &SlicePrompt| it.bounds.is_none() && !it.mask;
        if said.across.is_empty() && said.prompts.values().all(is_points) {
            self.span(&mut said, sight.shape);
        }
        Ok(said)
    }

    /// Boxes in place of points on several slices.
    fn span(&self, said: &mut Said, size: [usize; 2]) {
        let positive = |it: &SlicePrompt| -> Vec<[f64; 2]> {
            let clicks = marks::clicks(it);
            clicks.iter().filter(|it| it.positive).map(|it| [it.x, it.y]).collect()
        };
        let slices: Vec<PointsOfSlice> = said
            .prompts
            .iter()
            .map(|(&slice, it)| PointsOfSlice { slice, points: positive(it) })
            .filter(|it| !it.points.is_empty())
            .collect();
        let Some(span) = points3d::span(&slices, size) else {
            return;
        };
        for (slice, bounds) in span.keys {
            let prompt = said.prompts.entry(slice).or_insert_with(|| self.empty(slice));
            prompt.bounds = Some(bounds);
        }
        said.ends = Some(span.ends);
    }

    fn empty(&self, index: usize) -> SlicePrompt {
        SlicePrompt {
            slice: SliceRef { axis: self.request.axis, slice_index: count(index) },
            label: self.request.label,
            bounds: None,
            points: Vec::new(),
            scribbles: Vec::new(),
            mask: false,
            absent: false,
        }
    }

    /// A slice of another plane: as a person left it, or as its box says.
    fn known_across(
        &self,
        sight: &Sight<'_>,
        prompt: &SlicePrompt,
        slice: &CheckedSlice,
    ) -> Result<Vec<bool>, EngineError> {
        if prompt.absent || prompt.mask {
            return Ok(self.in_base(slice.axis, slice.index, prompt.absent));
        }
        let engine = sight.engine;
        Ok(engine.segment_slice(self.volume, prompt, slice, Some(self.base))?.mask)
    }

    fn in_base(&self, axis: usize, index: usize, is_absent: bool) -> Vec<bool> {
        let labels = self.base.slice(axis, index).pixels;
        labels.iter().map(|it| *it == self.request.label && !is_absent).collect()
    }

    /// Solves the prompted slices.
    fn start(
        &self,
        sight: &Sight<'_>,
        said: &Said,
        control: &dyn Control,
    ) -> Result<Start, EngineError> {
        let mut start = Start::default();
        let mut weak = BTreeSet::new();
        for (&index, prompt) in &said.prompts {
            if control.is_cancelled() {
                return Err(EngineError::Cancelled);
            }
            let in_base = self.in_base(sight.axis, index, prompt.absent);
            let has_mask = in_base.contains(&true);
            let shows = marks::shows_object(prompt);
            if prompt.absent || (prompt.mask && !has_mask && !shows) {
                start.absent.insert(index);
                continue;
            }
            if !shows && !has_mask {
                start.corrections.insert(index, prompt.clone());
                continue;
            }
            let (answer, mask) = self.solve(sight, index, prompt, &in_base)?;
            let embedding = sight.embedding(index)?;
            let memory = sight.model().remember(&embedding, &answer, Origin::Prompt)?;
            start.memories.insert(index, memory);
            let mut found = self.found(sight, index, &answer)?;
            found.mask = mask.unwrap_or(found.mask);
            start.known.insert(index, found);
            let is_anchor = prompt.mask || prompt.bounds.is_some();
            if is_anchor { &mut start.anchors } else { &mut weak }.insert(index);
        }
        if start.anchors.is_empty() {
            start.anchors = weak;
        }
        Ok(start)
    }

    /// What the network knows of a prompted slice, and the slice's mask where that is known exactly.
    ///
    /// A slice that was answered for its very prompt is remembered as the prompt's answer; one that
    /// a person changed since, as the mask it is now. Marks on a slice with an earlier mask and no
    /// box correct that mask.
    fn solve(
        &self,
        sight: &Sight<'_>,
        index: usize,
        prompt: &SlicePrompt,
        in_base: &[bool],
    ) -> Result<(SliceMask, Option<Vec<bool>>), EngineError> {
        let embedding = sight.embedding(index)?;
        let has_mask = in_base.contains(&true);
        if !prompt.mask || !has_mask {
            let earlier = (has_mask && prompt.bounds.is_none()).then_some(in_base);
            return Ok((sight.answer(&embedding, prompt, earlier)?, None));
        }
        if marks::shows_object(prompt) {
            let answer = sight.answer(&embedding, prompt, None)?;
            if self.found(sight, index, &answer)?.mask == in_base {
                return Ok((answer, None));
            }
        }
        let drawn = SlicePrompt {
            bounds: None,
            points: Vec::new(),
            scribbles: Vec::new(),
            ..prompt.clone()
        };
        Ok((sight.answer(&embedding, &drawn, Some(in_base))?, Some(in_base.to_vec())))
    }

    /// The answer on the slice's voxels; those of other objects stay theirs.
    fn found(
        &self,
        sight: &Sight<'_>,
        index: usize,
        answer: &SliceMask,
    ) -> Result<Found, EngineError> {
        let logits = sight.logits(answer)?;
        let labels = self.base.slice(sight.axis, index).pixels;
        let is_free = |it: u8| it == 0 || it == self.request.label;
        let mask = logits.iter().zip(&labels).map(|(it, label)| *it > 0.0 && is_free(*label));
        Ok(Found { object_score: answer.object_score, mask: mask.collect(), logits })
    }
}

/// A propagation under way.
struct Run<'a> {
    job: &'a Job<'a>,
    sight: &'a Sight<'a>,
    start: &'a Start,
    said: &'a Said,
    control: &'a dyn Control,
    engine: &'a EngineIdentity,
    scale: Scale<'a>,
    /// The slices so far, ascending.
    slices: Vec<SliceConfidence>,
    /// The mask so far.
    mask: Labelmap,
    n_done: usize,
    n_steps: usize,
}

impl Run<'_> {
    /// Follows the object one way and adds what it finds to what was found on other ways.
    fn follow(&mut self, way: Way, seen: &mut BTreeMap<usize, Seen>) -> Result<(), EngineError> {
        let (job, sight, start, control) = (self.job, self.sight, self.start, self.control);
        let n_slices = job.volume.shape()[sight.axis];
        let memories = start.memories.clone();
        let mut tracker = Tracker::new(sight.model(), n_slices, way.direction, memories);
        let end = self.n_done + way.slices.len();
        let pass = Pass {
            slices: way.slices,
            known: &start.known,
            absent: &start.absent,
            width: sight.shape[0],
            stops: sight.engine.options.stops,
        };
        pass.go(
            |index| {
                if control.is_cancelled() {
                    return Err(EngineError::Cancelled);
                }
                let embedding = sight.embedding(index)?;
                let mut answer = tracker.step(index, &embedding)?;
                if let Some(prompt) = start.corrections.get(&index) {
                    let side = sight.model().config().image_size;
                    let points = marks::points(prompt, sight.shape, side);
                    answer = sight.model().prompt(&embedding, &points, Some(&answer))?;
                    let memory = sight.model().remember(&embedding, &answer, Origin::Prompt)?;
                    tracker.resume(index, memory);
                }
                job.found(sight, index, &answer)
            },
            |index, found| {
                let found = Seen::of(found, sight.engine.keeps_logits);
                let combine = job.request.combine;
                let it = seen.entry(index);
                let it = it.and_modify(|it| it.combine(&found, combine)).or_insert(found);
                self.n_done += 1;
                self.mask.set_slice(sight.axis, index, &on_slice(&it.mask, sight.shape));
                let sure = self.scale.confidence(index, Some(it));
                match self.slices.binary_search_by_key(&sure.slice_index, |it| it.slice_index) {
                    Ok(place) => self.slices[place] = sure,
                    Err(place) => self.slices.insert(place, sure),
                }
                let (done, total) = (count(self.n_done.min(end)), count(self.n_steps));
                control.progress(Stage::Solving, done, total);
                control.partial(SoFar {
                    mask: &self.mask,
                    slices: &self.slices,
                    doubt: Some(self.scale.doubt(&self.slices)),
                    engine: self.engine,
                });
                Ok(())
            },
        )?;
        self.n_done = end;
        control.progress(Stage::Solving, count(end), count(self.n_steps));
        Ok(())
    }

    /// The object's mask, with slices of other planes as they are known.
    fn mask(self, seen: &BTreeMap<usize, Seen>) -> Labelmap {
        let mut mask = self.mask;
        for (axis, index, known) in &self.said.across {
            let shape = plane_axes(*axis).map(|it| mask.shape[it]);
            let before = mask.slice(*axis, *index);
            let mut slice = on_slice(known, shape);
            for (at, it) in slice.pixels.iter_mut().enumerate() {
                let along = along_axis(*axis, *index, at % shape[0], at / shape[0]);
                // Where no pass came the slice says nothing about the object's ends.
                if !seen.contains_key(&along[self.sight.axis]) {
                    *it = before.pixels[at];
                }
            }
            mask.set_slice(*axis, *index, &slice);
        }
        mask
    }
}
