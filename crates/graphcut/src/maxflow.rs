//! Max-flow on a regular grid after Boykov and Kolmogorov (PAMI 2004): two search trees that are
//! kept between augmentations. Neighbours are implied by the grid, so a node costs
//! `4 · D + 14` bytes and no edge is ever stored as a record.
//!
//! Capacities are integers: flows are exact, and the answer is the smallest source set of all
//! minimum cuts, which does not depend on the order in which nodes are visited.

use std::collections::VecDeque;

/// The `D` neighbours of a node as index steps; entry `d ^ 1` is the opposite of entry `d`.
pub type Stencil<const D: usize> = [[isize; 3]; D];

/// Left, right, up, down within a slice.
pub const STENCIL_4: Stencil<4> = [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]];

/// The four of a slice and its diagonals.
pub const STENCIL_8: Stencil<8> =
    [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [1, 1, 0], [-1, -1, 0], [1, -1, 0], [-1, 1, 0]];

/// The six faces of a voxel.
pub const STENCIL_6: Stencil<6> =
    [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]];

/// The eight of a slice and the voxels before and behind.
pub const STENCIL_10: Stencil<10> = [
    [1, 0, 0],
    [-1, 0, 0],
    [0, 1, 0],
    [0, -1, 0],
    [1, 1, 0],
    [-1, -1, 0],
    [1, -1, 0],
    [-1, 1, 0],
    [0, 0, 1],
    [0, 0, -1],
];

const FREE: u8 = 0;
const SOURCE: u8 = 1;
const SINK: u8 = 2;

/// Parent markers beyond the directions `0..D`.
const NO_PARENT: u8 = 255;
const TERMINAL: u8 = 254;
const ORPHAN: u8 = 253;

/// A flow network on a grid of `shape` nodes with `D` neighbours each.
pub struct GridGraph<const D: usize> {
    shape: [usize; 3],
    padded: [usize; 3],
    steps: [isize; D],
    /// Residual capacity from a node to its neighbour `d`, at `node * D + d`.
    capacity: Vec<i32>,
    /// Residual capacity from the source (positive) or to the sink (negative).
    terminal: Vec<i32>,
    tree: Vec<u8>,
    parent: Vec<u8>,
    queued: Vec<bool>,
    stamp: Vec<u32>,
    distance: Vec<u32>,
    active: VecDeque<u32>,
    orphans: VecDeque<u32>,
    time: u32,
    flow: i64,
}

impl<const D: usize> GridGraph<D> {
    /// A network without any capacity.
    ///
    /// # Panics
    /// If the padded grid has more than `u32::MAX` nodes; callers bound their regions far below.
    #[must_use]
    pub fn new(shape: [usize; 3], stencil: &Stencil<D>) -> Self {
        let padded = shape.map(|n| n + 2);
        let n_nodes = padded.iter().product::<usize>();
        assert!(u32::try_from(n_nodes).is_ok(), "region too large for a flow network");
        let row = padded[0].cast_signed();
        let plane = row * padded[1].cast_signed();
        let steps = stencil.map(|[i, j, k]| i + j * row + k * plane);
        Self {
            shape,
            padded,
            steps,
            capacity: vec![0; n_nodes * D],
            terminal: vec![0; n_nodes],
            tree: vec![FREE; n_nodes],
            parent: vec![NO_PARENT; n_nodes],
            queued: vec![false; n_nodes],
            stamp: vec![0; n_nodes],
            distance: vec![0; n_nodes],
            active: VecDeque::new(),
            orphans: VecDeque::new(),
            time: 0,
            flow: 0,
        }
    }

    /// The number by which the other methods know the node at `(i, j, k)`.
    #[must_use]
    pub fn node(&self, [i, j, k]: [usize; 3]) -> usize {
        i + 1 + (j + 1) * self.padded[0] + (k + 1) * self.padded[0] * self.padded[1]
    }

    /// Adds what it costs to put a node on the sink's side (`to_source`, positive values keep it
    /// with the source) or, negative, on the source's side.
    pub fn add_terminal(&mut self, node: usize, to_source: i32) {
        let old = self.terminal[node];
        if old > 0 && to_source < 0 {
            self.flow += i64::from(old.min(-to_source));
        } else if old < 0 && to_source > 0 {
            self.flow += i64::from(to_source.min(-old));
        }
        self.terminal[node] = old.saturating_add(to_source);
    }

