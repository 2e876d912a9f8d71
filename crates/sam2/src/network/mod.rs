//! The network: every part in a file of its own, named as in the published code.

mod ops;

mod fused;

mod layers;
pub(crate) mod loader;
mod position_encoding;
mod resize;

mod hiera;
mod image_encoder;

mod attention;
mod memory_attention;
mod memory_encoder;

mod mask_decoder;
mod prompt_encoder;
mod two_way_transformer;

pub(crate) mod sam2;
pub(crate) mod tracker;

pub use prompt_encoder::{Point, PointLabel};

#[cfg(test)]
mod twins;
