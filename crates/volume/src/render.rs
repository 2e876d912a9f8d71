//! Pictures of slices: grey with coloured masks over it, as PNG.

use crate::{
    Labelmap, Palette, Slice, Volume,
    display::{DisplayMap, Plane},
    window::Window,
};

type Rgb = [u8; 3];

/// Why there is no picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The volume has no such slice.
    #[error("there is no slice {index} along axis {axis} in a volume of {shape:?}")]
    Slice {
        /// Stored axis asked for.
        axis: usize,
        /// Slice asked for.
        index: usize,
        /// Shape of the volume.
        shape: [usize; 3],
    },
    /// The mask lies on another grid.
    #[error("the mask has shape {mask:?}, the volume {volume:?}")]
    Shape {
        /// Shape of the mask.
        mask: [usize; 3],
        /// Shape of the volume.
        volume: [usize; 3],
    },
}

/// Labels over a picture, and how they are painted.
#[derive(Debug, Clone, Copy)]
pub struct Overlay<'a> {
    /// The labels, on the volume's grid.
    pub labelmap: &'a Labelmap,
    /// Their paint.
    pub palette: &'a Palette,
}

/// Slice `index` along a stored axis as an 8-bit PNG in patient orientation, one pixel per voxel:
/// grey, or in colour with the labels over it.
///
/// # Errors
/// If there is no such slice, or the labelmap lies on another grid.
pub fn slice_png(
    volume: &Volume,
    overlay: Option<Overlay<'_>>,
    axis: usize,
    index: usize,
    window: Window,
) -> Result<Vec<u8>, RenderError> {
    let shape = volume.grid.shape;
    if shape.get(axis).is_none_or(|&it| index >= it) {
        return Err(RenderError::Slice { axis, index, shape });
    }
    let map = DisplayMap::new(&volume.grid, axis);
    let greys = shown_greys(volume, &map, index, window);
    let size = [greys.width, greys.height];
    let Some(Overlay { labelmap, palette }) = overlay else {
        return Ok(encode(&greys.pixels, size, png::ColorType::Grayscale));
    };
    check_shape(volume, labelmap)?;
    let colours = blend(&greys, &map.show(&labelmap.slice(axis, index)), palette);
    Ok(encode(colours.as_flattened(), size, png::ColorType::Rgb))
}

fn check_shape(volume: &Volume, labelmap: &Labelmap) -> Result<(), RenderError> {
    let (mask, volume) = (labelmap.shape, volume.grid.shape);
    if mask == volume { Ok(()) } else { Err(RenderError::Shape { mask, volume }) }
}

fn shown_greys(volume: &Volume, map: &DisplayMap, index: usize, window: Window) -> Slice<u8> {
    let stored = volume.slice(map.axis, index);
    let pixels = window.greys(&stored.pixels);
    map.show(&Slice { width: stored.width, height: stored.height, pixels })
}

/// Lays labels' colours over greys; pixels at a label's border get its full colour.
fn blend(greys: &Slice<u8>, labels: &Slice<u8>, palette: &Palette) -> Vec<Rgb> {
    let mut colours = Vec::with_capacity(greys.pixels.len());
    for y in 0..greys.height {
        for x in 0..greys.width {
            let at = y * greys.width + x;
            let grey = greys.pixels[at];
            colours.push(match palette.paint(labels.pixels[at]) {
                None => [grey; 3],
                Some(it) if it.has_outline && is_border(labels, x, y) => it.colour,
                Some(it) => it.colour.map(|colour| mix(grey, colour, it.opacity)),
            });
        }
    }
    colours
}

