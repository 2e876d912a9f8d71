//! Resizing of grey pictures as Pillow does it, number by number: the network was trained on that.
//!
//! Cubic with a = −0.5, widened when shrinking so that every pixel counts; first the columns, then
//! the rows, rounded to whole grey levels in between; weights in fixed point.
//!
//! # Source
//! `src/libImaging/Resample.c` of Pillow describes the method; `fixtures/pillow-resize` holds answers.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sides of pictures are small; indices and grey levels are clamped"
)]

/// Binary places of a weight.
const PLACES: u32 = 22;
/// Pixels to either side that a cubic takes in, before it is widened.
const REACH: f64 = 2.0;

/// Grey levels, `x` fastest, of a picture of `from` = [width, height] at the size `to`.
pub(crate) fn resize(pixels: &[u8], from: [usize; 2], to: [usize; 2]) -> Vec<u8> {
    let [width, height] = from;
    let mut pixels = pixels.to_vec();
    if width != to[0] {
        let taps = taps(width, to[0]);
        let rows = pixels.chunks_exact(width);
        pixels = rows.flat_map(|row| taps.iter().map(|it| it.sum(|at| row[at]))).collect();
    }
    if height != to[1] {
        let width = to[0];
        pixels = taps(height, to[1])
            .iter()
            .flat_map(|tap| {
                let pixels = &pixels;
                (0..width).map(move |x| tap.sum(|at| pixels[at * width + x]))
            })
            .collect();
    }
    pixels
}

/// How much each of some neighbouring input pixels counts in an output pixel.
struct Tap {
    first: usize,
    weights: Vec<i32>,
}

impl Tap {
    fn sum(&self, pixel: impl Fn(usize) -> u8) -> u8 {
        let half = 1_i32 << (PLACES - 1);
        let sum = self
            .weights
            .iter()
            .enumerate()
            .fold(half, |sum, (n, weight)| sum + weight * i32::from(pixel(self.first + n)));
        (sum >> PLACES).clamp(0, 255) as u8
    }
}

fn taps(from: usize, to: usize) -> Vec<Tap> {
    let scale = from as f64 / to as f64;
    let widened = scale.max(1.0);
    let reach = REACH * widened;
    let tap = |out: usize| {
        let centre = (out as f64 + 0.5) * scale;
        let first = (centre - reach + 0.5).max(0.0) as usize;
        let end = ((centre + reach + 0.5) as usize).min(from);
        let weight = |at: usize| cubic((at as f64 - centre + 0.5) / widened);
        let weights: Vec<f64> = (first..end).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        let fixed = |it: &f64| (it / sum * f64::from(1 << PLACES)).round() as i32;
        Tap { first, weights: weights.iter().map(fixed).collect() }
    };
    (0..to).map(tap).collect()
}

fn cubic(distance: f64) -> f64 {
    const A: f64 = -0.5;
    let x = distance.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::File, io::Read as _, path::Path};

    use super::*;

    #[test]
    fn pictures_come_out_as_from_pillow() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/pillow-resize");
        let file = File::open(folder.join("expected.npz")).unwrap();
        let mut arrays = zip::ZipArchive::new(file).unwrap();
        let mut array = |name: &str| {
            let mut bytes = Vec::new();
            arrays.by_name(&format!("{name}.npy")).unwrap().read_to_end(&mut bytes).unwrap();
            let npy = npyz::NpyFile::new(&bytes[..]).unwrap();
            let [height, width] = [0, 1].map(|it| npy.shape()[it] as usize);
            ([width, height], npy.into_vec::<u8>().unwrap())
        };
        for case in 0..4 {
            let (from, before) = array(&format!("{case}/before"));
            let (to, after) = array(&format!("{case}/after"));
            assert_eq!(resize(&before, from, to), after, "{from:?} to {to:?}");
        }
    }
}
