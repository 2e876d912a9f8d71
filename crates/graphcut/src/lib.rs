//! The embedded engine: an object's mask from a few marks, by minimum cuts with a shape prior.
//!
//! Knows arrays and millimetres only: no files, no patients, no prompts of the wire format.
//! [`slice::segment_slice`] finds the object on one slice; [`propagate::Solver`] carries it
//! through a volume from the slices that are known, [`uncertainty::confidence`] says how surely. Both solve exactly within a region; the
//! constants are in [`settings`].

pub mod prompt;
pub mod refine;
pub mod settings;
pub mod slice;

mod appearance;
mod belief;
mod ellipse;
mod energy;
mod evidence;
mod guess;
mod outline;

pub mod bitmap;
pub mod bridge;
pub mod control;
pub mod distance;
pub mod field;
pub mod maxflow;
mod number;
pub mod propagate;
pub mod uncertainty;

mod family;
mod key;
mod region;
mod shape;
mod track;
