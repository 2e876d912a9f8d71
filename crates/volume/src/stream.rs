//! Bytes from a file, decompressed on the way, straight into the voxel vector.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

use crate::{
    ReadError, VoxelType, Voxels,
    voxels::{Voxel, with_voxel_type},
};

/// Deflate cannot expand further than this; a file that promises more is lying.
const MAX_EXPANSION: u64 = 1032;
const CHUNK_BYTES: usize = 1 << 20;
/// First allocation; it doubles from here, so that a short file never claims a large vector.
const FIRST_BYTES: usize = 64 << 20;

/// A stream whose length is known at least roughly.
pub(crate) struct Stream<'a> {
    pub(crate) reader: Box<dyn BufRead + 'a>,
    /// Bytes that the stream can hold at most.
    pub(crate) max_len: u64,
    /// Whether it comes out of a decoder.
    pub(crate) is_compressed: bool,
}

impl<'a> Stream<'a> {
    /// A stream of `len` bytes, behind a gzip decoder where it begins like one.
    pub(crate) fn open(mut reader: impl BufRead + 'a, len: u64) -> Result<Self, ReadError> {
        let is_gzip = reader.fill_buf().map_err(ReadError::Io)?.starts_with(&[0x1f, 0x8b]);
        let plain = Self { reader: Box::new(reader), max_len: len, is_compressed: false };
        Ok(if is_gzip { plain.gunzip() } else { plain })
    }

    /// The stream decompressed.
    pub(crate) fn gunzip(self) -> Self {
        let members = Members { member: Some(GzDecoder::new(self.reader)) };
        Self {
            reader: Box::new(io::BufReader::with_capacity(1 << 16, members)),
            max_len: self.max_len.saturating_mul(MAX_EXPANSION),
            is_compressed: true,
        }
    }

    /// Reads up to `n` bytes; fewer only at the end of the stream.
    pub(crate) fn read_up_to(&mut self, n: usize) -> Result<Vec<u8>, ReadError> {
        let mut bytes = Vec::new();
        let limit = u64::try_from(n).unwrap_or(u64::MAX);
        self.reader.by_ref().take(limit).read_to_end(&mut bytes).map_err(damage)?;
        Ok(bytes)
    }

    /// Skips `n` bytes.
    pub(crate) fn skip(&mut self, n: u64, field: &'static str) -> Result<(), ReadError> {
        let skipped = io::copy(&mut self.reader.by_ref().take(n), &mut io::sink());
        match skipped.map_err(damage)? {
            found if found < n => Err(ReadError::Truncated { field, expected: n, found }),
            _ => Ok(()),
        }
    }

    /// After the frame: lets the decoder compare its checksum. Behind the last frame, of which
    /// `shape` speaks, nothing may follow.
    pub(crate) fn finish(mut self, shape: Option<&'static str>) -> Result<(), ReadError> {
        let rest = self.reader.fill_buf().map_err(damage)?;
        match shape {
            Some(field) if !rest.is_empty() => Err(ReadError::Trailing { field }),
            Some(_) | None => Ok(()),
        }
    }
}

pub(crate) fn damage(error: io::Error) -> ReadError {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        ReadError::Damaged(error)
    } else {
        ReadError::from_io(error)
    }
}

/// All members of a gzip file one after the other (as `bgzip` writes them). Zeros behind the last
/// are padding, as for `gzip` itself; anything else is damage.
struct Members<R> {
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let n = member.read(buffer)?;
            if n > 0 || buffer.is_empty() {
                return Ok(n);
            }
            let Some(done) = self.member.take() else {
                break;
            };
            let mut rest = done.into_inner();
            if matches!(rest.fill_buf()?, [0x1f, ..]) {
                self.member = Some(GzDecoder::new(rest));
            } else {
                only_zeros(&mut rest)?;
            }
        }
        Ok(0)
    }
}

