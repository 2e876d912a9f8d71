//! Flows against every subset of tiny grids.

use proptest::prelude::*;

use super::*;

/// Minimum cut by trying every subset of a tiny grid.
fn cheapest_cut<const D: usize>(
    shape: [usize; 3],
    stencil: &Stencil<D>,
    terminal: &[i32],
    edges: &[i32],
) -> (i64, u32) {
    let n = terminal.len();
    let mut best = (i64::MAX, u32::MAX);
    for subset in 0..(1u32 << n) {
        let inside = |node: usize| subset >> node & 1 == 1;
        let mut cost = 0i64;
        for (node, &weight) in terminal.iter().enumerate() {
            if weight > 0 && !inside(node) || weight < 0 && inside(node) {
                cost += i64::from(weight.abs());
            }
        }
        for_each_edge(shape, stencil, |edge, node, other, _| {
            if inside(node) != inside(other) {
                cost += i64::from(edges[edge % edges.len()]);
            }
        });
        if (cost, subset.count_ones()) < (best.0, best.1.count_ones()) {
            best = (cost, subset);
        }
    }
    best
}

fn for_each_edge<const D: usize>(
    shape: [usize; 3],
    stencil: &Stencil<D>,
    mut visit: impl FnMut(usize, usize, usize, ([usize; 3], usize)),
) {
    let [ni, nj, nk] = shape;
    let mut edge = 0;
    for k in 0..nk {
        for j in 0..nj {
            for i in 0..ni {
                for direction in (0..D).step_by(2) {
                    let [di, dj, dk] = stencil[direction];
                    let Some(other) = i
                        .checked_add_signed(di)
                        .zip(j.checked_add_signed(dj))
                        .zip(k.checked_add_signed(dk))
                        .map(|((a, b), c)| [a, b, c])
                        .filter(|it| it[0] < ni && it[1] < nj && it[2] < nk)
                    else {
                        continue;
                    };
                    let flat = |[a, b, c]: [usize; 3]| a + ni * (b + nj * c);
                    visit(edge, flat([i, j, k]), flat(other), ([i, j, k], direction));
                    edge += 1;
                }
            }
        }
    }
}

fn check_against_every_subset<const D: usize>(
    shape: [usize; 3],
    stencil: &Stencil<D>,
    terminal: &[i32],
    edges: &[i32],
) {
    let terminal = &terminal[..shape.iter().product()];
    let mut graph = GridGraph::new(shape, stencil);
    for (flat, &weight) in terminal.iter().enumerate() {
        let at = [flat % shape[0], flat / shape[0] % shape[1], flat / shape[0] / shape[1]];
        graph.add_terminal(graph.node(at), weight);
    }
    for_each_edge(shape, stencil, |edge, _, _, (at, direction)| {
        graph.set_edge(graph.node(at), direction, edges[edge % edges.len()]);
    });
    let flow = graph.solve();
    let (cost, subset) = cheapest_cut(shape, stencil, terminal, edges);
    assert_eq!(flow, cost, "flow equals the cheapest cut");
    let found: Vec<bool> = graph.source_set();
    let expected: Vec<bool> = (0..terminal.len()).map(|it| subset >> it & 1 == 1).collect();
    assert_eq!(found, expected, "the smallest source set of all minimum cuts");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn flow_equals_the_cheapest_cut(
        terminal in prop::collection::vec(-9i32..=9, 12),
        edges in prop::collection::vec(0i32..=7, 29),
    ) {
        check_against_every_subset([4, 3, 1], &STENCIL_4, &terminal, &edges);
        check_against_every_subset([3, 4, 1], &STENCIL_8, &terminal, &edges);
        check_against_every_subset([3, 2, 2], &STENCIL_6, &terminal, &edges);
        check_against_every_subset([2, 2, 3], &STENCIL_10, &terminal, &edges);
    }
}
