//! Attention without the table of all scores: keys are taken block by block, and each row of queries
//! keeps its largest score and its sum so far.

use half::bf16;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::math::{exp_nonpositive, largest, sum};
use crate::panels::{
    PanelsView, Rows, multiply, pack_columns, pack_rows, padded_depth, panels_len,
};
use crate::path::{Path, Precision};
use crate::rows::{FromRows, with_rows};
use crate::scratch::with_scratch;
use crate::tile::WIDTH;

/// Keys per block: with 256 channels, keys and values of a block fill half of a core's cache.
const BLOCK: usize = 256;
/// Queries whose scores are held at once.
const QUERIES: usize = 96;

/// Queries, keys and values of one head.
///
/// Keys and values are asked for row by row, so that they need not lie side by side.
#[derive(Clone, Copy)]
pub(crate) struct Head<'a, K, V> {
    /// (n, channels)
    pub(crate) q: &'a [f32],
    pub(crate) k: K,
    pub(crate) v: V,
    pub(crate) n_keys: usize,
    /// Channels of queries and keys.
    pub(crate) channels: usize,
    /// Channels of values.
    pub(crate) value_channels: usize,
}

/// Scaled dot-product attention.
///
/// # Shapes
/// `q` (heads, n, c), `k` (heads, m, c), `v` (heads, m, d): (heads, n, d)
#[must_use]
pub fn attention(
    [q, k, v]: [&[f32]; 3],
    heads: usize,
    [channels, value_channels]: [usize; 2],
    precision: Precision,
) -> Vec<f32> {
    let n = q.len() / (heads * channels);
    let m = k.len() / (heads * channels);
    let mut out = vec![0_f32; heads * n * value_channels];
    // Few heads are shared out by queries.
    let per_task = match rayon::current_num_threads() {
        threads if threads > heads => n.div_ceil(threads),
        _ => n,
    };
    out.par_chunks_mut(n * value_channels).enumerate().for_each(|(i, out)| {
        let k = &k[i * m * channels..][..m * channels];
        let v = &v[i * m * value_channels..][..m * value_channels];
        let q = &q[i * n * channels..][..n * channels];
        let tasks = out.par_chunks_mut(per_task * value_channels);
        tasks.zip(q.par_chunks(per_task * channels)).for_each(|(out, q)| {
            let head = Head {
                q,
                k: |i: usize| &k[i * channels..][..channels],
                v: |i: usize| &v[i * value_channels..][..value_channels],
                n_keys: m,
                channels,
                value_channels,
            };
            attend(&head, out, precision);
        });
    });
    out
}

/// Fills `out`, which has a row of value channels per query.
pub(crate) fn attend<'a, K, V>(head: &Head<'_, K, V>, out: &mut [f32], precision: Precision)
where
    K: Fn(usize) -> &'a [f32],
    V: Fn(usize) -> &'a [f32],
{
    match precision {
        Precision::F32 => attend_in::<f32, K, V>(head, out),
        Precision::Bf16 => attend_in::<bf16, K, V>(head, out),
    }
}

