//! Matrices laid out for tiles, and products of blocks of rows with them.

use crate::path::Path;
use crate::tile::{MAX_ROWS, Number, Tile, WIDTH};

/// Depth that is multiplied in one go. A tile's rows and a panel of this depth stay in the nearest
/// cache, and sums of sums are rounded less often than one long sum.
const DEPTH_AT_ONCE: usize = 128;

/// A matrix cut into panels of [`WIDTH`] columns; what is missing at the end is zero.
#[derive(Clone, Debug)]
pub(crate) struct Panels<T> {
    numbers: Vec<T>,
    /// Rounded up to a multiple of the number's step.
    depth: usize,
    n_columns: usize,
}

/// As [`Panels`], in memory of the caller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PanelsView<'a, T> {
    pub(crate) numbers: &'a [T],
    pub(crate) depth: usize,
    pub(crate) n_columns: usize,
}

/// The depth of panels for `length` numbers.
pub(crate) fn padded_depth<T: Number>(length: usize) -> usize {
    length.next_multiple_of(T::STEP)
}

/// How many numbers panels take.
pub(crate) fn panels_len<T: Number>(length: usize, n_columns: usize) -> usize {
    padded_depth::<T>(length) * n_columns.next_multiple_of(WIDTH)
}

impl<T: Number> Panels<T> {
    /// The transpose of a matrix given row by row.
    ///
    /// # Shapes
    /// `x` (columns, `length`)
    pub(crate) fn transposed(x: &[f32], length: usize) -> Self {
        let n_columns = x.len() / length;
        let mut numbers = vec![T::zeroed(); panels_len::<T>(length, n_columns)];
        pack_columns(&mut numbers, x.chunks_exact(length), length);
        Self { numbers, depth: padded_depth::<T>(length), n_columns }
    }

    pub(crate) fn view(&self) -> PanelsView<'_, T> {
        PanelsView { numbers: &self.numbers, depth: self.depth, n_columns: self.n_columns }
    }
}

/// Lays `columns` of `length` numbers out; `packed` has [`panels_len`] numbers for them.
#[inline(always)]
pub(crate) fn pack_columns<'a, T: Number>(
    packed: &mut [T],
    columns: impl ExactSizeIterator<Item = &'a [f32]>,
    length: usize,
) {
    let depth = padded_depth::<T>(length);
    if !columns.len().is_multiple_of(WIDTH) || depth != length {
        packed.fill(T::zeroed());
    }
    for (i, column) in columns.enumerate() {
        let panel = &mut packed[i / WIDTH * WIDTH * depth..][..WIDTH * depth];
        let place = i % WIDTH * T::STEP;
        for (step, numbers) in
            panel.chunks_exact_mut(WIDTH * T::STEP).zip(column[..length].chunks(T::STEP))
        {
            for (packed, it) in step[place..].iter_mut().zip(numbers) {
                *packed = T::round(*it);
            }
        }
    }
}

/// Lays a matrix of `n_columns` out that is given row by row; as [`pack_columns`].
#[inline(always)]
pub(crate) fn pack_rows<'a, T: Number>(
    packed: &mut [T],
    rows: impl ExactSizeIterator<Item = &'a [f32]>,
    n_columns: usize,
) {
    let depth = padded_depth::<T>(rows.len());
    if !n_columns.is_multiple_of(WIDTH) || depth != rows.len() {
        packed.fill(T::zeroed());
    }
    for (at, row) in rows.enumerate() {
        let (step, within) = (at / T::STEP, at % T::STEP);
        for (panel, numbers) in
            packed.chunks_exact_mut(depth * WIDTH).zip(row[..n_columns].chunks(WIDTH))
        {
            let step = &mut panel[step * WIDTH * T::STEP..][..WIDTH * T::STEP];
            for (packed, it) in step.iter_mut().skip(within).step_by(T::STEP).zip(numbers) {
                *packed = T::round(*it);
            }
        }
    }
}

/// Rows on the left of a product.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows<'a, T> {
    pub(crate) numbers: &'a [T],
    /// Numbers from row to row.
    pub(crate) stride: usize,
    pub(crate) count: usize,
}

/// `c = rows · panels`, or `c += rows · panels`.
///
/// # Shapes
/// `c` (rows, columns) with `c_stride` numbers from row to row
pub(crate) fn multiply<T: Number>(
    path: Path,
    rows: Rows<'_, T>,
    panels: PanelsView<'_, T>,
    c: &mut [f32],
    c_stride: usize,
    adds: bool,
) {
    let PanelsView { numbers, depth, n_columns } = panels;
    if rows.count == 0 || depth == 0 {
        return;
    }
    for from in (0..depth).step_by(DEPTH_AT_ONCE) {
        let now = DEPTH_AT_ONCE.min(depth - from);
        for (i, panel) in numbers.chunks_exact(depth * WIDTH).enumerate() {
            let left = i * WIDTH;
            let block = Block {
                rows,
                from,
                depth: now,
                panel: &panel[from * WIDTH..][..now * WIDTH],
                width: WIDTH.min(n_columns - left),
                adds: adds || from > 0,
            };
            block.multiply(path, &mut c[left..], c_stride);
        }
    }
}

/// A part of a product: all rows by one panel.
struct Block<'a, T> {
    rows: Rows<'a, T>,
    from: usize,
    depth: usize,
    panel: &'a [T],
    width: usize,
    adds: bool,
}

impl<T: Number> Block<'_, T> {
    fn multiply(&self, path: Path, c: &mut [f32], c_stride: usize) {
        let Self { rows: Rows { numbers, stride, count }, from, depth, panel, width, adds } = *self;
        // Tiles of nearly the same height: a low one at the end would take as long as a high one.
        let n_tiles = count.div_ceil(MAX_ROWS);
        for i in 0..n_tiles {
            let (first, end) = (i * count / n_tiles, (i + 1) * count / n_tiles);
            let mut edge = [0_f32; MAX_ROWS * WIDTH];
            let place = &mut c[first * c_stride..];
            let rows = end - first;
            if width < WIDTH && adds {
                copy_rows(&mut edge, WIDTH, place, c_stride, rows, width);
            }
            let (c, c_stride_of_tile) =
                if width < WIDTH { (&mut edge[..], WIDTH) } else { (&mut *place, c_stride) };
            let a = &numbers[first * stride + from..];
            let c_stride_now = c_stride_of_tile;
            T::multiply(
                path,
                Tile { rows, depth, a, a_stride: stride, panel, c, c_stride: c_stride_now, adds },
            );
            if width < WIDTH {
                copy_rows(place, c_stride, &edge, WIDTH, rows, width);
            }
        }
    }
}

fn copy_rows(
    to: &mut [f32],
    to_stride: usize,
    from: &[f32],
    from_stride: usize,
    rows: usize,
    width: usize,
) {
    for row in 0..rows {
        to[row * to_stride..][..width].copy_from_slice(&from[row * from_stride..][..width]);
    }
}
