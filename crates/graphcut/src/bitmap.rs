//! Binary masks on a grid: connected parts and holes.

use crate::field::{other_axes, strides};

/// Labels the face-connected parts of a mask; 0 is outside. Returns labels and part sizes, the
/// size of part `n` at `n - 1`.
#[must_use]
pub fn parts(mask: &[bool], shape: [usize; 3]) -> (Vec<u32>, Vec<usize>) {
    let strides = strides(shape);
    let mut labels = vec![0u32; mask.len()];
    let mut sizes = Vec::new();
    let mut stack = Vec::new();
    for start in 0..mask.len() {
        if !mask[start] || labels[start] != 0 {
            continue;
        }
        let label = u32::try_from(sizes.len() + 1).unwrap_or(u32::MAX);
        let mut size = 0;
        labels[start] = label;
        stack.push(start);
        while let Some(at) = stack.pop() {
            size += 1;
            for axis in 0..3 {
                let place = at / strides[axis] % shape[axis];
                if place > 0 {
                    reach(at - strides[axis], label, mask, &mut labels, &mut stack);
                }
                if place + 1 < shape[axis] {
                    reach(at + strides[axis], label, mask, &mut labels, &mut stack);
                }
            }
        }
        sizes.push(size);
    }
    (labels, sizes)
}

fn reach(at: usize, label: u32, mask: &[bool], labels: &mut [u32], stack: &mut Vec<usize>) {
    if mask[at] && labels[at] == 0 {
        labels[at] = label;
        stack.push(at);
    }
}

/// Keeps the parts that `keep` touches; the largest part where it touches none.
pub fn keep_parts(mask: &mut [bool], shape: [usize; 3], keep: impl Fn(usize) -> bool) {
    let (labels, sizes) = parts(mask, shape);
    if sizes.len() < 2 {
        return;
    }
    let mut kept = vec![false; sizes.len() + 1];
    for (at, &label) in labels.iter().enumerate() {
        if label != 0 && keep(at) {
            kept[label as usize] = true;
        }
    }
    if !kept.contains(&true) {
        let largest = (0..sizes.len()).max_by_key(|&it| sizes[it]).unwrap_or(0);
        kept[largest + 1] = true;
    }
    for (at, &label) in labels.iter().enumerate() {
        mask[at] = label != 0 && kept[label as usize];
    }
}

/// Fills background that cannot reach the border within its slice of the given axis, unless
/// `may_fill` forbids a voxel.
pub fn fill_holes(
    mask: &mut [bool],
    shape: [usize; 3],
    axis: usize,
    may_fill: impl Fn(usize) -> bool,
) {
    let strides = strides(shape);
    let [a, b] = other_axes(axis);
    let slice_shape = [shape[a], shape[b], 1];
    for k in 0..shape[axis] {
        let place = |u: usize, v: usize| u * strides[a] + v * strides[b] + k * strides[axis];
        let mut outside = Vec::with_capacity(shape[a] * shape[b]);
        for v in 0..shape[b] {
            outside.extend((0..shape[a]).map(|u| !mask[place(u, v)]));
        }
        if outside.iter().all(|it| *it) {
            continue;
        }
        let (labels, sizes) = parts(&outside, slice_shape);
        let mut open = vec![false; sizes.len() + 1];
        for v in 0..shape[b] {
            for u in 0..shape[a] {
                let on_border = u == 0 || v == 0 || u + 1 == shape[a] || v + 1 == shape[b];
                let label = labels[u + v * shape[a]] as usize;
                open[label] |= label != 0 && (on_border || !may_fill(place(u, v)));
            }
        }
        for v in 0..shape[b] {
            for u in 0..shape[a] {
                let label = labels[u + v * shape[a]] as usize;
                if label != 0 && !open[label] {
                    mask[place(u, v)] = true;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(rows: &[&str]) -> Vec<bool> {
        rows.iter().flat_map(|row| row.chars().map(|it| it == '#')).collect()
    }

    #[test]
    fn the_part_with_a_seed_survives() {
        let mut mask = picture(&["##..", "#..#", "...#"]);
        keep_parts(&mut mask, [4, 3, 1], |at| at == 7);
        assert_eq!(mask, picture(&["....", "...#", "...#"]));
        let mut mask = picture(&["##..", "#..#", "...#"]);
        keep_parts(&mut mask, [4, 3, 1], |_| false);
        assert_eq!(mask, picture(&["##..", "#...", "...."]), "the largest part");
    }

    #[test]
    fn only_closed_holes_are_filled() {
        let rows = ["###.", "#.#.", "###."];
        let mut mask = picture(&rows);
        fill_holes(&mut mask, [4, 3, 1], 2, |_| true);
        assert_eq!(mask, picture(&["###.", "###.", "###."]));
        let mut mask = picture(&rows);
        fill_holes(&mut mask, [4, 3, 1], 2, |at| at != 5);
        assert_eq!(mask, picture(&rows), "a forbidden voxel keeps its hole open");
    }
}
