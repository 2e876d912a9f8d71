//! Any bytes as a checkpoint: as the zip itself, as the list of tensors in a sound zip, or as tensors
//! that lie where the input says.
//!
//! Memory follows the file and not what it declares, an error is short, and what is read of a sound
//! file are its numbers.

use std::{
    collections::BTreeMap,
    io::{Cursor, Write},
    sync::LazyLock,
};

use arbitrary::{Arbitrary, Unstructured};
use sam2::{
    Config, Device, LoadError, Precision, Sam2,
    checkpoint::{Checkpoint, CheckpointError},
};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// The small network of the fixtures.
pub(crate) const MICRO: &str = include_str!("../../../fixtures/medsam2-micro/config.yaml");

static DIMENSIONS: LazyLock<Config> = LazyLock::new(|| Config::from_yaml(MICRO).unwrap());

/// Loading asks for some hundred tensors, which takes as long as many lists of tensors.
const LOADED: u8 = 4;

/// The first byte says what the others are.
pub fn check(input: &[u8]) {
    let Some((&mode, bytes)) = input.split_first() else {
        return;
    };
    match mode & 3 {
        0 => check_file(bytes),
        1 => {
            let file = archive(bytes, &[pattern(64, 1), pattern(6, 2)]);
            check_file(&file);
            if mode & LOADED != 0 {
                check_load(file);
            }
        }
        _ => {
            if let Ok(saved) = Saved::arbitrary(&mut Unstructured::new(bytes)) {
                saved.check();
            }
        }
    }
}

/// Opens a file and reads all that it names.
fn check_file(file: &[u8]) {
    let mut checkpoint = match Checkpoint::new(Cursor::new(file)) {
        Ok(it) => it,
        Err(error) => return check_error(&error),
    };
    let names: Vec<String> = checkpoint.names().map(str::to_owned).collect();
    for name in names {
        let shape = checkpoint.shape(&name).unwrap().to_vec();
        match checkpoint.read(&name) {
            Ok(numbers) => {
                let n_numbers = numbers.expect("it is among the names").len();
                let is_empty = shape.contains(&0);
                assert_eq!(n_numbers, if is_empty { 0 } else { shape.iter().product() });
                assert!(2 * n_numbers <= file.len(), "numbers that the file does not hold");
            }
            Err(error) => check_error(&error),
        }
    }
}

/// No made-up checkpoint holds a network: what is wrong is said of all tensors at once.
fn check_load(file: Vec<u8>) {
    let Ok(checkpoint) = Checkpoint::new(Cursor::new(file)) else { return };
    let n_names = checkpoint.names().count();
    let outcome = Sam2::from_checkpoint(checkpoint, &DIMENSIONS, &Device::Cpu, Precision::F32);
    match outcome.expect_err("the list is too short to name every weight") {
        LoadError::Mismatch(it) => {
            let wrong = it.unused.len() + it.misshapen.len();
            assert!(!it.missing.is_empty() && wrong <= n_names);
        }
        // Whole numbers where weights should be.
        LoadError::Build(error) => assert!((1..1000).contains(&error.to_string().len())),
        LoadError::Checkpoint(error) => check_error(&error),
    }
}

pub(crate) fn check_error(error: &CheckpointError) {
    let said = error.to_string();
    assert!((1..2000).contains(&said.len()), "{said}");
}

/// Some bytes, another run of them for every seed; no number among them is huge.
fn pattern(n_bytes: usize, seed: u8) -> Vec<u8> {
    (0..251).cycle().take(n_bytes).map(|it: u8| it ^ seed.wrapping_mul(37)).collect()
}

/// A tensor as it is to be saved.
#[derive(Debug, Clone)]
pub(crate) struct Tensor {
    pub(crate) name: String,
    /// The storage's type, as torch calls it.
    pub(crate) storage_type: &'static str,
    /// Index of the storage.
    pub(crate) storage: usize,
    pub(crate) offset: i64,
    pub(crate) shape: Vec<i64>,
    pub(crate) strides: Vec<i64>,
}

