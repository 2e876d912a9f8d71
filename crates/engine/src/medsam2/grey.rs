//! From intensities to what the network sees: a window, grey levels, three normalised channels.

use std::{fmt, str::FromStr};

use protocol::job::Modality;
use sam2::{Device, Tensor};
use serde::{Deserialize, Serialize};
use volume::{Slice, Volume, window::Window};

use super::resize::resize;

/// Intensities below this are found in CT only.
const CT_BELOW: f64 = -500.0;
/// Percentiles of the voxels above 0 that become black and white where nothing is known.
const PERCENTILES: [f64; 2] = [0.5, 99.5];
/// Mean and deviation of the three channels of the pictures that the network was trained on.
const CHANNELS: [(f32, f32); 3] = [(0.485, 0.229), (0.456, 0.224), (0.406, 0.225)];

/// Which intensities the network sees, as it is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum WindowChoice {
    /// CT, by its modality or, where that is unknown, by any value below −500: the abdomen's window.
    /// Anything else: the 0.5 and 99.5 percentiles of the voxels above 0 of the whole volume.
    #[default]
    Auto,
    /// Intensities are grey levels, 0 to 255, already.
    None,
    /// From black to white.
    Between(Window),
}

impl FromStr for WindowChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            let names = volume::window::CT_PRESETS.map(|it| it.0).join(", ");
            format!("`{text}` is no window: expected auto, none, LOW,HIGH or one of {names}")
        };
        match text {
            "auto" => return Ok(Self::Auto),
            "none" => return Ok(Self::None),
            _ => {}
        }
        if let Some(window) = Window::preset(text) {
            return Ok(Self::Between(window));
        }
        let (low, high) = text.split_once(',').ok_or_else(wrong)?;
        let number = |it: &str| it.trim().parse::<f64>().ok().filter(|it| it.is_finite());
        match (number(low), number(high)) {
            (Some(low), Some(high)) if low < high => Ok(Self::Between(Window { low, high })),
            (Some(_), Some(_)) => Err(format!("`{text}`: LOW must be below HIGH")),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for WindowChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::None => f.write_str("none"),
            Self::Between(Window { low, high }) => write!(f, "{low},{high}"),
        }
    }
}

impl TryFrom<String> for WindowChoice {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<WindowChoice> for String {
    fn from(choice: WindowChoice) -> Self {
        choice.to_string()
    }
}

/// The window that a choice means for a volume.
pub(crate) fn resolve(choice: WindowChoice, modality: Modality, volume: &Volume) -> Window {
    match choice {
        WindowChoice::None => Window { low: 0.0, high: 255.0 },
        WindowChoice::Between(window) => window,
        WindowChoice::Auto => {
            let [lowest, highest] = volume.intensity_range().unwrap_or([0.0, 1.0]);
            let is_ct = match modality {
                Modality::Ct => true,
                Modality::Mr => false,
                Modality::Unknown => lowest < CT_BELOW,
            };
            if is_ct {
                return volume::window::CT_PRESETS[0].1;
            }
            match percentiles_above_0(volume, PERCENTILES) {
                Some([low, high]) if low < high => Window { low, high },
                Some(_) | None => Window { low: lowest, high: highest.max(lowest + 1.0) },
            }
        }
    }
}

/// Percentiles of the voxels above 0, linear between ranks; none without such a voxel.
///
/// Numbers above 0 are in the order of their bits: two counts of halves of the bits find a rank
/// exactly, however large the volume is.
fn percentiles_above_0(volume: &Volume, percentages: [f64; 2]) -> Option<[f64; 2]> {
    let mut upper = vec![0_u64; 1 << 16];
    for_each_above_0(volume, |bits| upper[(bits >> 16) as usize] += 1);
    let n: u64 = upper.iter().sum();
    let last = n.checked_sub(1)?;
    let ranks: Vec<(u64, f64)> = percentages
        .iter()
        .map(|it| {
            let place = it / 100.0 * last as f64;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between 0 and the number of voxels"
            )]
            let rank = place.floor() as u64;
            (rank, place - place.floor())
        })
        .collect();
    let wanted: Vec<u64> =
        ranks.iter().flat_map(|(rank, _)| [*rank, (rank + 1).min(last)]).collect();
    // For each rank the upper half of its bits, and its rank among those of the same upper half.
    let halves: Vec<(usize, u64)> = wanted.iter().map(|rank| find(&upper, *rank)).collect();
    let mut lower = vec![vec![0_u64; 1 << 16]; halves.len()];
    for_each_above_0(volume, |bits| {
        for ((upper, _), counts) in halves.iter().zip(&mut lower) {
            if (bits >> 16) as usize == *upper {
                counts[(bits & 0xFFFF) as usize] += 1;
            }
        }
    });
    let values: Vec<f64> = halves
        .iter()
        .zip(&lower)
        .map(|((upper, rank), counts)| {
            let bits = (upper << 16) | find(counts, *rank).0;
            f64::from(f32::from_bits(u32::try_from(bits).unwrap_or(u32::MAX)))
        })
        .collect();
    let between = |n: usize| values[2 * n] + (values[2 * n + 1] - values[2 * n]) * ranks[n].1;
    Some([between(0), between(1)])
}

/// The cell that holds the entry of a rank, and the rank within the cell.
fn find(counts: &[u64], rank: u64) -> (usize, u64) {
    let mut left = rank;
    for (cell, &n) in counts.iter().enumerate() {
        if left < n {
            return (cell, left);
        }
        left -= n;
    }
    (counts.len() - 1, 0)
}

