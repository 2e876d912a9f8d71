//! How sure a propagation is of what it found.

use std::collections::BTreeMap;

use protocol::task::SliceConfidence;

use super::{passes::Seen, places::count, propagation::Start};
use crate::Propagation;

/// How sure each slice of the extent is, by the network's own logits and by how two passes differ.
pub(super) fn measure(propagation: &mut Propagation, seen: &BTreeMap<usize, Seen>, start: &Start) {
    let area = |it: &Vec<bool>| it.iter().filter(|it| **it).count();
    let key_area = start.anchors.iter().filter_map(|it| start.known.get(it));
    let key_area = key_area.map(|it| area(&it.mask)).max().unwrap_or(0).max(1) as f64;
    let (mut all, mut doubtful) = (0_usize, 0.0);
    for slice_index in propagation.extent.first..=propagation.extent.last {
        let index = usize::try_from(slice_index).unwrap_or(usize::MAX);
        let (mut n, mut doubt) = (0, 0.0);
        if let Some(it) = seen.get(&index) {
            n = area(&it.mask);
            doubt = if start.known.contains_key(&index) { 0.0 } else { it.doubtful_voxels };
        }
        all += n;
        doubtful += doubt;
        #[expect(clippy::cast_possible_truncation, reason = "a share")]
        let uncertainty = (doubt / key_area) as f32;
        let area_voxels = count(n);
        propagation.slices.push(SliceConfidence { slice_index, area_voxels, uncertainty });
    }
    #[expect(clippy::cast_possible_truncation, reason = "a share")]
    let doubt = (doubtful / (all.max(1) as f64)).min(1.0) as f32;
    propagation.doubt = Some(doubt);
}
