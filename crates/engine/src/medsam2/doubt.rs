//! How sure a propagation is of what it found.

use std::collections::BTreeMap;

use protocol::task::SliceConfidence;

use super::{passes::Seen, places::count, propagation::Start};
use crate::Propagation;

/// What the doubt about slices is measured with.
pub(super) struct Scale<'a> {
    start: &'a Start,
    /// Voxels of the largest slice that the passes start from.
    key_area: f64,
}

impl<'a> Scale<'a> {
    pub(super) fn of(start: &'a Start) -> Self {
        let key_areas = start.anchors.iter().filter_map(|it| start.known.get(it));
        let key_area = key_areas.map(|it| area(&it.mask)).max().unwrap_or(0).max(1) as f64;
        Self { start, key_area }
    }

    /// How sure a slice is, by the network's own logits and by how two passes differ.
    pub(super) fn confidence(&self, index: usize, seen: Option<&Seen>) -> SliceConfidence {
        let doubtful = match seen {
            Some(it) if !self.start.known.contains_key(&index) => it.doubtful_voxels,
            Some(_) | None => 0.0,
        };
        #[expect(clippy::cast_possible_truncation, reason = "a share")]
        let uncertainty = (doubtful / self.key_area) as f32;
        let area_voxels = count(seen.map_or(0, |it| area(&it.mask)));
        SliceConfidence { slice_index: count(index), area_voxels, uncertainty }
    }

    /// Doubt about slices together, 0 (sure) to 1.
    pub(super) fn doubt(&self, slices: &[SliceConfidence]) -> f32 {
        let doubtful: f64 = slices.iter().map(|it| f64::from(it.uncertainty)).sum();
        let all: f64 = slices.iter().map(|it| f64::from(it.area_voxels)).sum();
        #[expect(clippy::cast_possible_truncation, reason = "a share")]
        let doubt = (doubtful * self.key_area / all.max(1.0)).min(1.0) as f32;
        doubt
    }
}

fn area(mask: &[bool]) -> usize {
    mask.iter().filter(|it| **it).count()
}

/// How sure each slice of the extent is.
pub(super) fn measure(propagation: &mut Propagation, seen: &BTreeMap<usize, Seen>, start: &Start) {
    let scale = Scale::of(start);
    let extent = propagation.extent;
    let indices = (extent.first..=extent.last).map(|it| usize::try_from(it).unwrap_or(usize::MAX));
    propagation.slices = indices.map(|it| scale.confidence(it, seen.get(&it))).collect();
    propagation.doubt = Some(scale.doubt(&propagation.slices));
}
