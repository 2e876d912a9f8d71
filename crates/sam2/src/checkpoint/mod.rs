//! Checkpoints as `torch.save` writes them: a zip of a pickle and one entry per storage.
//!
//! Opening reads the directory and the pickle and checks that every tensor lies inside its entry;
//! numbers are read when the network asks for them, straight into the vector that becomes the tensor.
//! Nothing of the file is executed. Checksums are left to whoever fetched the file: the SHA-256 of
//! the whole says more than a zip's CRC, which `torch.save` may leave out.

mod archive;
mod globals;
mod input;
mod pickle;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use archive::Entry;
use pickle::{Element, TensorRecord};

/// Longest pickle that is read, in bytes; that of the published network has 80 kB.
const MAX_PICKLE: u64 = 1 << 20;

/// Why a checkpoint cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file could not be opened or read.
    #[error("cannot read the checkpoint: {0}")]
    Io(#[from] io::Error),
    /// No zip: another format, or a download that was cut short.
    #[error(
        "this is no checkpoint of torch.save's zip format, or its end is missing; fetch it again"
    )]
    NotAnArchive,
    /// The archive contradicts itself.
    #[error("the checkpoint is damaged: {0}; fetch it again")]
    Damaged(String),
    /// Legal, but nothing that holds this network's weights.
    #[error("the checkpoint cannot be used: {0}")]
    Unsupported(String),
    /// The pickle holds something else than named tensors.
    #[error("the checkpoint's list of tensors is refused at byte {at}: {what}")]
    Pickle {
        /// Bytes read so far.
        at: usize,
        /// What stands there.
        what: String,
    },
}

/// A tensor that lies in the file.
#[derive(Clone, Debug)]
struct Stored {
    element: Element,
    /// First byte of the tensor's first number.
    start: u64,
    shape: Vec<usize>,
    strides: Vec<usize>,
    /// Elements from the first to the last, both included.
    extent: usize,
}

/// An open checkpoint: the names, shapes and places of its tensors.
#[derive(Debug)]
pub struct Checkpoint<R> {
    file: R,
    tensors: BTreeMap<String, Stored>,
}

impl Checkpoint<File> {
    /// Opens a checkpoint and checks where its tensors lie.
    ///
    /// # Errors
    /// See [`CheckpointError`].
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        Self::new(File::open(path)?)
    }
}

impl<R: Read + Seek> Checkpoint<R> {
    /// As [`Checkpoint::open`], for anything that can be read at any place.
    ///
    /// # Errors
    /// See [`CheckpointError`].
    pub fn new(mut file: R) -> Result<Self, CheckpointError> {
        let entries = archive::entries(&mut file)?;
        let (folder, pickle) = pickle_entry(&entries)?;
        check_byte_order(&mut file, &entries, folder)?;
        if pickle.bytes > MAX_PICKLE {
            return Err(CheckpointError::Unsupported(format!(
                "its list of tensors has {} bytes, more than any network's",
                pickle.bytes
            )));
        }
        let pickle = archive::read_at(&mut file, pickle.start, pickle.bytes)?;
        let tensors = pickle::state_dict(&pickle)?
            .into_iter()
            .map(|(name, record)| {
                let entry = entries.get(&format!("{folder}data/{}", record.storage));
                let stored = stored(&name, &record, entry)?;
                Ok((name, stored))
            })
            .collect::<Result<_, CheckpointError>>()?;
        Ok(Self { file, tensors })
    }

    /// The tensors' names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// A tensor's shape, if the checkpoint has it.
    #[must_use]
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|it| it.shape.as_slice())
    }

    /// Reads a tensor's numbers, last axis fastest; `None` if the checkpoint has no such tensor.
    ///
    /// # Errors
    /// If the file cannot be read any more or the tensor holds no floating-point numbers.
    pub fn read(&mut self, name: &str) -> Result<Option<Vec<f32>>, CheckpointError> {
        let Some(stored) = self.tensors.get(name) else { return Ok(None) };
        self.file.seek(SeekFrom::Start(stored.start))?;
        let numbers = match stored.element {
            Element::F32 => read_f32(&mut self.file, stored.extent)?,
            Element::F16 => {
                read_narrow(&mut self.file, stored.extent, |it| half::f16::from_bits(it).to_f32())?
            }
            Element::Bf16 => {
                read_narrow(&mut self.file, stored.extent, |it| half::bf16::from_bits(it).to_f32())?
            }
            Element::F64 => read_f64(&mut self.file, stored.extent)?,
            Element::Other => {
                return Err(CheckpointError::Unsupported(format!(
                    "{name} holds whole numbers; weights are floating-point numbers"
                )));
            }
        };
        Ok(Some(in_row_order(numbers, &stored.shape, &stored.strides)))
    }
}