    /// Sets the capacity between a node and its neighbour `direction`, the same both ways.
    /// The neighbour must lie on the grid.
    pub fn set_edge(&mut self, node: usize, direction: usize, capacity: i32) {
        let other = node.wrapping_add_signed(self.steps[direction]);
        self.capacity[node * D + direction] = capacity;
        self.capacity[other * D + (direction ^ 1)] = capacity;
    }

    /// Sends as much flow as possible; returns the value of the minimum cut.
    pub fn solve(&mut self) -> i64 {
        self.plant_trees();
        while let Some(node) = self.next_active() {
            if let Some((source_side, direction)) = self.grow(node) {
                // The node may have more paths: keep it in front of the queue.
                self.queued[node] = true;
                self.active.push_front(index_u32(node));
                self.augment(source_side, direction);
                self.adopt_orphans();
            }
        }
        self.flow
    }

    /// The source set as a bitmap of the grid, first axis fastest.
    #[must_use]
    pub fn source_set(&self) -> Vec<bool> {
        let [ni, nj, nk] = self.shape;
        let mut mask = Vec::with_capacity(ni * nj * nk);
        for k in 0..nk {
            for j in 0..nj {
                let first = self.node([0, j, k]);
                mask.extend(self.tree[first..first + ni].iter().map(|&tree| tree == SOURCE));
            }
        }
        mask
    }

    fn plant_trees(&mut self) {
        for node in 0..self.terminal.len() {
            if self.terminal[node] != 0 {
                self.tree[node] = if self.terminal[node] > 0 { SOURCE } else { SINK };
                self.parent[node] = TERMINAL;
                self.distance[node] = 1;
                self.activate(node);
            }
        }
    }

    fn activate(&mut self, node: usize) {
        if !self.queued[node] {
            self.queued[node] = true;
            self.active.push_back(index_u32(node));
        }
    }

    fn next_active(&mut self) -> Option<usize> {
        while let Some(node) = self.active.pop_front() {
            let node = node as usize;
            self.queued[node] = false;
            if self.tree[node] != FREE {
                return Some(node);
            }
        }
        None
    }

    fn neighbour(&self, node: usize, direction: usize) -> usize {
        node.wrapping_add_signed(self.steps[direction])
    }

    /// Residual capacity between a tree node and its neighbour, in the direction of the flow.
    fn residual(&self, tree: u8, node: usize, direction: usize, other: usize) -> i32 {
        if tree == SOURCE {
            self.capacity[node * D + direction]
        } else {
            self.capacity[other * D + (direction ^ 1)]
        }
    }

    /// Grows the node's tree by its free neighbours; stops at the first edge that joins the trees,
    /// given as its source end and direction.
    fn grow(&mut self, node: usize) -> Option<(usize, usize)> {
        let tree = self.tree[node];
        for direction in 0..D {
            let other = self.neighbour(node, direction);
            if self.residual(tree, node, direction, other) == 0 {
                continue;
            }
            if self.tree[other] == FREE {
                self.tree[other] = tree;
                self.parent[other] = parent_code(direction ^ 1);
                self.stamp[other] = self.stamp[node];
                self.distance[other] = self.distance[node] + 1;
                self.activate(other);
            } else if self.tree[other] != tree {
                return Some(if tree == SOURCE {
                    (node, direction)
                } else {
                    (other, direction ^ 1)
                });
            } else if self.stamp[other] <= self.stamp[node]
                && self.distance[other] > self.distance[node]
            {
                // A shorter way to the root.
                self.parent[other] = parent_code(direction ^ 1);
                self.stamp[other] = self.stamp[node];
                self.distance[other] = self.distance[node] + 1;
            }
        }
        None
    }

    /// Sends the bottleneck along the path through the edge that leaves `source_side`.
    fn augment(&mut self, source_side: usize, direction: usize) {
        let sink_side = self.neighbour(source_side, direction);
        let amount = self.capacity[source_side * D + direction]
            .min(self.bottleneck(source_side))
            .min(self.bottleneck(sink_side));
        self.capacity[source_side * D + direction] -= amount;
        self.capacity[sink_side * D + (direction ^ 1)] += amount;
        self.push_along(source_side, amount);
        self.push_along(sink_side, amount);
        self.flow += i64::from(amount);
    }

