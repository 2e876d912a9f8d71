//! Marks on a slice whose mask a person drew or confirmed: each changes what is around it, the rest
//! of the mask stays.

use crate::{bitmap, distance, prompt::Seed};

/// Marks change nothing farther away than this many radii of the mask, in millimetres.
const REACH: f64 = 1.0;
/// The least reach, in voxels: the mask may be a single one.
const LEAST_REACH: f64 = 6.0;

/// The mask `held` of a slice with those changes towards `found` that a mark asks for: voxels that
/// are added must be connected to a positive mark and near it, those taken away to a negative one.
///
/// Masks are `x` fastest; marks hold where both masks say otherwise.
///
/// # Panics
/// If a mask has another size than the slice.
#[must_use]
pub fn refined(
    held: &[bool],
    found: &[bool],
    seeds: &[Seed],
    [width, height]: [usize; 2],
    spacing_mm: [f64; 3],
) -> Vec<bool> {
    assert!(held.len() == width * height && found.len() == held.len(), "masks of the slice's size");
    let shape = [width, height, 1];
    let area = held.iter().filter(|it| **it).count() as f64 * spacing_mm[0] * spacing_mm[1];
    let finest = spacing_mm[0].min(spacing_mm[1]);
    let reach_mm = (REACH * (area / std::f64::consts::PI).sqrt()).max(LEAST_REACH * finest);
    let mut mask = held.to_vec();
    for positive in [true, false] {
        let mut marked = vec![false; held.len()];
        for seed in seeds.iter().filter(|it| it.positive == positive) {
            marked[seed.at[0] + seed.at[1] * width] = true;
        }
        if !marked.contains(&true) {
            continue;
        }
        let from_mark = distance::signed_mm(&marked, shape, spacing_mm);
        let changes: Vec<bool> = (0..held.len())
            .map(|at| {
                let asked = found[at] == positive && held[at] != positive;
                marked[at] || asked && f64::from(-from_mark[at]) <= reach_mm
            })
            .collect();
        let (labels, sizes) = bitmap::parts(&changes, shape);
        let mut wanted = vec![false; sizes.len() + 1];
        for (at, &label) in labels.iter().enumerate().filter(|it| *it.1 != 0) {
            wanted[label as usize] |= marked[at];
        }
        for (at, &label) in labels.iter().enumerate() {
            if label != 0 && wanted[label as usize] {
                mask[at] = positive;
            }
        }
    }
    for seed in seeds {
        mask[seed.at[0] + seed.at[1] * width] = seed.positive;
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Vec<bool> {
        text.chars().map(|it| it == '#').collect()
    }

    fn refine(held: &str, found: &str, marks: &[(usize, bool)]) -> Vec<bool> {
        let seeds: Vec<Seed> =
            marks.iter().map(|&(x, positive)| Seed { at: [x, 0], positive }).collect();
        refined(&row(held), &row(found), &seeds, [held.len(), 1], [1.0; 3])
    }

    #[test]
    fn only_changes_that_hang_on_a_mark_are_made() {
        let (held, found) = ("###........", ".......###.");
        assert_eq!(refine(held, found, &[(8, true)]), row("###....###."));
        assert_eq!(refine(held, found, &[(1, false)]), row("..........."));
        assert_eq!(refine("##.##", "##...", &[(0, false)]), row(".#.##"));
        assert_eq!(refine("##.##", "##.##", &[(2, true)]), row("#####"));
    }

    #[test]
    fn nothing_changes_far_from_its_mark() {
        // Radius by area 2.3 voxels, so the least reach counts: six.
        let held = "################....................";
        let found = "....................................";
        assert_eq!(refine(held, found, &[(0, false)]), row(".......#########...................."));
    }
}