fn for_each_above_0(volume: &Volume, mut see: impl FnMut(u32)) {
    for k in 0..volume.shape()[2] {
        for value in volume.slice(2, k).pixels {
            if value > 0.0 && value.is_finite() {
                see(value.to_bits());
            }
        }
    }
}

/// Grey levels of a slice: clipped to the window, stretched to 0–255, cut to whole numbers.
pub(crate) fn greys(slice: &Slice<f32>, window: Window) -> Vec<u8> {
    let width = (window.high - window.low).max(f64::MIN_POSITIVE);
    let is_grey = (window.low, window.high) == (0.0, 255.0);
    let grey = |value: f32| {
        let clipped = f64::from(value).clamp(window.low, window.high);
        let level = if is_grey { clipped } else { (clipped - window.low) / width * 255.0 };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0 to 255; what is no number becomes black"
        )]
        let level = level as u8;
        level
    };
    slice.pixels.iter().map(|it| grey(*it)).collect()
}

/// Grey levels of a slice at the network's size.
pub(crate) fn resized_greys(slice: &Slice<f32>, window: Window, side: usize) -> Vec<u8> {
    resize(&greys(slice, window), [slice.width, slice.height], [side; 2])
}

/// Grey levels as the network takes them, (1, 3, side, side).
pub(crate) fn pixels(greys: &[u8], side: usize, device: &Device) -> candle_core::Result<Tensor> {
    let mut normalised = Vec::with_capacity(3 * greys.len());
    for (mean, deviation) in CHANNELS {
        // In float64 from float32 constants, as the published script does it.
        let (mean, deviation) = (f64::from(mean), f64::from(deviation));
        #[expect(clippy::cast_possible_truncation, reason = "the network computes in float32")]
        let levels: Vec<f32> =
            (0..=255_u8).map(|it| ((f64::from(it) / 255.0 - mean) / deviation) as f32).collect();
        normalised.extend(greys.iter().map(|it| levels[usize::from(*it)]));
    }
    Tensor::from_vec(normalised, (1, 3, side, side), device)
}

#[cfg(test)]
mod tests {
    use volume::{Affine, Grid, SourceHeader, Voxels};

    use super::*;

    fn volume(values: Vec<f32>) -> Volume {
        let grid = Grid { shape: [values.len(), 1, 1], ras_from_voxel: Affine::IDENTITY };
        let header = SourceHeader::for_grid(&grid);
        let voxels = Voxels::F32(values);
        Volume { grid, voxels, slope: 1.0, intercept: 0.0, n_frames: 1, frame: 0, header }
    }

    fn check_window(choice: &str, values: Vec<f32>, low: f64, high: f64) {
        check_window_of(Modality::Unknown, choice, values, low, high);
    }

    fn check_window_of(modality: Modality, choice: &str, values: Vec<f32>, low: f64, high: f64) {
        let window = resolve(choice.parse().unwrap(), modality, &volume(values));
        assert!((window.low - low).abs() < 1e-4 && (window.high - high).abs() < 1e-4, "{window:?}");
    }

    #[test]
    fn ct_is_seen_as_abdomen_and_others_by_percentiles_of_what_is_above_0() {
        let mut values: Vec<f32> = (1..=201).rev().map(|it| it as f32).collect();
        values.extend([0.0; 500]);
        values.extend([-3.0, f32::NAN, f32::INFINITY]);
        // numpy.percentile(1 … 201, [0.5, 99.5]) = 2, 200
        check_window("auto", values.clone(), 2.0, 200.0);
        // numpy.percentile([0.1, 0.2, 0.4], [0.5, 99.5]) = 0.101, 0.398
        check_window("auto", vec![0.4, 0.1, 0.0, 0.2], 0.101, 0.398);
        values.push(-600.0);
        check_window("auto", values.clone(), -160.0, 240.0);
        check_window("lung", values.clone(), -1350.0, 150.0);
        check_window("-12.5,80", values, -12.5, 80.0);
        check_window("auto", vec![0.0, -4.0], -4.0, 0.0);
    }

    #[test]
    fn what_is_said_of_the_modality_goes_before_the_values() {
        let without_air = vec![0.4, 0.1, 0.0, 0.2];
        check_window_of(Modality::Ct, "auto", without_air.clone(), -160.0, 240.0);
        check_window_of(Modality::Mr, "auto", without_air.clone(), 0.101, 0.398);
        let with_dark = [without_air, vec![-600.0]].concat();
        check_window_of(Modality::Mr, "auto", with_dark.clone(), 0.101, 0.398);
        check_window_of(Modality::Ct, "lung", with_dark, -1350.0, 150.0);
    }

    #[test]
    fn grey_levels_are_cut_and_never_rounded() {
        let slice =
            |pixels: &[f32]| Slice { width: pixels.len(), height: 1, pixels: pixels.to_vec() };
        let values = slice(&[-1000.0, -160.0, 39.9, 240.0, 3000.0, f32::NAN]);
        let abdomen = Window { low: -160.0, high: 240.0 };
        assert_eq!(greys(&values, abdomen), [0, 0, 127, 255, 255, 0]);
        let none = Window { low: 0.0, high: 255.0 };
        let all: Vec<f32> = (0..=255_u8).map(f32::from).collect();
        assert_eq!(greys(&slice(&all), none), (0..=255).collect::<Vec<u8>>());
    }

    #[test]
    fn a_window_is_read_as_it_is_written() {
        for text in ["auto", "none", "-160,240", "0.5,80.25"] {
            assert_eq!(text.parse::<WindowChoice>().unwrap().to_string(), text);
        }
        for (text, said) in [("skin", "abdomen"), ("3,2", "below HIGH"), ("1,nan", "LOW,HIGH")] {
            assert!(text.parse::<WindowChoice>().unwrap_err().contains(said));
        }
    }
}