    fn bottleneck(&self, mut node: usize) -> i32 {
        let tree = self.tree[node];
        let mut amount = i32::MAX;
        while self.parent[node] != TERMINAL {
            let direction = usize::from(self.parent[node]);
            let parent = self.neighbour(node, direction);
            amount = amount.min(self.residual(tree, parent, direction ^ 1, node));
            node = parent;
        }
        amount.min(self.terminal[node].abs())
    }

    fn push_along(&mut self, mut node: usize, amount: i32) {
        let tree = self.tree[node];
        while self.parent[node] != TERMINAL {
            let direction = usize::from(self.parent[node]);
            let parent = self.neighbour(node, direction);
            let forward = parent * D + (direction ^ 1);
            let backward = node * D + direction;
            let (spent, gained) =
                if tree == SOURCE { (forward, backward) } else { (backward, forward) };
            self.capacity[spent] -= amount;
            self.capacity[gained] += amount;
            if self.capacity[spent] == 0 {
                self.make_orphan(node);
            }
            node = parent;
        }
        self.terminal[node] -= if tree == SOURCE { amount } else { -amount };
        if self.terminal[node] == 0 {
            self.make_orphan(node);
        }
    }

    fn make_orphan(&mut self, node: usize) {
        self.parent[node] = ORPHAN;
        self.orphans.push_front(index_u32(node));
    }

    fn adopt_orphans(&mut self) {
        self.time += 1;
        while let Some(node) = self.orphans.pop_front() {
            self.adopt(node as usize);
        }
    }

    /// Finds a new parent of the same tree with a way to the terminal, or frees the node.
    fn adopt(&mut self, node: usize) {
        let tree = self.tree[node];
        let mut best: Option<(u32, usize)> = None;
        for direction in 0..D {
            let other = self.neighbour(node, direction);
            if self.tree[other] != tree
                || self.residual(tree, other, direction ^ 1, node) == 0
                || self.parent[other] == NO_PARENT
            {
                continue;
            }
            if let Some(distance) = self.distance_to_root(other)
                && best.is_none_or(|(shortest, _)| distance < shortest)
            {
                best = Some((distance, direction));
            }
        }
        if let Some((distance, direction)) = best {
            self.parent[node] = parent_code(direction);
            self.stamp[node] = self.time;
            self.distance[node] = distance + 1;
        } else {
            self.free(node, tree);
        }
    }

    /// Steps to the terminal, or none where the way ends in an orphan. Marks the way, so that
    /// later searches of the same round stop at it.
    fn distance_to_root(&mut self, start: usize) -> Option<u32> {
        let mut node = start;
        let mut steps = 0;
        loop {
            if self.stamp[node] == self.time {
                steps += self.distance[node];
                break;
            }
            match self.parent[node] {
                ORPHAN | NO_PARENT => return None,
                TERMINAL => {
                    self.stamp[node] = self.time;
                    self.distance[node] = 1;
                    steps += 1;
                    break;
                }
                direction => {
                    node = self.neighbour(node, usize::from(direction));
                    steps += 1;
                }
            }
        }
        let (total, mut node) = (steps, start);
        while self.stamp[node] != self.time {
            self.stamp[node] = self.time;
            self.distance[node] = steps;
            steps -= 1;
            node = self.neighbour(node, usize::from(self.parent[node]));
        }
        Some(total)
    }

    fn free(&mut self, node: usize, tree: u8) {
        for direction in 0..D {
            let other = self.neighbour(node, direction);
            if self.tree[other] != tree || self.parent[other] == NO_PARENT {
                continue;
            }
            if self.residual(tree, other, direction ^ 1, node) > 0 {
                self.activate(other);
            }
            if self.parent[other] == parent_code(direction ^ 1) {
                self.parent[other] = ORPHAN;
                self.orphans.push_back(index_u32(other));
            }
        }
        self.tree[node] = FREE;
        self.parent[node] = NO_PARENT;
    }
}

fn parent_code(direction: usize) -> u8 {
    u8::try_from(direction).expect("a stencil has at most 26 directions")
}

fn index_u32(node: usize) -> u32 {
    u32::try_from(node).expect("checked when the network was made")
}

#[cfg(test)]
mod tests;