/// Finds `FOLDER/data.pkl`; returns `FOLDER/` too, which is named after the file that was saved.
fn pickle_entry(entries: &BTreeMap<String, Entry>) -> Result<(&str, Entry), CheckpointError> {
    let mut found = entries.iter().filter_map(|(name, entry)| {
        let folder = name.strip_suffix("data.pkl")?;
        (folder.matches('/').count() == 1 && folder.ends_with('/')).then_some((folder, *entry))
    });
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(CheckpointError::Unsupported("it holds no list of tensors (data.pkl)".to_owned())),
    }
}

fn check_byte_order(
    file: &mut (impl Read + Seek),
    entries: &BTreeMap<String, Entry>,
    folder: &str,
) -> Result<(), CheckpointError> {
    let Some(entry) = entries.get(&format!("{folder}byteorder")) else { return Ok(()) };
    if entry.bytes == 6 && archive::read_at(file, entry.start, 6)? == b"little" {
        return Ok(());
    }
    Err(CheckpointError::Unsupported("its numbers are not little-endian".to_owned()))
}

/// Checks a record against the entry that holds its storage.
fn stored(
    name: &str,
    record: &TensorRecord,
    entry: Option<&Entry>,
) -> Result<Stored, CheckpointError> {
    let damaged = |what: &str| CheckpointError::Damaged(format!("{name} {what}"));
    let entry = entry.ok_or_else(|| damaged("has no numbers"))?;
    let element_bytes = match record.element {
        Element::F64 => 8,
        Element::F32 => 4,
        Element::F16 | Element::Bf16 => 2,
        Element::Other => 1,
    };
    let available = entry.bytes / element_bytes;
    let outside = || damaged("lies outside its storage");
    let count = product(&record.shape).filter(|it| *it <= available).ok_or_else(outside)?;
    let extent = if count == 0 { Some(0) } else { extent(&record.shape, &record.strides) };
    let extent = extent
        .filter(|it| record.offset.checked_add(*it).is_some_and(|end| end <= available))
        .ok_or_else(outside)?;
    let sizes = |numbers: &[u64]| -> Option<Vec<usize>> {
        numbers.iter().map(|it| usize::try_from(*it).ok()).collect()
    };
    Ok(Stored {
        element: record.element,
        start: entry.start + record.offset * element_bytes,
        shape: sizes(&record.shape).ok_or_else(outside)?,
        strides: sizes(&record.strides).ok_or_else(outside)?,
        extent: usize::try_from(extent).map_err(|_too_long| outside())?,
    })
}

fn product(shape: &[u64]) -> Option<u64> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().try_fold(1_u64, |count, it| count.checked_mul(*it))
}

/// Elements from the first to the last of a tensor that has some.
fn extent(shape: &[u64], strides: &[u64]) -> Option<u64> {
    shape.iter().zip(strides).try_fold(1_u64, |extent, (length, stride)| {
        extent.checked_add((length - 1).checked_mul(*stride)?)
    })
}

fn read_f32(file: &mut impl Read, count: usize) -> io::Result<Vec<f32>> {
    let mut numbers = vec![0_f32; count];
    file.read_exact(bytemuck::cast_slice_mut(&mut numbers))?;
    for number in &mut numbers {
        *number = f32::from_bits(u32::from_le(number.to_bits()));
    }
    Ok(numbers)
}

fn read_narrow(
    file: &mut impl Read,
    count: usize,
    widen: impl Fn(u16) -> f32,
) -> io::Result<Vec<f32>> {
    let mut bits = vec![0_u16; count];
    file.read_exact(bytemuck::cast_slice_mut(&mut bits))?;
    Ok(bits.into_iter().map(|it| widen(u16::from_le(it))).collect())
}

#[expect(clippy::cast_possible_truncation, reason = "the network computes with f32")]
fn read_f64(file: &mut impl Read, count: usize) -> io::Result<Vec<f32>> {
    let mut bits = vec![0_u64; count];
    file.read_exact(bytemuck::cast_slice_mut(&mut bits))?;
    Ok(bits.into_iter().map(|it| f64::from_bits(u64::from_le(it)) as f32).collect())
}

/// Puts numbers that were stored with strides into row order; most are already.
fn in_row_order(numbers: Vec<f32>, shape: &[usize], strides: &[usize]) -> Vec<f32> {
    // One axis without length, and the others may have any: there is nothing to count.
    if numbers.is_empty() {
        return numbers;
    }
    let mut expected = 1;
    let mut is_ordered = true;
    for (length, stride) in shape.iter().zip(strides).rev() {
        is_ordered &= *length == 1 || *stride == expected;
        expected *= length;
    }
    if is_ordered {
        return numbers;
    }
    let mut ordered = Vec::with_capacity(expected);
    let mut index = vec![0; shape.len()];
    for _ in 0..expected {
        let at: usize = index.iter().zip(strides).map(|(i, stride)| i * stride).sum();
        ordered.push(numbers[at]);
        for (axis, i) in index.iter_mut().enumerate().rev() {
            *i += 1;
            if *i < shape[axis] {
                break;
            }
            *i = 0;
        }
    }
    ordered
}
