//! How labels are painted over grey slices.

/// How one label is painted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Paint {
    /// Red, green, blue.
    pub colour: [u8; 3],
    /// How much of the image the colour covers inside the label, 0 to 1.
    pub opacity: f64,
    /// Whether the label's border is covered fully.
    pub has_outline: bool,
}

/// How each label is painted; a label without paint is not seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Palette {
    paints: Vec<Option<Paint>>,
}

/// Colours of labels, 1 first; later labels start over.
const COLOURS: [[u8; 3]; 8] = [
    [255, 45, 45],
    [60, 220, 90],
    [80, 140, 255],
    [255, 210, 50],
    [220, 90, 255],
    [60, 220, 230],
    [255, 150, 60],
    [170, 255, 120],
];

impl Paint {
    /// A colour that lets most of the image through, with an outline.
    #[must_use]
    pub fn new(colour: [u8; 3]) -> Self {
        Self { colour, opacity: 0.4, has_outline: true }
    }
}

impl Default for Palette {
    /// Red for the first label; background has no paint.
    fn default() -> Self {
        let paint = |label: usize| {
            (label > 0).then(|| Paint::new(COLOURS[(label + COLOURS.len() - 1) % COLOURS.len()]))
        };
        Self { paints: (0..256).map(paint).collect() }
    }
}

impl Palette {
    /// How a label is painted.
    #[must_use]
    pub fn paint(&self, label: u8) -> Option<Paint> {
        self.paints[usize::from(label)]
    }

    /// Says how a label is painted. Background stays without paint.
    pub fn set(&mut self, label: u8, paint: Option<Paint>) {
        if label > 0 {
            self.paints[usize::from(label)] = paint;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Paint, Palette};

    #[test]
    fn background_is_never_painted_and_colours_start_over() {
        let mut palette = Palette::default();
        palette.set(0, Some(Paint::new([1, 2, 3])));
        assert_eq!(palette.paint(0), None);
        assert_eq!(palette.paint(1), palette.paint(9));
        palette.set(9, None);
        assert_eq!((palette.paint(9), palette.paint(255).is_some()), (None, true));
    }
}
