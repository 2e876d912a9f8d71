//! Any text as the configuration of a network, and sound ones with some values changed.
//!
//! What is wrong is named by its key. A configuration that is accepted describes a network that can
//! be built, and that runs.

use std::io::Cursor;

use arbitrary::{Arbitrary, Unstructured};
use sam2::{
    Config, Device, LoadError, Mismatch, Origin, Point, PointLabel, Precision, Sam2,
    Tensor as Pixels, checkpoint::Checkpoint, config::ConfigError,
};
use serde_json::Value;

use super::checkpoint::{MICRO, Tensor, archive, check_error, in_row_order, pickle};

/// From here on a network is built, which takes as long as a hundred texts.
const BUILT: u8 = 0xe0;
/// From here on it also runs, which takes as long as thousands.
const RUN: u8 = 0xfe;

/// The first byte says what the others are, and what is done with a configuration that is sound.
pub fn check(input: &[u8]) {
    let Some((&mode, bytes)) = input.split_first() else {
        return;
    };
    let text = if mode & 1 == 0 {
        String::from_utf8(bytes.to_vec()).ok()
    } else {
        Changes::arbitrary(&mut Unstructured::new(bytes)).ok().map(|it| it.text())
    };
    let Some(text) = text else { return };
    match Config::from_yaml(&text) {
        Ok(config) if is_small(&config) && mode >= BUILT && is_chosen(&text, 16) => {
            check_network(&config, mode >= RUN && is_chosen(&text, 128));
        }
        Ok(_) => {}
        Err(ConfigError::Key { key, .. }) if key.is_empty() => panic!("no key is named"),
        Err(error) => assert!((1..1000).contains(&error.to_string().len()), "{error}"),
    }
}

/// Whether a text is one of so many; every one where the seeds are replayed by a test.
fn is_chosen(text: &str, one_in: u64) -> bool {
    let sum = text.bytes().fold(0_u64, |sum, it| sum.wrapping_mul(31).wrapping_add(it.into()));
    cfg!(test) || sum.is_multiple_of(one_in)
}

/// A published network with some values changed.
#[derive(Debug, Arbitrary)]
struct Changes {
    changes: Vec<Change>,
}

#[derive(Debug, Arbitrary)]
struct Change {
    place: u16,
    what: What,
}

#[derive(Debug, Arbitrary)]
enum What {
    Number(u8),
    Times(u8),
    Any(i64),
    Real(f64),
    Flag(bool),
    Text(String),
    Null,
    Removed,
    Renamed,
    Longer,
}

impl Changes {
    fn text(&self) -> String {
        let mut tree = sound();
        for change in self.changes.iter().take(6) {
            let places = places(&tree);
            let place = &places[usize::from(change.place) % places.len()];
            change.what.apply(&mut tree, place);
        }
        tree.to_string()
    }
}

/// The fixture's configuration for slices of 64×64, which take a sixth of the time.
fn sound() -> Value {
    let mut tree: Value = serde_saphyr::from_str(MICRO).unwrap();
    tree["model"]["image_size"] = 64.into();
    tree
}

