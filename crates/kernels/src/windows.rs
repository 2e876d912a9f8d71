//! Attention within the windows of a map, straight from the map of queries, keys and values.
//!
//! A window that reaches over the map's edge sees there what zeros become: the projection's bias.

use rayon::prelude::*;

use crate::attention::{Head, attend};
use crate::path::Precision;

/// How a map is cut.
#[derive(Clone, Copy, Debug)]
pub struct Windows {
    /// Side of a window in tokens; 0 takes the whole map as one.
    pub size: usize,
    /// Heads, each with its share of the channels.
    pub num_heads: usize,
    /// Whether queries are pooled 2 × 2, which halves the map.
    pub q_pool: bool,
}

/// A map of queries, keys and values.
#[derive(Clone, Copy, Debug)]
pub struct QkvMap<'a> {
    /// (h, w, 3c)
    pub numbers: &'a [f32],
    /// What stands beyond the edge, (3c).
    pub beyond: &'a [f32],
    /// Rows and columns.
    pub size: [usize; 2],
}

impl<'a> QkvMap<'a> {
    fn at(&self, y: usize, x: usize) -> &'a [f32] {
        let width = self.beyond.len();
        let [h, w] = self.size;
        if y < h && x < w { &self.numbers[(y * w + x) * width..][..width] } else { self.beyond }
    }
}

/// # Shapes
/// returns (h, w, c), or (h/2, w/2, c) with pooled queries
#[must_use]
pub fn window_attention(map: QkvMap<'_>, windows: Windows, precision: Precision) -> Vec<f32> {
    let shrink = if windows.q_pool { 2 } else { 1 };
    let channels = map.beyond.len() / 3;
    let [rows, columns] = map.size.map(|it| it / shrink);
    let mut out = vec![0_f32; rows * columns * channels];
    // A whole map is shared out by rows of queries, windows by rows of windows.
    let band = match windows.size {
        0 => rows.div_ceil(rayon::current_num_threads()),
        size => size / shrink,
    };
    out.par_chunks_mut(band * columns * channels).enumerate().for_each(|(i, out)| {
        let band = Band { map, windows, first_row: i * band, columns, channels, precision };
        band.attend(out);
    });
    out
}

/// Rows of the result that one task fills.
struct Band<'a> {
    map: QkvMap<'a>,
    windows: Windows,
    first_row: usize,
    columns: usize,
    channels: usize,
    precision: Precision,
}

impl Band<'_> {
    fn attend(&self, out: &mut [f32]) {
        let Windows { size, num_heads, q_pool } = self.windows;
        let shrink = if q_pool { 2 } else { 1 };
        let rows = out.len() / (self.columns * self.channels);
        let (height, width, top) = match size {
            0 => (self.map.size[0], self.map.size[1], 0),
            _ => (size, size, self.first_row * shrink),
        };
        let span = width / shrink;
        let per_head = self.channels / num_heads;
        let mut q = Vec::with_capacity(rows * span * per_head);
        let mut found = vec![0_f32; rows * span * per_head];
        for left in (0..self.columns).step_by(span) {
            let columns = span.min(self.columns - left);
            for head in 0..num_heads {
                let part = |i: usize| i * self.channels + head * per_head;
                let token = |i: usize, part: usize| {
                    let (y, x) = (top + i / width, left * shrink + i % width);
                    &self.map.at(y, x)[part..part + per_head]
                };
                q.clear();
                for row in self.first_row..self.first_row + rows {
                    for column in left..left + columns {
                        self.push_query(&mut q, row, column, part(0)..part(0) + per_head);
                    }
                }
                let found = &mut found[..q.len()];
                let head_of_window = Head {
                    q: &q,
                    k: |i: usize| token(i, part(1)),
                    v: |i: usize| token(i, part(2)),
                    n_keys: height * width,
                    channels: per_head,
                    value_channels: per_head,
                };
                attend(&head_of_window, found, self.precision);
                for (i, found) in found.chunks_exact(per_head).enumerate() {
                    let token = (i / columns) * self.columns + left + i % columns;
                    let place = token * self.channels + head * per_head;
                    out[place..place + per_head].copy_from_slice(found);
                }
            }
        }
    }

    /// Appends a query; a pooled one is the largest of 2 × 2.
    fn push_query(
        &self,
        q: &mut Vec<f32>,
        row: usize,
        column: usize,
        part: std::ops::Range<usize>,
    ) {
        if !self.windows.q_pool {
            q.extend_from_slice(&self.map.at(row, column)[part]);
            return;
        }
        let (y, x) = (2 * row, 2 * column);
        let corners = [(y, x), (y, x + 1), (y + 1, x), (y + 1, x + 1)];
        let [a, b, c, d] = corners.map(|(y, x)| &self.map.at(y, x)[part.clone()]);
        let largest =
            a.iter().zip(b).zip(c).zip(d).map(|(((a, b), c), d)| a.max(*b).max(*c).max(*d));
        q.extend(largest);
    }
}
