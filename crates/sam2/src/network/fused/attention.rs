//! Attention without the table of all scores: keys are taken block by block, and each row of queries
//! keeps its largest score and its sum so far.
//!
//! The products are made of tiles of a few rows by two vectors, which stay in registers.

use pulp::{Simd, WithSimd};

use super::exp_nonpositive;

/// Keys per block: with 256 channels, keys and values of a block fill half of a core's cache.
const BLOCK: usize = 256;

/// Queries, keys and values of one head, row by row.
#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    pub(super) q: &'a [f32],
    pub(super) k: &'a [f32],
    pub(super) v: &'a [f32],
    /// Channels of queries and keys.
    pub(super) channels: usize,
    /// Channels of values.
    pub(super) value_channels: usize,
}

/// Fills `out`, which has a row of value channels per query.
pub(super) struct Attend<'a> {
    pub(super) head: Head<'a>,
    pub(super) out: &'a mut [f32],
}

impl WithSimd for Attend<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // As many rows per tile as there are registers for.
        if S::F32_LANES >= 16 {
            attend::<S, 8>(simd, self.head, self.out);
        } else {
            attend::<S, 6>(simd, self.head, self.out);
        }
    }
}

#[inline(always)]
fn attend<S: Simd, const ROWS: usize>(simd: S, head: Head<'_>, out: &mut [f32]) {
    let Head { q, k, v, channels, value_channels } = head;
    let tile_width = 2 * S::F32_LANES;
    let scale = scale(channels);
    let n = q.len() / channels;
    let padded_value = value_channels.next_multiple_of(tile_width);
    let mut keys = vec![0_f32; channels * BLOCK.next_multiple_of(tile_width)];
    let mut values = vec![0_f32; BLOCK * padded_value];
    let mut queries = vec![0_f32; channels * ROWS];
    let mut scores = vec![0_f32; ROWS * BLOCK.next_multiple_of(tile_width)];
    let mut shares = vec![0_f32; ROWS * BLOCK];
    let mut largest = vec![f32::MIN; n];
    let mut sums = vec![0_f32; n];
    out.fill(0.0);

    for (k, v) in k.chunks(BLOCK * channels).zip(v.chunks(BLOCK * value_channels)) {
        let m = k.len() / channels;
        let padded = m.next_multiple_of(tile_width);
        pack_columns(&mut keys, k, channels, tile_width);
        pack_rows(&mut values, v, value_channels, tile_width);
        for (block, q) in q.chunks(ROWS * channels).enumerate() {
            let first = block * ROWS;
            let rows = q.len() / channels;
            pack_columns(&mut queries, q, channels, ROWS);
            for (i, panel) in
                keys[..channels * padded].chunks_exact(channels * tile_width).enumerate()
            {
                let tile = tile::<S, ROWS>(simd, &queries, panel);
                for (row, tile) in tile.iter().enumerate() {
                    let place = &mut scores[row * padded + i * tile_width..][..tile_width];
                    S::as_mut_simd_f32s(place).0.copy_from_slice(tile);
                }
            }
            for row in 0..rows {
                let scores = &mut scores[row * padded..][..m];
                let before = largest[first + row];
                let top = super::largest(scores, before);
                for it in scores.iter_mut() {
                    *it = exp_nonpositive((*it - top) * scale);
                }
                let faded = exp_nonpositive((before - top) * scale);
                largest[first + row] = top;
                sums[first + row] = sums[first + row].mul_add(faded, super::sum(scores, |it| it));
                for it in &mut out[(first + row) * value_channels..][..value_channels] {
                    *it *= faded;
                }
                for (column, it) in scores.iter().enumerate() {
                    shares[column * ROWS + row] = *it;
                }
            }
            for (i, panel) in values[..m * padded_value].chunks_exact(m * tile_width).enumerate() {
                let tile = tile::<S, ROWS>(simd, &shares[..m * ROWS], panel);
                let from = i * tile_width;
                let width = tile_width.min(value_channels - from);
                for (row, tile) in tile.iter().enumerate().take(rows) {
                    let place = &mut out[(first + row) * value_channels + from..][..width];
                    let tile: &[f32] = bytemuck::cast_slice(tile);
                    for (out, it) in place.iter_mut().zip(tile) {
                        *out += it;
                    }
                }
            }
        }
    }
    for (out, sum) in out.chunks_exact_mut(value_channels).zip(&sums) {
        let share = 1.0 / sum;
        for it in out {
            *it *= share;
        }
    }
}

/// The product of `ROWS` rows, given column by column, with a panel of two vectors per column.
#[inline(always)]
fn tile<S: Simd, const ROWS: usize>(simd: S, a: &[f32], panel: &[f32]) -> [[S::f32s; 2]; ROWS] {
    let zero = simd.splat_f32s(0.0);
    let mut sums = [[zero; 2]; ROWS];
    let (panel, _) = S::as_simd_f32s(panel);
    for (a, b) in a.as_chunks::<ROWS>().0.iter().zip(panel.as_chunks::<2>().0) {
        for (sum, a) in sums.iter_mut().zip(a) {
            let a = simd.splat_f32s(*a);
            sum[0] = simd.mul_add_f32s(a, b[0], sum[0]);
            sum[1] = simd.mul_add_f32s(a, b[1], sum[1]);
        }
    }
    sums
}

/// Panels of `width` rows of `x`, each stored column by column; what is missing at the end is zero.
#[inline(always)]
fn pack_columns(packed: &mut [f32], x: &[f32], channels: usize, width: usize) {
    for (panel, rows) in packed.chunks_exact_mut(channels * width).zip(x.chunks(width * channels)) {
        if rows.len() < width * channels {
            panel.fill(0.0);
        }
        for (i, row) in rows.chunks_exact(channels).enumerate() {
            for (column, it) in panel.chunks_exact_mut(width).zip(row) {
                column[i] = *it;
            }
        }
    }
}

/// Panels of `width` columns of `x`, each stored row by row; what is missing at the end is zero.
#[inline(always)]
fn pack_rows(packed: &mut [f32], x: &[f32], channels: usize, width: usize) {
    let m = x.len() / channels;
    let n_panels = channels.div_ceil(width);
    for (i, panel) in packed.chunks_exact_mut(m * width).take(n_panels).enumerate() {
        let from = i * width;
        let kept = width.min(channels - from);
        for (place, row) in panel.chunks_exact_mut(width).zip(x.chunks_exact(channels)) {
            place[..kept].copy_from_slice(&row[from..from + kept]);
            place[kept..].fill(0.0);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "channels are few")]
fn scale(channels: usize) -> f32 {
    1.0 / (channels as f32).sqrt()
}
