//! Images in space: volumes, affines, masks, and the files they come from.
//!
//! The only crate that knows file formats. Inside, the world is RAS (x to the patient's right,
//! y to the front, z to the head) in millimetres; LPS files are converted when they are read.
//! Arrays are stored with the first index `i` fastest, as in NIfTI.

pub mod affine;
pub mod grid;

pub mod intensity;
mod volume;
pub mod voxels;

mod error;
pub mod nifti;
pub mod nrrd;
mod read;
mod stream;

pub mod component;
pub mod distance;
mod labelmap;
pub mod measure;
pub mod metrics;
pub mod morphology;
pub mod rle;
pub mod surface;
mod write;

pub mod display;
pub mod palette;
pub mod render;
pub mod window;

pub mod phantom;
mod reorient;

pub use affine::Affine;
pub use error::{ReadError, WriteError};
pub use grid::{AxisCodes, Grid};
pub use intensity::Distribution;
pub use labelmap::{Labelmap, LabelmapError};
pub use palette::{Paint, Palette};
pub use read::{
    FileFormat, Header, ReadOptions, SourceHeader, read, read_bytes, read_header, survey,
};
pub use volume::{Slice, Volume, plane_axes};
pub use voxels::{VoxelType, Voxels};
pub use window::Window;
pub use write::{MaskFormat, write_mask, write_volume};