/// Whether one of the four neighbours has another label; the picture's edge is no border.
fn is_border(labels: &Slice<u8>, x: usize, y: usize) -> bool {
    let label = labels.get(x, y);
    let neighbours = [(x.wrapping_sub(1), y), (x + 1, y), (x, y.wrapping_sub(1)), (x, y + 1)];
    neighbours.into_iter().filter_map(|(x, y)| labels.get(x, y)).any(|it| Some(it) != label)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two bytes")]
fn mix(grey: u8, colour: u8, opacity: f64) -> u8 {
    (f64::from(grey) * (1.0 - opacity) + f64::from(colour) * opacity).round() as u8
}

const TILES_PER_ROW: usize = 4;
const MAX_TILES: usize = 16;
const TILE_GAP: usize = 4;
const LONGEST_SIDE: usize = 256;

/// A montage of up to 16 slices with the mask over them, as a PNG.
///
/// Slices run along the axis with the widest spacing (as they were acquired), evenly over those that
/// the mask reaches and one beyond each end, or over all where it is empty. Pixels are made square.
///
/// # Errors
/// If the labelmap lies on another grid.
pub fn contact_sheet(volume: &Volume, labelmap: &Labelmap) -> Result<Vec<u8>, RenderError> {
    check_shape(volume, labelmap)?;
    let spacing = volume.grid.spacing_mm();
    let axis = [2, 1, 0].into_iter().reduce(|a, b| if spacing[b] > spacing[a] { b } else { a });
    let map = DisplayMap::new(&volume.grid, axis.unwrap_or(2));
    let window = Window::suggest(volume);
    let indices = sheet_slices(labelmap, map.axis);
    let tile = tile_size(&map);
    let columns = TILES_PER_ROW.min(indices.len());
    let rows = indices.len().div_ceil(columns.max(1));
    let side = |n: usize, length: usize| (n * (length + TILE_GAP)).saturating_sub(TILE_GAP).max(1);
    let size = [side(columns, tile[0]), side(rows, tile[1])];
    let mut sheet = vec![[0_u8; 3]; size[0] * size[1]];
    for (place, &index) in indices.iter().enumerate() {
        let greys = resized(&shown_greys(volume, &map, index, window), tile);
        let labels = resized(&map.show(&labelmap.slice(map.axis, index)), tile);
        let colours = blend(&greys, &labels, &Palette::default());
        let left = place % columns * (tile[0] + TILE_GAP);
        let top = place / columns * (tile[1] + TILE_GAP);
        for (y, row) in colours.chunks_exact(tile[0]).enumerate() {
            let start = (top + y) * size[0] + left;
            sheet[start..start + tile[0]].copy_from_slice(row);
        }
    }
    Ok(encode(sheet.as_flattened(), size, png::ColorType::Rgb))
}

fn sheet_slices(labelmap: &Labelmap, axis: usize) -> Vec<usize> {
    let [ni, nj, _] = labelmap.shape;
    let stride = [1, ni, ni * nj][axis];
    let mut is_reached = vec![false; labelmap.shape[axis]];
    for (at, _) in labelmap.voxels.iter().enumerate().filter(|(_, label)| **label != 0) {
        is_reached[at / stride % labelmap.shape[axis]] = true;
    }
    let last = is_reached.len() - 1;
    let first_reached = is_reached.iter().position(|it| *it).unwrap_or(0).saturating_sub(1);
    let last_reached = is_reached.iter().rposition(|it| *it).map_or(last, |it| (it + 1).min(last));
    let n = last_reached - first_reached + 1;
    let n_tiles = n.min(MAX_TILES);
    (0..n_tiles)
        .map(|it| first_reached + if n_tiles > 1 { it * (n - 1) / (n_tiles - 1) } else { 0 })
        .collect()
}

/// An axial slice as a small PNG for lists, with square pixels: the one where the labels cover most,
/// or the middle one where there are none.
///
/// # Errors
/// If the labelmap lies on another grid.
pub fn thumbnail_png(
    volume: &Volume,
    overlay: Option<Overlay<'_>>,
) -> Result<Vec<u8>, RenderError> {
    let map = DisplayMap::of_plane(&volume.grid, Plane::Axial);
    let window = Window::suggest(volume);
    let size = tile_size(&map);
    let greys = |index| resized(&shown_greys(volume, &map, index, window), size);
    let middle = volume.grid.shape[map.axis] / 2;
    let Some(Overlay { labelmap, palette }) = overlay else {
        return Ok(encode(&greys(middle).pixels, size, png::ColorType::Grayscale));
    };
    check_shape(volume, labelmap)?;
    let index = fullest_slice(labelmap, map.axis).unwrap_or(middle);
    let labels = resized(&map.show(&labelmap.slice(map.axis, index)), size);
    let colours = blend(&greys(index), &labels, palette);
    Ok(encode(colours.as_flattened(), size, png::ColorType::Rgb))
}

/// The first of the slices along an axis that hold most voxels of any label.
fn fullest_slice(labelmap: &Labelmap, axis: usize) -> Option<usize> {
    let mut counts = vec![0; labelmap.shape[axis]];
    for (label, bounds) in labelmap.bounding_boxes() {
        let part = labelmap.crop(&bounds);
        for (sum, n) in counts[bounds[axis].clone()].iter_mut().zip(part.slice_counts(axis, label))
        {
            *sum += n;
        }
    }
    let most = *counts.iter().max()?;
    counts.iter().position(|it| *it == most && most > 0)
}

/// Size of a tile with square pixels, its longest side at most `LONGEST_SIDE`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most LONGEST_SIDE")]
fn tile_size(map: &DisplayMap) -> [usize; 2] {
    let size = map.size();
    let mm: [f64; 2] = std::array::from_fn(|it| size[it] as f64 * map.spacing_mm[it]);
    let longest_mm = mm[0].max(mm[1]);
    let scale =
        (LONGEST_SIDE as f64 / longest_mm).min(1.0 / map.spacing_mm[0].min(map.spacing_mm[1]));
    mm.map(|it| ((it * scale).round() as usize).max(1))
}

/// The nearest pixels of a slice in another size.
fn resized(slice: &Slice<u8>, [width, height]: [usize; 2]) -> Slice<u8> {
    let pixels = (0..height)
        .flat_map(|y| {
            let row = (2 * y + 1) * slice.height / (2 * height) * slice.width;
            (0..width).map(move |x| slice.pixels[row + (2 * x + 1) * slice.width / (2 * width)])
        })
        .collect();
    Slice { width, height, pixels }
}

/// # Panics
/// Never for slices of a grid: their sides fit 32 bits, and memory takes every write.
fn encode(pixels: &[u8], [width, height]: [usize; 2], colour: png::ColorType) -> Vec<u8> {
    let side = |length: usize| u32::try_from(length).expect("a picture's side fits 32 bits");
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side(width), side(height));
    encoder.set_color(colour);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    encoder
        .write_header()
        .and_then(|mut writer| {
            writer.write_image_data(pixels)?;
            writer.finish()
        })
        .expect("a picture in memory takes every write");
    bytes
}

