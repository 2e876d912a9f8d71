//! Only the largest connected part of an object, where that is asked for.

use protocol::prompt::SlicePrompt;
use volume::{Labelmap, component};

use crate::{Propagation, check::CheckedSlice};

/// Keeps what is connected to the most, and slices as they were confirmed. `reached` has the voxels
/// that connect where they are not the mask itself.
pub(crate) fn keep(
    found: &mut Propagation,
    reached: Option<Labelmap>,
    prompts: &[(&SlicePrompt, CheckedSlice)],
    base: &Labelmap,
) {
    let mut largest = reached.unwrap_or_else(|| found.mask.clone());
    component::keep_largest(&mut largest, 1);
    for (prompt, slice) in prompts.iter().filter(|(it, _)| it.mask && !it.absent) {
        let mut confirmed = base.slice(slice.axis, slice.index);
        for it in &mut confirmed.pixels {
            *it = u8::from(*it == prompt.label);
        }
        if confirmed.pixels.contains(&1) {
            largest.set_slice(slice.axis, slice.index, &confirmed);
        }
    }
    for (it, is_kept) in found.mask.voxels.iter_mut().zip(&largest.voxels) {
        *it &= is_kept;
    }
    let counts = found.mask.slice_counts(usize::from(found.extent.axis), 1);
    for it in &mut found.slices {
        let n = counts.get(usize::try_from(it.slice_index).unwrap_or(usize::MAX));
        it.area_voxels = n.and_then(|it| u32::try_from(*it).ok()).unwrap_or(it.area_voxels);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::{
        prompt::SliceRef,
        task::{EngineIdentity, EngineName, MaskExtent, SliceConfidence},
    };

    const SHAPE: [usize; 3] = [6, 1, 5];

    /// A mask whose rows of six voxels are written as text, slice by slice.
    fn mask(rows: [&str; 5]) -> Labelmap {
        let voxels = rows.concat().bytes().map(|it| u8::from(it == b'#')).collect();
        Labelmap { shape: SHAPE, voxels }
    }

    fn found(rows: [&str; 5]) -> Propagation {
        let mask = mask(rows);
        let area = |it| SliceConfidence { slice_index: it, area_voxels: 99, uncertainty: 0.0 };
        Propagation {
            mask,
            extent: MaskExtent { axis: 2, first: 0, last: 4 },
            slices: (0..5).map(area).collect(),
            doubt: None,
            engine: EngineIdentity {
                name: EngineName::Graphcut,
                version: String::new(),
                model: None,
            },
            solve_ms: 0.0,
            uncertainty_ms: 0.0,
            logits: Vec::new(),
        }
    }

    fn kept(rows: [&str; 5], reached: Option<[&str; 5]>, confirmed: Option<u32>) -> Propagation {
        let mut found = found(rows);
        let base = found.mask.clone();
        let prompt = SlicePrompt {
            slice: SliceRef { axis: 2, slice_index: confirmed.unwrap_or(0) },
            label: 1,
            bounds: None,
            points: Vec::new(),
            scribbles: Vec::new(),
            mask: confirmed.is_some(),
            absent: false,
        };
        let index = usize::try_from(prompt.slice.slice_index).unwrap();
        let slice = CheckedSlice { axis: 2, index, shape: [6, 1] };
        keep(&mut found, reached.map(mask), &[(&prompt, slice)], &base);
        found
    }

    const PARTS: [&str; 5] = ["##....", "##..#.", "#...#.", ".....#", "#....."];

    #[test]
    fn the_largest_part_stays_and_is_counted() {
        let found = kept(PARTS, None, None);
        assert_eq!(found.mask, mask(["##....", "##....", "#.....", "......", "......"]));
        let areas: Vec<u32> = found.slices.iter().map(|it| it.area_voxels).collect();
        assert_eq!(areas, [2, 2, 1, 0, 0]);
    }

    #[test]
    fn what_one_pass_found_connects_what_both_found() {
        let reached = ["##....", "##..#.", "#####.", ".....#", "#....."];
        let found = kept(PARTS, Some(reached), None);
        assert_eq!(found.mask, mask(["##....", "##..#.", "#...#.", "......", "......"]));
    }

    #[test]
    fn a_confirmed_slice_stays_as_it_is() {
        let found = kept(PARTS, None, Some(4));
        assert_eq!(found.mask, mask(["##....", "##....", "#.....", "......", "#....."]));
    }
}