/// A pointer to every value of a tree.
fn places(tree: &Value) -> Vec<String> {
    fn walk(value: &Value, place: &str, found: &mut Vec<String>) {
        found.push(place.to_owned());
        match value {
            Value::Object(it) => {
                it.iter().for_each(|(key, it)| walk(it, &format!("{place}/{key}"), found));
            }
            Value::Array(it) => {
                it.iter().enumerate().for_each(|(n, it)| walk(it, &format!("{place}/{n}"), found));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut found = Vec::new();
    walk(tree, "", &mut found);
    found
}

impl What {
    fn apply(&self, tree: &mut Value, place: &str) {
        let (parent, key) = place.rsplit_once('/').unwrap_or_default();
        let changed = match self {
            Self::Removed | Self::Renamed => {
                if let Some(Value::Object(it)) = tree.pointer_mut(parent)
                    && let Some(value) = it.remove(key)
                    && matches!(self, Self::Renamed)
                {
                    it.insert(format!("{key}_"), value);
                }
                return;
            }
            Self::Longer => {
                if let Some(Value::Array(it)) = tree.pointer_mut(place) {
                    it.extend(it.first().cloned());
                }
                return;
            }
            Self::Times(n) => {
                let before = tree.pointer(place).and_then(Value::as_u64);
                before.map(|it| it.saturating_mul((n % 9).into()).into())
            }
            Self::Number(n) => Some(Value::from(n % 33)),
            Self::Any(n) => Some(Value::from(*n)),
            Self::Real(n) => Some(Value::from(*n)),
            Self::Flag(it) => Some(Value::from(*it)),
            Self::Text(it) => Some(Value::from(it.as_str())),
            Self::Null => Some(Value::Null),
        };
        if let (Some(changed), Some(value)) = (changed, tree.pointer_mut(place)) {
            *value = changed;
        }
    }
}

/// Whether a network can be built and run in a fraction of a second.
fn is_small(config: &Config) -> bool {
    let trunk = &config.trunk;
    let memory = &config.memory_encoder;
    config.image_size <= 64
        && trunk.embed_dim <= 32
        && trunk.stages.iter().sum::<usize>() <= 12
        && config.neck.d_model <= 128
        && config.memory_attention.num_layers <= 4
        && config.memory_attention.dim_feedforward <= 256
        && memory.fuser_layers <= 4
}

fn check_network(config: &Config, runs: bool) {
    let weights = needed(config);
    assert!(weights.len() > 100, "{} weights", weights.len());
    if runs {
        // All of them lie in one storage; none needs values of its own here.
        let longest = weights.iter().map(|it| it.shape.iter().product::<i64>()).max();
        let n_bytes = 4 * usize::try_from(longest.unwrap()).unwrap();
        let bytes: [[u8; 4]; 13] = std::array::from_fn(|n| (n as f32 / 64.0 - 0.1).to_le_bytes());
        let storage: Vec<u8> = bytes.as_flattened().iter().copied().cycle().take(n_bytes).collect();
        for precision in [Precision::F32, Precision::Bf16] {
            let model = load(&weights, storage.clone(), config, precision);
            run(&model.expect("every weight is there"))
                .expect("a configuration that is accepted can be computed");
        }
    }
}

/// The weights that a network of these dimensions asks for: what is missing of nothing, and the
/// shape of what has another.
fn needed(config: &Config) -> Vec<Tensor> {
    let weight = |name: String, shape: Vec<i64>| {
        let strides = in_row_order(&shape);
        Tensor { name, storage_type: "FloatStorage", storage: 0, offset: 0, shape, strides }
    };
    let missing = mismatch(&[], config).missing;
    // No weight has three axes of one number each.
    let as_one = missing.into_iter().map(|it| weight(it, vec![1; 3])).collect::<Vec<_>>();
    let misshapen = mismatch(&as_one, config).misshapen;
    assert_eq!(misshapen.len(), as_one.len());
    let shape = |it: Vec<usize>| it.into_iter().map(|it| i64::try_from(it).unwrap()).collect();
    misshapen.into_iter().map(|(name, needs, _)| weight(name, shape(needs))).collect()
}

fn mismatch(weights: &[Tensor], config: &Config) -> Mismatch {
    match load(weights, vec![0; 4], config, Precision::F32) {
        Err(LoadError::Mismatch(it)) => it,
        Err(error) => panic!("a configuration that is accepted can be built: {error}"),
        Ok(_) => panic!("there are no weights"),
    }
}

fn load(
    weights: &[Tensor],
    storage: Vec<u8>,
    config: &Config,
    precision: Precision,
) -> Result<Sam2, LoadError> {
    let file = archive(&pickle(weights), &[storage]);
    let checkpoint = Checkpoint::new(Cursor::new(file)).inspect_err(check_error)?;
    Sam2::from_checkpoint(checkpoint, config, &Device::Cpu, precision)
}

/// Every part once: a prompt, its memory, and the next slice.
fn run(model: &Sam2) -> Result<(), Box<dyn std::error::Error>> {
    let side = model.config().image_size;
    let pixels = vec![0.5_f32; 3 * side * side];
    let embedding = model.encode(&Pixels::from_vec(pixels, (1, 3, side, side), &Device::Cpu)?)?;
    let point = Point { x: 20.0, y: 30.0, label: PointLabel::Positive };
    let found = model.prompt(&embedding, &[point], None)?;
    let memory = model.remember(&embedding, &found, Origin::Prompt)?;
    let conditioning = [(0, memory)].into_iter().collect();
    let mut tracker = sam2::Tracker::new(model, 3, sam2::Direction::Forward, conditioning);
    for slice in 1..3 {
        let next = tracker.step(slice, &embedding)?;
        assert_eq!(next.low_res.dims(), [side / 4; 2]);
    }
    Ok(())
}