#[cfg(test)]
mod tests {
    use super::{Overlay, RenderError, contact_sheet, slice_png, thumbnail_png};
    use crate::{
        Labelmap, Paint, Palette,
        display::{DisplayMap, Plane},
        phantom::{PhantomOptions, phantom},
        window::Window,
    };

    fn decode(bytes: &[u8]) -> (png::OutputInfo, Vec<u8>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        (info, pixels)
    }

    #[test]
    fn a_picture_is_the_same_in_every_storage_order() {
        let original = phantom(&PhantomOptions::ct([24, 20, 12]));
        let window = Window::preset("abdomen").unwrap();
        let axial = |codes: &str| {
            let volume = original.volume.reoriented(codes.parse().unwrap());
            let map = DisplayMap::of_plane(&volume.grid, Plane::Axial);
            let head_up = if map.is_rising { 4 } else { 7 };
            decode(&slice_png(&volume, None, map.axis, head_up, window).unwrap()).1
        };
        let upright = axial("LPS");
        assert_eq!(axial("RAI"), upright);
        assert_eq!(axial("SPR"), upright);
        assert_eq!(axial("AIL"), upright);
    }

    #[test]
    fn the_mask_is_red_with_a_full_outline() {
        let volume = phantom(&PhantomOptions::ct([20, 20, 4])).volume;
        let mut mask = Labelmap::new([20, 20, 4]);
        for y in 5..10 {
            let start = mask.index([5, y, 1]);
            mask.voxels[start..start + 5].fill(1);
        }
        let black = Window { low: 5000.0, high: 6000.0 };
        let palette = Palette::default();
        let overlay = Overlay { labelmap: &mask, palette: &palette };
        let (info, pixels) = decode(&slice_png(&volume, Some(overlay), 2, 1, black).unwrap());
        assert_eq!((info.width, info.height, info.color_type), (20, 20, png::ColorType::Rgb));
        // Stored along LPS: shown as it is stored.
        let at = |x: usize, y: usize| &pixels[3 * (20 * y + x)..][..3];
        assert_eq!(at(4, 5), [0, 0, 0]);
        assert_eq!(at(5, 5), [255, 45, 45]);
        assert_eq!(at(7, 7), [102, 18, 18]);
    }

