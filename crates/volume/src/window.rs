//! Windows: which intensities are shown from black to white.

use crate::Volume;

/// An intensity window: `low` and less is black, `high` and more is white.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// Shown black.
    pub low: f64,
    /// Shown white.
    pub high: f64,
}

/// Windows for CT by the name of what they show, in Hounsfield units.
pub const CT_PRESETS: [(&str, Window); 5] = [
    ("abdomen", Window { low: -160.0, high: 240.0 }),
    ("lung", Window { low: -1350.0, high: 150.0 }),
    ("bone", Window { low: -700.0, high: 1300.0 }),
    ("brain", Window { low: 0.0, high: 80.0 }),
    ("liver", Window { low: -45.0, high: 105.0 }),
];

impl Window {
    /// The preset of that name.
    #[must_use]
    pub fn preset(name: &str) -> Option<Self> {
        CT_PRESETS.into_iter().find(|(it, _)| *it == name).map(|(_, window)| window)
    }

    /// A window that shows a volume without knowing what it is.
    ///
    /// CT (any value below −500) gets the abdomen preset; anything else from the 1st to the 99th
    /// percentile, or its whole range where those are equal.
    #[must_use]
    pub fn suggest(volume: &Volume) -> Self {
        let Some([lowest, highest]) = volume.intensity_range() else {
            return Self { low: 0.0, high: 1.0 };
        };
        if lowest < -500.0 {
            return CT_PRESETS[0].1;
        }
        let ends = volume.percentiles(&[1.0, 99.0]);
        if ends[0] < ends[1] {
            Self { low: ends[0], high: ends[1] }
        } else {
            Self { low: lowest, high: highest.max(lowest + 1.0) }
        }
    }

    /// The grey value, 0 to 255, of an intensity; NaN is black.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    pub fn grey(&self, intensity: f64) -> u8 {
        let width = (self.high - self.low).max(f64::MIN_POSITIVE);
        let part = ((intensity - self.low) / width).clamp(0.0, 1.0);
        (part * 255.0).round() as u8
    }

    /// The grey values of intensities.
    #[must_use]
    pub fn greys(&self, intensities: &[f32]) -> Vec<u8> {
        intensities.iter().map(|&it| self.grey(f64::from(it))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Window;

    #[test]
    fn greys_run_from_black_to_white() {
        let window = Window::preset("abdomen").unwrap();
        assert_eq!(window.greys(&[-1000.0, -160.0, 40.0, 240.0, 3000.0]), [0, 0, 128, 255, 255]);
        assert_eq!(window.grey(f64::NAN), 0);
        assert_eq!(Window::preset("none"), None);
    }

    #[test]
    fn a_window_without_width_divides_black_from_white() {
        let window = Window { low: 5.0, high: 5.0 };
        assert_eq!(window.greys(&[4.0, 6.0]), [0, 255]);
    }
}