/// The zip that `torch.save` makes.
pub(crate) fn archive(pickle: &[u8], storages: &[Vec<u8>]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut put = |name: &str, content: &[u8]| {
        zip.start_file(name, stored).unwrap();
        zip.write_all(content).unwrap();
    };
    put("a/data.pkl", pickle);
    put("a/byteorder", b"little");
    for (n, content) in storages.iter().enumerate() {
        put(&format!("a/data/{n}"), content);
    }
    zip.finish().unwrap().into_inner()
}

/// The list of tensors, in the pickle protocol that `torch.save` uses.
pub(crate) fn pickle(tensors: &[Tensor]) -> Vec<u8> {
    let mut bytes = b"\x80\x02}X\x05\0\0\0modelccollections\nOrderedDict\n)R(".to_vec();
    for tensor in tensors {
        text(&mut bytes, &tensor.name);
        bytes.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        text(&mut bytes, "storage");
        bytes.extend(format!("ctorch\n{}\n", tensor.storage_type).bytes());
        text(&mut bytes, &tensor.storage.to_string());
        text(&mut bytes, "cpu");
        bytes.extend(b"K\x01tQ");
        int(&mut bytes, tensor.offset);
        for numbers in [&tensor.shape, &tensor.strides] {
            bytes.push(b'(');
            for number in numbers {
                int(&mut bytes, *number);
            }
            bytes.push(b't');
        }
        bytes.extend(b"\x89ccollections\nOrderedDict\n)RtR");
    }
    bytes.extend(b"us.");
    bytes
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.push(b'X');
    bytes.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
    bytes.extend(text.bytes());
}

fn int(bytes: &mut Vec<u8>, number: i64) {
    match i32::try_from(number) {
        Ok(it) => {
            bytes.push(b'J');
            bytes.extend(it.to_le_bytes());
        }
        Err(_) => {
            bytes.extend([0x8a, 8]);
            bytes.extend(number.to_le_bytes());
        }
    }
}

/// A sound checkpoint whose tensors may lie anywhere.
#[derive(Debug, Arbitrary)]
struct Saved {
    storage_bytes: [u8; 3],
    tensors: Vec<Wish>,
}

#[derive(Debug, Arbitrary)]
struct Wish {
    element: u8,
    storage: u8,
    offset: Number,
    shape: Vec<Number>,
    /// In row order where it says nothing.
    strides: Option<[Number; 4]>,
}

/// Mostly small.
#[derive(Debug, Clone, Copy, Arbitrary)]
enum Number {
    Small(u8),
    Any(i64),
}

impl Number {
    fn value(self) -> i64 {
        match self {
            Self::Small(it) => i64::from(it % 5),
            Self::Any(it) => it,
        }
    }
}

/// Types of storages and the bytes of a number.
const ELEMENTS: [(&str, usize); 5] = [
    ("FloatStorage", 4),
    ("DoubleStorage", 8),
    ("BFloat16Storage", 2),
    ("HalfStorage", 2),
    ("LongStorage", 1),
];

impl Wish {
    fn tensor(&self, n: usize) -> Tensor {
        let shape: Vec<i64> = self.shape.iter().take(4).map(|it| it.value()).collect();
        let strides = match self.strides {
            Some(it) => it[..shape.len()].iter().map(|it| it.value()).collect(),
            None => in_row_order(&shape),
        };
        Tensor {
            name: format!("w{n}"),
            storage_type: ELEMENTS[usize::from(self.element) % ELEMENTS.len()].0,
            storage: usize::from(self.storage % 3),
            offset: self.offset.value(),
            shape,
            strides,
        }
    }
}

/// The strides of numbers that lie one after the other.
pub(crate) fn in_row_order(shape: &[i64]) -> Vec<i64> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = shape[axis].wrapping_mul(strides[axis]);
    }
    strides
}