    #[test]
    fn labels_are_painted_as_the_palette_says() {
        let volume = phantom(&PhantomOptions::ct([20, 20, 4])).volume;
        let mut mask = Labelmap::new([20, 20, 4]);
        for (label, y) in [(1, 2), (2, 8), (3, 14)] {
            let start = mask.index([5, y, 1]);
            mask.voxels[start..start + 5].fill(label);
        }
        let mut palette = Palette::default();
        let half = Paint { colour: [0, 100, 200], opacity: 0.5, has_outline: false };
        palette.set(1, Some(half));
        palette.set(2, None);
        let overlay = Overlay { labelmap: &mask, palette: &palette };
        let black = Window { low: 5000.0, high: 6000.0 };
        let (_, pixels) = decode(&slice_png(&volume, Some(overlay), 2, 1, black).unwrap());
        let at = |y: usize| &pixels[3 * (20 * y + 7)..][..3];
        assert_eq!([at(2), at(8), at(14)], [[0, 50, 100], [0, 0, 0], [80, 140, 255]]);
    }

    #[test]
    fn a_thumbnail_shows_the_slice_that_is_covered_most() {
        let volume = phantom(&PhantomOptions::ct([32, 32, 8])).volume;
        let palette = Palette::default();
        let mut mask = Labelmap::new([32, 32, 8]);
        for (k, n) in [(1, 20), (6, 25)] {
            let start = mask.index([4, 10, k]);
            mask.voxels[start..start + n].fill(1);
        }
        let overlay = Overlay { labelmap: &mask, palette: &palette };
        let shown = thumbnail_png(&volume, Some(overlay)).unwrap();
        let window = Window::suggest(&volume);
        assert_eq!(
            decode(&shown).1,
            decode(&slice_png(&volume, Some(overlay), 2, 6, window).unwrap()).1
        );
    }

    #[test]
    fn what_is_not_there_gives_no_picture() {
        let shape = [20, 20, 4];
        let volume = phantom(&PhantomOptions::ct(shape)).volume;
        let window = Window::suggest(&volume);
        for (axis, index) in [(2, 4), (3, 0)] {
            let expected = RenderError::Slice { axis, index, shape };
            assert_eq!(slice_png(&volume, None, axis, index, window), Err(expected));
        }
        let mask = Labelmap::new([20, 20, 5]);
        let expected = RenderError::Shape { mask: mask.shape, volume: shape };
        assert_eq!(contact_sheet(&volume, &mask), Err(expected));
    }

    #[test]
    fn a_thumbnail_has_square_pixels() {
        let volume = phantom(&PhantomOptions::ct([64, 32, 8])).volume;
        let turned = volume.reoriented("SAR".parse().unwrap());
        let (info, _) = decode(&thumbnail_png(&turned, None).unwrap());
        assert_eq!((info.width, info.height), (64, 64));
    }

    #[test]
    fn a_contact_sheet_shows_the_masked_slices() {
        let phantom = phantom(&PhantomOptions::ct([32, 32, 8]));
        let mut mask = Labelmap::new([32, 32, 8]);
        let middle = mask.index([16, 16, 4]);
        mask.voxels[middle] = 1;
        let (info, _) = decode(&contact_sheet(&phantom.volume, &mask).unwrap());
        assert_eq!((info.width, info.height), (3 * 32 + 2 * 4, 32));
        let (info, _) =
            decode(&contact_sheet(&phantom.volume, &Labelmap::new([32, 32, 8])).unwrap());
        assert_eq!((info.width, info.height), (4 * 32 + 3 * 4, 2 * 32 + 4));
    }
}