fn only_zeros(rest: &mut impl BufRead) -> io::Result<()> {
    loop {
        let part = rest.fill_buf()?;
        if part.is_empty() {
            return Ok(());
        }
        if part.iter().any(|it| *it != 0) {
            let text = "bytes that are no gzip lie behind the compressed data";
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        let n = part.len();
        rest.consume(n);
    }
}

/// How the voxels lie in the stream.
pub(crate) struct Layout {
    pub(crate) voxel_type: VoxelType,
    pub(crate) n_voxels: usize,
    pub(crate) is_swapped: bool,
    /// Values stored for each voxel, one after the other (1 for planar files).
    pub(crate) n_components: usize,
    /// Which of them is read.
    pub(crate) component: usize,
}

/// Reads the voxels from where the stream stands.
pub(crate) fn read_voxels(stream: &mut Stream<'_>, layout: &Layout) -> Result<Voxels, ReadError> {
    with_voxel_type!(layout.voxel_type, T => {
        let voxels = if layout.n_components == 1 {
            read_planar::<T>(stream, layout)?
        } else {
            read_interleaved::<T>(stream, layout)?
        };
        Ok(T::wrap(voxels))
    })
}

fn read_planar<T: Voxel>(stream: &mut Stream<'_>, layout: &Layout) -> Result<Vec<T>, ReadError> {
    let mut voxels = Vec::new();
    while voxels.len() < layout.n_voxels {
        let start = voxels.len();
        let n = (CHUNK_BYTES / size_of::<T>()).min(layout.n_voxels - start);
        reserve(&mut voxels, n, layout.n_voxels)?;
        voxels.resize(start + n, T::zeroed());
        fill(stream, &mut voxels[start..], start, layout)?;
    }
    Ok(voxels)
}

fn read_interleaved<T: Voxel>(
    stream: &mut Stream<'_>,
    layout: &Layout,
) -> Result<Vec<T>, ReadError> {
    let mut voxels = Vec::new();
    visit_parts(stream, layout, |part: &[T]| {
        reserve(&mut voxels, part.len(), layout.n_voxels)?;
        voxels.extend_from_slice(part);
        Ok(())
    })?;
    Ok(voxels)
}

/// Calls `visit` with the voxels part by part, in order, without ever holding them all.
pub(crate) fn visit_parts<T: Voxel>(
    stream: &mut Stream<'_>,
    layout: &Layout,
    mut visit: impl FnMut(&[T]) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let n_at_once = (CHUNK_BYTES / size_of::<T>() / layout.n_components).max(1);
    let mut chunk = vec![T::zeroed(); n_at_once.min(layout.n_voxels) * layout.n_components];
    let mut component = Vec::new();
    let mut n_done = 0;
    while n_done < layout.n_voxels {
        let n = n_at_once.min(layout.n_voxels - n_done);
        let part = &mut chunk[..n * layout.n_components];
        fill(stream, part, n_done * layout.n_components, layout)?;
        if layout.n_components == 1 {
            visit(part)?;
        } else {
            component.clear();
            component.extend(part.iter().skip(layout.component).step_by(layout.n_components));
            visit(&component)?;
        }
        n_done += n;
    }
    Ok(())
}

/// Makes room for `n` more of `total` values; grows by doubling, but never past the total.
fn reserve<T>(voxels: &mut Vec<T>, n: usize, total: usize) -> Result<(), ReadError> {
    if voxels.capacity() - voxels.len() >= n {
        return Ok(());
    }
    let more = (FIRST_BYTES / size_of::<T>()).max(voxels.len()).max(n).min(total - voxels.len());
    voxels
        .try_reserve_exact(more)
        .map_err(|_full| ReadError::Memory { needed: bytes_of::<T>(total) })
}

/// Fills `values` (of which `start` came before) and turns them to the machine's byte order.
fn fill<T: Voxel>(
    stream: &mut Stream<'_>,
    values: &mut [T],
    start: usize,
    layout: &Layout,
) -> Result<(), ReadError> {
    let bytes: &mut [u8] = bytemuck::cast_slice_mut(values);
    let mut filled = 0;
    while filled < bytes.len() {
        match stream.reader.read(&mut bytes[filled..]) {
            Ok(n) if n > 0 => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                return Err(damage(error));
            }
            Ok(_) | Err(_) => {
                return Err(ReadError::Truncated {
                    field: "voxels",
                    expected: bytes_of::<T>(layout.n_voxels * layout.n_components),
                    found: bytes_of::<T>(start) + u64::try_from(filled).unwrap_or(u64::MAX),
                });
            }
        }
    }
    if layout.is_swapped {
        values.iter_mut().for_each(|it| *it = it.swapped());
    }
    Ok(())
}

fn bytes_of<T>(n: usize) -> u64 {
    u64::try_from(n.saturating_mul(size_of::<T>())).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::Stream;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn gzip_members_are_joined_and_only_zeros_are_padding() {
        let mut file = gzip(b"first ");
        file.extend(gzip(b"second"));
        for (padding, is_padding) in
            [(b"".as_slice(), true), (&[0; 40], true), (b"no member", false)]
        {
            let file = [file.as_slice(), padding].concat();
            let read = Stream::open(file.as_slice(), 0).unwrap().read_up_to(100);
            assert_eq!(read.ok().as_deref() == Some(b"first second"), is_padding, "{padding:?}");
        }
    }

    #[test]
    fn a_wrong_checksum_is_damage() {
        let mut file = gzip(&[7; 1000]);
        let crc = file.len() - 8;
        file[crc] ^= 1;
        let error = Stream::open(file.as_slice(), 0).unwrap().read_up_to(2000).unwrap_err();
        assert_eq!(error.to_string(), "the compressed data are damaged");
    }
}
