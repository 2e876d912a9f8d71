//! The inner loops of networks on the processor: no tensors, no weights by name, only numbers.
//!
//! Matrices are multiplied tile by tile ([`Path`] says with which instructions, chosen when the program
//! runs), in float32 or in bfloat16 with sums in float32 ([`Precision`]). What stands around a product
//! (normalisation, bias, activation, residual) is done while its rows are in a core's cache. All
//! matrices are stored row by row; maps are stored with channels last.
//!
//! # Architecture invariant
//! The only crate with `unsafe`: the tiles of `src/tile/`, each tested against a twin in plain Rust.

mod attention;
mod convolution;
mod linear;
mod math;
mod norm;
mod panels;
mod path;
mod rotary;
mod rows;
mod scratch;
mod tile;
mod windows;

pub use attention::attention;
pub use convolution::{ConvShape, convolve, depthwise};
pub use linear::{Activation, Around, Linear, feed_forward};
pub use math::gelu;
pub use norm::LayerNorm;
pub use path::{Path, Precision};
pub use rotary::rotate;
pub use windows::{QkvMap, Windows, window_attention};