impl Saved {
    fn check(&self) {
        let storages: Vec<Vec<u8>> =
            (1..).zip(self.storage_bytes).map(|(seed, n)| pattern(n.into(), seed)).collect();
        let tensors: Vec<Tensor> =
            self.tensors.iter().take(6).enumerate().map(|(n, it)| it.tensor(n)).collect();
        let file = archive(&pickle(&tensors), &storages);
        check_file(&file);
        let expected: Option<BTreeMap<&str, Vec<f32>>> = tensors
            .iter()
            .map(|it| Some((it.name.as_str(), numbers(it, &storages[it.storage])?)))
            .collect();
        let Some(expected) = expected else {
            let refused = Checkpoint::new(Cursor::new(&file)).map(|_| ()).unwrap_err();
            let said = refused.to_string();
            assert!(
                said.contains("lies outside its storage") || said.contains("negative"),
                "{said}"
            );
            return;
        };
        let mut checkpoint = Checkpoint::new(Cursor::new(&file)).unwrap();
        assert!(checkpoint.names().eq(expected.keys().copied()));
        for tensor in tensors.iter().filter(|it| it.storage_type != "LongStorage") {
            let found = checkpoint.read(&tensor.name).unwrap().unwrap();
            let bits = |numbers: &[f32]| -> Vec<u32> {
                numbers.iter().map(|it| if it.is_nan() { 1 } else { it.to_bits() }).collect()
            };
            assert_eq!(bits(&found), bits(&expected[tensor.name.as_str()]), "{tensor:?}");
        }
    }
}

/// A tensor's numbers, one by one from their places; `None` where some lie outside, or where there
/// are more of them than the storage has.
fn numbers(tensor: &Tensor, storage: &[u8]) -> Option<Vec<f32>> {
    let size = ELEMENTS.iter().find(|it| it.0 == tensor.storage_type)?.1;
    let available = i128::try_from(storage.len() / size).ok()?;
    if tensor.offset < 0 || tensor.shape.iter().chain(&tensor.strides).any(|it| *it < 0) {
        return None;
    }
    let wide = |it: &i64| i128::from(*it);
    if tensor.shape.contains(&0) {
        return (wide(&tensor.offset) <= available).then(Vec::new);
    }
    let count = tensor.shape.iter().try_fold(1, |n: i128, it| n.checked_mul(wide(it)));
    if count.is_none_or(|it| it > available) {
        return None;
    }
    let mut places = vec![wide(&tensor.offset)];
    for (length, stride) in tensor.shape.iter().zip(&tensor.strides) {
        let steps = |place: i128| (0..wide(length)).map(move |n| place + n * wide(stride));
        places = places.into_iter().flat_map(steps).collect();
    }
    places
        .into_iter()
        .map(|place| {
            let at = usize::try_from(place).ok().filter(|_| place < available)? * size;
            Some(number(&storage[at..at + size], tensor.storage_type))
        })
        .collect()
}

#[expect(clippy::cast_possible_truncation, reason = "the network computes with f32")]
fn number(bytes: &[u8], storage_type: &str) -> f32 {
    let wide = bytes.iter().rev().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    match storage_type {
        "FloatStorage" => f32::from_bits(wide as u32),
        "DoubleStorage" => f64::from_bits(wide) as f32,
        "BFloat16Storage" => f32::from_bits((wide as u32) << 16),
        "HalfStorage" => half_number(wide as u16),
        _ => 0.0,
    }
}

/// A number of 16 bits by its definition: sign, five bits of exponent, ten of fraction.
fn half_number(bits: u16) -> f32 {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let fraction = f32::from(bits & 0x3ff) / 1024.0;
    match i32::from(bits >> 10 & 31) {
        0 => sign * fraction * 2_f32.powi(-14),
        31 if fraction == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        exponent => sign * (1.0 + fraction) * 2_f32.powi(exponent - 15),
    }
}
