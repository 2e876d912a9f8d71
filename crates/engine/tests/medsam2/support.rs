//! The micro network, the slices that it was asked about, and prompts.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use engine::{
    Engine, Medsam2, Propagation, PropagationRequest, Uncertainty, Unwatched,
    medsam2::{Medsam2Options, PrecisionChoice, WindowChoice},
    propagate,
};
use protocol::prompt::{Combine, Direction, Point, SlicePrompt, SliceRef};
use volume::{Affine, Grid, Labelmap, SourceHeader, Volume, Voxels};

/// Voxels of the published slices along i, j and k.
pub(crate) const SHAPE: [usize; 3] = [128, 160, 20];
/// The slice that the published code was prompted on.
pub(crate) const KEY: u32 = 8;
pub(crate) const BOX: [f64; 4] = [38.4, 44.8, 79.36, 99.2];

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/medsam2-micro").join(name)
}

/// Numbers of an array that the published code answered.
pub(crate) fn published(name: &str) -> Vec<f32> {
    let mut arrays = zip::ZipArchive::new(File::open(fixture("expected.npz")).unwrap()).unwrap();
    let mut bytes = Vec::new();
    arrays.by_name(&format!("{name}.npy")).unwrap().read_to_end(&mut bytes).unwrap();
    let npy = npyz::NpyFile::new(&bytes[..]).unwrap();
    match npy.dtype().descr().trim_matches('\'') {
        "<f4" => npy.into_vec::<f32>().unwrap(),
        "<f2" => npy.into_vec::<half::f16>().unwrap().iter().map(|it| it.to_f32()).collect(),
        "|u1" => npy.into_vec::<u8>().unwrap().into_iter().map(f32::from).collect(),
        "<i8" => {
            let whole = npy.into_vec::<i64>().unwrap();
            whole.into_iter().map(|it| f32::from(i16::try_from(it).unwrap())).collect()
        }
        other => panic!("{name} holds {other}"),
    }
}

pub(crate) fn slices() -> Volume {
    let greys = published("volume_u8").into_iter().map(|it| it as u8).collect();
    volume(SHAPE, greys)
}

pub(crate) fn volume(shape: [usize; 3], greys: Vec<u8>) -> Volume {
    let grid = Grid { shape, ras_from_voxel: Affine::IDENTITY };
    let header = SourceHeader::for_grid(&grid);
    let voxels = Voxels::U8(greys);
    Volume { grid, voxels, slope: 1.0, intercept: 0.0, n_frames: 1, frame: 0, header }
}

/// The micro network on grey levels as they are, followed to the ends of the volume.
pub(crate) fn network() -> Medsam2 {
    let (checkpoint, config) = (fixture("checkpoint.pt"), fixture("config.yaml"));
    let network = Medsam2::open(&checkpoint, Some(&config), PrecisionChoice::F32).unwrap();
    network.with(Medsam2Options { window: WindowChoice::None, stops: false })
}

pub(crate) fn on(slice_index: u32) -> SlicePrompt {
    SlicePrompt {
        slice: SliceRef { axis: 2, slice_index },
        label: 1,
        bounds: None,
        points: Vec::new(),
        scribbles: Vec::new(),
        mask: false,
        absent: false,
    }
}

pub(crate) fn boxed() -> SlicePrompt {
    SlicePrompt { bounds: Some(BOX), ..on(KEY) }
}

/// A point at a share of the slice's width and height.
pub(crate) fn point(x: f64, y: f64, positive: bool) -> Point {
    Point { x: x * 128.0, y: y * 160.0, positive }
}

pub(crate) fn request(prompts: Vec<SlicePrompt>, direction: Direction) -> PropagationRequest {
    PropagationRequest {
        label: 1,
        axis: 2,
        prompts,
        direction,
        range: None,
        combine: Combine::Union,
        largest_component: false,
        frugal: false,
    }
}

pub(crate) fn run(network: &Medsam2, request: &PropagationRequest, base: &Labelmap) -> Propagation {
    let engine = Engine::Medsam2(network.clone());
    propagate(&engine, &slices(), request, base, Uncertainty::Skip, &Unwatched).unwrap()
}

pub(crate) fn empty() -> Labelmap {
    Labelmap::new(SHAPE)
}
