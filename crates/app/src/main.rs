//! The voxloop binary.
fn main() {}
