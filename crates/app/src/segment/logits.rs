//! Logits of slices as a file of numpy's.

use std::io::{self, Write};

use engine::SliceLogits;
use npyz::WriterBuilder;

/// Writes logits of equally large slices as float32, `[slice][y][x]`.
///
/// # Errors
/// If they cannot be written.
pub(crate) fn write(slices: &[SliceLogits], out: &mut dyn Write) -> io::Result<()> {
    let [width, height] = slices.first().map_or([0; 2], |it| [it.logits.width, it.logits.height]);
    let shape = [slices.len(), height, width].map(|it| it as u64);
    let mut file =
        npyz::WriteOptions::new().default_dtype().shape(&shape).writer(out).begin_nd()?;
    file.extend(slices.iter().flat_map(|it| it.logits.pixels.iter().copied()))?;
    file.finish()
}
