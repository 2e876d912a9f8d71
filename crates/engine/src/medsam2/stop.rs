//! Whether a pass has left its object.

/// Slices without the object, one after another, after which it has ended.
const ABSENT_SLICES: u32 = 2;
/// A mask that grows by this factor from one slice to the next has leaked …
const LEAK_FACTOR: usize = 4;
/// … if it also takes in this share of the slice at once, as the tip of an object does not.
const LEAK_SHARE: f64 = 0.02;
/// A mask that lies farther from the one before than this many times both radii is another object.
const DRIFT_RADII: f64 = 2.0;

/// What a slice's mask looks like.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Outline {
    area: usize,
    centre: [f64; 2],
}

impl Outline {
    fn of(mask: &[bool], width: usize) -> Option<Self> {
        let (mut area, mut sum) = (0_usize, [0.0, 0.0]);
        for at in (0..mask.len()).filter(|&at| mask[at]) {
            area += 1;
            sum[0] += (at % width) as f64;
            sum[1] += (at / width) as f64;
        }
        (area > 0).then(|| Self { area, centre: sum.map(|it| it / area as f64) })
    }

    /// Of a disc of the same area.
    fn radius(&self) -> f64 {
        (self.area as f64 / std::f64::consts::PI).sqrt()
    }
}

/// Watches a pass from slice to slice.
#[derive(Debug, Default)]
pub(super) struct StopRule {
    last: Option<Outline>,
    n_absent: u32,
}

impl StopRule {
    /// Takes a slice that is known.
    pub(super) fn know(&mut self, mask: &[bool], width: usize) {
        (self.last, self.n_absent) = (Outline::of(mask, width), 0);
    }

    /// Whether the object had ended before this slice: its score says so for some slices, nothing of
    /// it is left for some slices, the mask leaks, or it drifts to something else.
    pub(super) fn is_over(&mut self, mask: &[bool], width: usize, object_score: f32) -> bool {
        let outline = Outline::of(mask, width).filter(|_| object_score > 0.0);
        let Some(outline) = outline else {
            self.n_absent += 1;
            return self.n_absent >= ABSENT_SLICES;
        };
        let is_over = self.last.is_some_and(|last| {
            let gained = outline.area.saturating_sub(last.area) as f64;
            let leaks =
                outline.area > LEAK_FACTOR * last.area && gained > LEAK_SHARE * mask.len() as f64;
            let way = [0, 1].map(|it| outline.centre[it] - last.centre[it]);
            leaks || way[0].hypot(way[1]) > DRIFT_RADII * (outline.radius() + last.radius())
        });
        (self.last, self.n_absent) = (Some(outline), 0);
        is_over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 64;

    fn disc(x: f64, y: f64, radius: f64) -> Vec<bool> {
        let is_in = |at: usize| ((at % WIDTH) as f64 - x).hypot((at / WIDTH) as f64 - y) <= radius;
        (0..WIDTH * WIDTH).map(is_in).collect()
    }

    /// How many slices a pass sees before it ends, from a disc of radius 6 in the middle.
    fn check_end(slices: &[(Vec<bool>, f32)], expected: Option<usize>) {
        let mut rule = StopRule::default();
        rule.know(&disc(32.0, 32.0, 6.0), WIDTH);
        let end = slices.iter().position(|(mask, score)| rule.is_over(mask, WIDTH, *score));
        assert_eq!(end, expected);
    }

    #[test]
    fn a_slice_missed_is_forgiven_and_two_are_the_end() {
        let there = || (disc(32.0, 32.0, 6.0), 3.0);
        let gone = || (disc(32.0, 32.0, 6.0), -1.0);
        let empty = || (vec![false; WIDTH * WIDTH], 3.0);
        check_end(&[there(), gone(), there(), gone(), there()], None);
        check_end(&[there(), gone(), gone(), there()], Some(2));
        check_end(&[there(), gone(), empty(), there()], Some(2));
    }

    #[test]
    fn an_object_may_grow_and_wander_but_neither_leak_nor_jump() {
        let rising = |n: u8| (disc(32.0 + f64::from(n), 32.0, 6.0 + f64::from(n)), 3.0);
        check_end(&(0..10).map(rising).collect::<Vec<_>>(), None);
        check_end(&[(disc(32.0, 32.0, 6.0), 3.0), (disc(32.0, 32.0, 20.0), 3.0)], Some(1));
        check_end(&[(disc(32.0, 32.0, 2.0), 3.0), (disc(10.0, 10.0, 2.0), 3.0)], Some(1));
        // The tip of an object opens up fast.
        check_end(&[(disc(32.0, 32.0, 1.0), 3.0), (disc(32.0, 32.0, 4.5), 3.0)], None);
    }
}
