//! Passes over the slices, whatever finds the object on each: order, ends, what two passes make.

use std::collections::{BTreeMap, BTreeSet};

use protocol::prompt::Combine;

use super::stop::StopRule;

/// The object on one slice.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    /// Whether the object is on the slice at all: above 0.
    pub(super) object_score: f32,
    /// Above 0 in the object, `x` fastest.
    pub(super) logits: Vec<f32>,
    /// The object.
    pub(super) mask: Vec<bool>,
}

/// A way over the slices.
pub(super) struct Pass<'a> {
    /// Slices in the order of the way.
    pub(super) slices: Vec<usize>,
    /// Slices that are known, wherever they lie.
    pub(super) known: &'a BTreeMap<usize, Found>,
    /// Slices that the object does not reach: nothing is followed across them.
    pub(super) absent: &'a BTreeSet<usize>,
    /// Voxels of a slice along x.
    pub(super) width: usize,
    /// Whether to end where the object ends.
    pub(super) stops: bool,
}

impl Pass<'_> {
    /// Goes the way. `find` finds the object on the next slice, from those it found before; `see`
    /// gets every slice of the way up to its end.
    ///
    /// The way does not end before the last known slice: what a person said lies there.
    pub(super) fn go<E>(
        &self,
        mut find: impl FnMut(usize) -> Result<Found, E>,
        mut see: impl FnMut(usize, &Found) -> Result<(), E>,
    ) -> Result<(), E> {
        let last_known = self.slices.iter().rposition(|it| self.known.contains_key(it));
        let mut rule = StopRule::default();
        let mut is_walled = false;
        for (n, &slice) in self.slices.iter().enumerate() {
            if self.absent.contains(&slice) {
                is_walled = true;
            } else if let Some(found) = self.known.get(&slice) {
                is_walled = false;
                rule.know(&found.mask, self.width);
                see(slice, found)?;
            } else if !is_walled {
                let found = find(slice)?;
                let is_over = rule.is_over(&found.mask, self.width, found.object_score);
                if self.stops && is_over && last_known.is_none_or(|last| n > last) {
                    return Ok(());
                }
                see(slice, &found)?;
            }
        }
        Ok(())
    }
}

/// A slice after one pass or two.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Seen {
    pub(super) mask: Vec<bool>,
    /// What at least one pass found, where that is not the mask.
    pub(super) either: Option<Vec<bool>>,
    /// Voxels that may well be on the wrong side of the edge.
    pub(super) doubtful_voxels: f64,
    /// Where they were asked for.
    pub(super) logits: Option<Vec<f32>>,
}

impl Seen {
    pub(super) fn of(found: &Found, keeps_logits: bool) -> Self {
        // Chance of the less likely side, summed up.
        let doubt = |it: &f32| 1.0 / (1.0 + f64::from(it.abs()).exp());
        Self {
            mask: found.mask.clone(),
            either: None,
            doubtful_voxels: found.logits.iter().map(doubt).sum(),
            logits: keeps_logits.then(|| found.logits.clone()),
        }
    }

    /// What this slice is after a second pass over it: voxels that only one pass found belong to
    /// the object or not, and are doubtful in any case.
    pub(super) fn combine(&mut self, other: &Self, combine: Combine) {
        if combine == Combine::Intersection {
            let pairs = self.mask.iter().zip(&other.mask);
            self.either = Some(pairs.map(|(mine, theirs)| *mine || *theirs).collect());
        }
        for (mine, theirs) in self.mask.iter_mut().zip(&other.mask) {
            self.doubtful_voxels += f64::from(u8::from(*mine != *theirs));
            *mine = match combine {
                Combine::Union => *mine || *theirs,
                Combine::Intersection => *mine && *theirs,
            };
        }
        // The threshold of the larger logit is the union, of the smaller one the intersection.
        if let (Some(mine), Some(theirs)) = (&mut self.logits, &other.logits) {
            for (mine, theirs) in mine.iter_mut().zip(theirs) {
                *mine = match combine {
                    Combine::Union => mine.max(*theirs),
                    Combine::Intersection => mine.min(*theirs),
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    const WIDTH: usize = 8;

    /// A square of `side` in the corner of a slice, as sure as can be.
    fn square(side: usize) -> Found {
        let mask: Vec<bool> =
            (0..WIDTH * WIDTH).map(|at| at % WIDTH < side && at / WIDTH < side).collect();
        let logits = mask.iter().map(|it| if *it { 10.0 } else { -10.0 }).collect();
        Found { object_score: if side > 0 { 5.0 } else { -5.0 }, logits, mask }
    }

    /// The slices that a way over 0–19 sees and those it asks for, where the object lies on some.
    fn check_way(
        known: &[usize],
        absent: &[usize],
        object: std::ops::RangeInclusive<usize>,
        stops: bool,
    ) -> (Vec<usize>, Vec<usize>) {
        let known = known.iter().map(|it| (*it, square(4))).collect();
        let absent = absent.iter().copied().collect();
        let first = *BTreeMap::first_key_value(&known).unwrap().0;
        let slices = (first..20).collect();
        let pass = Pass { slices, known: &known, absent: &absent, width: WIDTH, stops };
        let (mut seen, mut asked) = (Vec::new(), Vec::new());
        let gone: Result<(), Infallible> = pass.go(
            |slice| {
                asked.push(slice);
                Ok(square(if object.contains(&slice) { 4 } else { 0 }))
            },
            |slice, _| {
                seen.push(slice);
                Ok(())
            },
        );
        gone.unwrap();
        (seen, asked)
    }

    #[test]
    fn a_pass_ends_where_the_object_ends_unless_told_not_to() {
        let (seen, asked) = check_way(&[5], &[], 5..=9, true);
        assert_eq!((seen, asked), ((5..=10).collect(), (6..=11).collect()));
        let (seen, asked) = check_way(&[5], &[], 5..=9, false);
        assert_eq!((seen, asked), ((5..20).collect(), (6..20).collect()));
    }

    #[test]
    fn a_pass_goes_on_to_what_a_person_said_further_on() {
        let (seen, asked) = check_way(&[5, 14], &[], 5..=9, true);
        assert_eq!(seen, (5..=15).collect::<Vec<_>>());
        assert!(!asked.contains(&14), "a known slice is not looked for");
    }

    #[test]
    fn nothing_is_followed_across_a_slice_without_the_object() {
        let (seen, asked) = check_way(&[5, 14], &[8, 17], 0..=19, true);
        assert_eq!(seen, [5, 6, 7, 14, 15, 16]);
        assert_eq!(asked, [6, 7, 15, 16]);
    }

    #[test]
    fn two_passes_agree_or_leave_doubt() {
        for (combine, side) in [(Combine::Union, 5), (Combine::Intersection, 3)] {
            let mut seen = Seen::of(&square(5), true);
            let alone = seen.doubtful_voxels;
            assert!(alone < 0.01, "{alone}");
            seen.combine(&Seen::of(&square(3), true), combine);
            assert_eq!(seen.mask, square(side).mask);
            assert_eq!(seen.either.unwrap_or(seen.mask.clone()), square(5).mask);
            let by_logits: Vec<bool> = seen.logits.unwrap().iter().map(|it| *it > 0.0).collect();
            assert_eq!(by_logits, seen.mask);
            assert!((seen.doubtful_voxels - alone - 16.0).abs() < 1e-9);
        }
    }
}
