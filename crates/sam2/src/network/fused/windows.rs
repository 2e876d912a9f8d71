//! Attention within the windows of a map, straight from the map of queries, keys and values.
//!
//! A window that reaches over the map's edge sees there what zeros become: the projection's bias.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};
use pulp::Arch;
use rayon::prelude::*;

use super::attention::{Attend, Head};
use super::numbers;

/// How a map is cut.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Windows {
    /// Side of a window in tokens; 0 takes the whole map as one.
    pub(in super::super) size: usize,
    pub(in super::super) num_heads: usize,
    /// Whether queries are pooled 2 × 2, which halves the map.
    pub(in super::super) q_pool: bool,
}

/// # Shapes
/// `qkv` (1, h, w, 3c), `bias` (3c): (1, h, w, c), or (1, h/2, w/2, c) with pooled queries
pub(in super::super) fn attention(qkv: &Tensor, bias: &Tensor, windows: Windows) -> Result<Tensor> {
    qkv.apply_op2_no_bwd(bias, &windows)
}

impl CustomOp2 for Windows {
    fn name(&self) -> &'static str {
        "fused window attention"
    }

    fn cpu_fwd(
        &self,
        qkv: &CpuStorage,
        qkv_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (_, h, w, width) = qkv_layout.shape().dims4()?;
        let map =
            Map { numbers: numbers(qkv, qkv_layout)?, beyond: numbers(bias, bias_layout)?, h, w };
        let shrink = if self.q_pool { 2 } else { 1 };
        let channels = width / 3;
        let (rows, columns) = (h / shrink, w / shrink);
        let mut out = vec![0_f32; rows * columns * channels];
        // A whole map is shared out by rows of queries, windows by rows of windows.
        let band = match self.size {
            0 => rows.div_ceil(rayon::current_num_threads()),
            size => size / shrink,
        };
        out.par_chunks_mut(band * columns * channels).enumerate().for_each(|(i, out)| {
            let band = Band { map, windows: *self, first_row: i * band, columns, channels };
            band.attend(out);
        });
        Ok((CpuStorage::F32(out), Shape::from((1, rows, columns, channels))))
    }
}

#[derive(Clone, Copy)]
struct Map<'a> {
    numbers: &'a [f32],
    /// What stands beyond the edge.
    beyond: &'a [f32],
    h: usize,
    w: usize,
}

impl<'a> Map<'a> {
    fn at(&self, y: usize, x: usize) -> &'a [f32] {
        let width = self.beyond.len();
        if y < self.h && x < self.w {
            &self.numbers[(y * self.w + x) * width..][..width]
        } else {
            self.beyond
        }
    }
}

/// Rows of the result that one task fills.
struct Band<'a> {
    map: Map<'a>,
    windows: Windows,
    first_row: usize,
    columns: usize,
    channels: usize,
}

impl Band<'_> {
    fn attend(&self, out: &mut [f32]) {
        let Windows { size, num_heads, q_pool } = self.windows;
        let shrink = if q_pool { 2 } else { 1 };
        let rows = out.len() / (self.columns * self.channels);
        let (height, width, top) = match size {
            0 => (self.map.h, self.map.w, 0),
            _ => (size, size, self.first_row * shrink),
        };
        let span = width / shrink;
        let per_head = self.channels / num_heads;
        for left in (0..self.columns).step_by(span) {
            let columns = span.min(self.columns - left);
            for head in 0..num_heads {
                let part = |i: usize| i * self.channels + head * per_head;
                let gather = |part: usize| {
                    let mut gathered = Vec::with_capacity(height * width * per_head);
                    for y in top..top + height {
                        for x in left * shrink..left * shrink + width {
                            gathered.extend_from_slice(&self.map.at(y, x)[part..part + per_head]);
                        }
                    }
                    gathered
                };
                let (k, v) = (gather(part(1)), gather(part(2)));
                let mut q = Vec::with_capacity(rows * columns * per_head);
                for row in self.first_row..self.first_row + rows {
                    for column in left..left + columns {
                        self.push_query(&mut q, row, column, part(0)..part(0) + per_head);
                    }
                }
                let mut found = vec![0_f32; q.len()];
                let head_numbers =
                    Head { q: &q, k: &k, v: &v, channels: per_head, value_channels: per_head };
                Arch::new().dispatch(Attend { head: head_numbers, out: &mut found });
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