fn attend_in<'a, T, K, V>(head: &Head<'_, K, V>, out: &mut [f32])
where
    T: FromRows,
    K: Fn(usize) -> &'a [f32],
    V: Fn(usize) -> &'a [f32],
{
    let Head { q, channels, value_channels, n_keys, .. } = *head;
    let n = q.len() / channels;
    let most = BLOCK.min(n_keys);
    out.fill(0.0);
    with_rows(q, channels, padded_depth::<T>(channels), None, |queries: &[T]| {
        with_scratch(panels_len::<T>(channels, most), |keys: &mut [T]| {
            with_scratch(panels_len::<T>(most, value_channels), |values: &mut [T]| {
                with_scratch(2 * n, |running: &mut [f32]| {
                    let (largest, sums) = running.split_at_mut(n);
                    largest.fill(f32::MIN);
                    sums.fill(0.0);
                    for first in (0..n_keys).step_by(BLOCK) {
                        let count = BLOCK.min(n_keys - first);
                        let keys = &mut keys[..panels_len::<T>(channels, count)];
                        pack_columns(keys, (first..first + count).map(&head.k), channels);
                        let values = &mut values[..panels_len::<T>(count, value_channels)];
                        pack_rows(values, (first..first + count).map(&head.v), value_channels);
                        let keys = Keys {
                            keys: PanelsView {
                                numbers: keys,
                                depth: padded_depth::<T>(channels),
                                n_columns: count,
                            },
                            values: PanelsView {
                                numbers: values,
                                depth: padded_depth::<T>(count),
                                n_columns: value_channels,
                            },
                            scale: scale(channels),
                        };
                        keys.attend(queries, out, [&mut *largest, &mut *sums]);
                    }
                    for (out, sum) in out.chunks_exact_mut(value_channels).zip(&*sums) {
                        let share = 1.0 / sum;
                        for it in out {
                            *it *= share;
                        }
                    }
                });
            });
        });
    });
}

/// A block of keys with their values.
struct Keys<'a, T> {
    keys: PanelsView<'a, T>,
    values: PanelsView<'a, T>,
    scale: f32,
}

impl<T: FromRows> Keys<'_, T> {
    /// Adds what the block's values give to all queries.
    fn attend(&self, queries: &[T], out: &mut [f32], [largest, sums]: [&mut [f32]; 2]) {
        let Self { keys, values, scale } = *self;
        let value_channels = values.n_columns;
        let stride = keys.n_columns.next_multiple_of(WIDTH);
        let path = Path::best();
        with_scratch(QUERIES * stride, |scores: &mut [f32]| {
            let blocks = queries.chunks(QUERIES * keys.depth).zip(
                out.chunks_mut(QUERIES * value_channels)
                    .zip(largest.chunks_mut(QUERIES).zip(sums.chunks_mut(QUERIES))),
            );
            for (queries, (out, (largest, sums))) in blocks {
                let count = largest.len();
                let queries = Rows { numbers: queries, stride: keys.depth, count };
                let scores = &mut scores[..count * stride];
                multiply(path, queries, keys, scores, stride, false);
                Arch::new().dispatch(Weigh {
                    scores,
                    stride,
                    n_keys: keys.n_columns,
                    scale,
                    largest,
                    sums,
                    out,
                    value_channels,
                });
                with_rows(scores, stride, stride, None, |shares: &[T]| {
                    let shares = Rows { numbers: shares, stride, count };
                    multiply(path, shares, values, out, value_channels, true);
                });
            }
        });
    }
}

/// Turns scores into weights in place, and lets what was found so far fade where a larger score came.
struct Weigh<'a> {
    scores: &'a mut [f32],
    stride: usize,
    n_keys: usize,
    scale: f32,
    largest: &'a mut [f32],
    sums: &'a mut [f32],
    out: &'a mut [f32],
    value_channels: usize,
}

impl WithSimd for Weigh<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { scores, stride, n_keys, scale, largest: tops, sums, out, value_channels } = self;
        let rows = scores.chunks_exact_mut(stride).zip(out.chunks_exact_mut(value_channels));
        for ((scores, out), (before, total)) in rows.zip(tops.iter_mut().zip(sums)) {
            let (scores, beyond) = scores.split_at_mut(n_keys);
            let top = largest(scores, *before);
            for it in &mut *scores {
                *it = exp_nonpositive((*it - top) * scale);
            }
            beyond.fill(0.0);
            let faded = exp_nonpositive((*before - top) * scale);
            *before = top;
            *total = total.mul_add(faded, sum(scores, |it| it));
            for it in out {
                *it *= faded;
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "channels are few")]
fn scale(channels: usize) -> f32 {
    1.0 / (channels as f32).sqrt()
}
