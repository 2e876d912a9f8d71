//! The energy of a mask as a flow network: what each voxel costs on either side, what a boundary
//! between neighbours costs, and voxels whose side is given.

use crate::{
    field::{Field, other_axes},
    maxflow::{GridGraph, STENCIL_8, STENCIL_10, Stencil},
    number::{fixed_point, flag},
};

/// Where a voxel must lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The cut decides.
    Open,
    /// Given: in the object.
    Object,
    /// Given: in the background.
    Background,
}

impl Side {
    fn sign(self) -> i32 {
        match self {
            Self::Open => 0,
            Self::Object => 1,
            Self::Background => -1,
        }
    }
}

/// An energy over the voxels of an image.
pub(crate) struct Energy<'a> {
    /// The image that the contrast is taken from.
    pub(crate) fine: &'a Field,
    /// What a voxel gains by belonging to the object.
    pub(crate) unary: &'a [f32],
    /// Voxels whose side is given.
    pub(crate) sides: &'a [Side],
    /// The axis across the slices; diagonals are joined within slices only.
    pub(crate) axis: usize,
    /// Cost of one voxel's length of boundary where the image is flat.
    pub(crate) lambda: f64,
    /// Difference at which that cost has fallen to 1/e.
    pub(crate) contrast: f64,
}

impl Energy<'_> {
    /// The mask of least energy.
    pub(crate) fn minimise(&self) -> Vec<bool> {
        if self.fine.shape[2] == 1 {
            self.cut(&STENCIL_8, &[0.5, 0.5, 0.5, 0.5])
        } else {
            let [a, b] = other_axes(self.axis);
            let turned = STENCIL_10.map(|[x, y, z]| {
                let mut step = [0; 3];
                (step[a], step[b], step[self.axis]) = (x, y, z);
                step
            });
            self.cut(&turned, &[0.5, 0.5, 0.5, 0.5, 1.0])
        }
    }

    /// Cuts with a cost per millimetre for each pair of directions of the stencil.
    fn cut<const D: usize>(&self, stencil: &Stencil<D>, shares: &[f64]) -> Vec<bool> {
        let shape = self.fine.shape;
        let strides = self.fine.strides().map(usize::cast_signed);
        let finest = self.fine.finest_mm();
        let mut graph = GridGraph::new(shape, stencil);
        for (pair, share) in shares.iter().enumerate() {
            let step = stencil[2 * pair];
            let length = (0..3)
                .map(|axis| (step[axis] as f64 * self.fine.spacing_mm[axis]).powi(2))
                .sum::<f64>()
                .sqrt();
            let cost = self.lambda * share * finest / length;
            let jump: isize = step.iter().zip(strides).map(|(a, b)| a * b).sum();
            self.for_each_pair(step, |at, place| {
                let other = at.wrapping_add_signed(jump);
                self.join(&mut graph, [at, other], (place, step, 2 * pair), cost);
            });
        }
        for_each_voxel(shape, |at, place| {
            if self.sides[at] == Side::Open {
                graph.add_terminal(graph.node(place), fixed_point(f64::from(self.unary[at])));
            }
        });
        graph.solve();
        let mut mask = graph.source_set();
        for (it, side) in mask.iter_mut().zip(self.sides) {
            *it = match side {
                Side::Open => *it,
                Side::Object => true,
                Side::Background => false,
            };
        }
        mask
    }

    /// Adds the boundary cost between two neighbours; a given side becomes a cost of the other.
    fn join<const D: usize>(
        &self,
        graph: &mut GridGraph<D>,
        [at, other]: [usize; 2],
        (place, step, direction): ([usize; 3], [isize; 3], usize),
        cost: f64,
    ) {
        let (side, other_side) = (self.sides[at], self.sides[other]);
        if side != Side::Open && other_side != Side::Open {
            return;
        }
        let difference = f64::from(self.fine.values[other] - self.fine.values[at]);
        let weight = fixed_point(cost * (-(difference / self.contrast).powi(2)).exp());
        let node = graph.node(place);
        if other_side != Side::Open {
            graph.add_terminal(node, weight * other_side.sign());
        } else if side != Side::Open {
            let neighbour = [0, 1, 2].map(|axis| place[axis].wrapping_add_signed(step[axis]));
            graph.add_terminal(graph.node(neighbour), weight * side.sign());
        } else {
            graph.set_edge(node, direction, weight);
        }
    }

    /// Visits the voxels that have a neighbour one step away.
    fn for_each_pair(&self, step: [isize; 3], mut visit: impl FnMut(usize, [usize; 3])) {
        let shape = self.fine.shape;
        for_each_voxel(shape, |at, place| {
            let on_grid = (0..3).all(|axis| {
                place[axis].checked_add_signed(step[axis]).is_some_and(|it| it < shape[axis])
            });
            if on_grid {
                visit(at, place);
            }
        });
    }
}

fn for_each_voxel([ni, nj, nk]: [usize; 3], mut visit: impl FnMut(usize, [usize; 3])) {
    let mut at = 0;
    for k in 0..nk {
        for j in 0..nj {
            for i in 0..ni {
                visit(at, [i, j, k]);
                at += 1;
            }
        }
    }
}

/// Histogram weights of a mask: each voxel counts for its own side.
pub(crate) fn mask_weights(mask: &[bool]) -> impl Iterator<Item = (usize, f32, f32)> {
    mask.iter().enumerate().map(|(at, &it)| (at, flag(it), flag(!it)))
}
