//! Surfaces as binary STL.
//!
//! STL says neither units nor axes. These are in millimetres of LPS, as 3D Slicer, ITK and DICOM
//! have them, and the header says `SPACE=LPS`, which 3D Slicer reads.

use std::io::{self, Write};

use super::Mesh;

const HEADER_BYTES: usize = 80;

/// Writes a surface as binary STL.
///
/// # Errors
/// If the output cannot be written, or the surface has more than 2³² − 1 triangles.
pub fn write_stl(mesh: &Mesh, mut out: impl Write) -> io::Result<()> {
    // A header must not begin with `solid`: readers would take the file for text.
    let mut header = b"voxloop; SPACE=LPS; UNITS=mm".to_vec();
    header.resize(HEADER_BYTES, b' ');
    out.write_all(&header)?;
    let n = u32::try_from(mesh.triangles.len()).map_err(io::Error::other)?;
    out.write_all(&n.to_le_bytes())?;
    let mut record = Vec::with_capacity(50);
    for triangle in &mesh.triangles {
        let corners = triangle.map(|it| {
            let [r, a, s] = mesh.positions[it as usize];
            [-r, -a, s]
        });
        record.clear();
        let numbers = std::iter::once(normal(corners)).chain(corners).flatten();
        record.extend(numbers.flat_map(f32::to_le_bytes));
        record.extend([0, 0]);
        out.write_all(&record)?;
    }
    out.flush()
}

#[expect(clippy::cast_possible_truncation, reason = "normals are f32 by format")]
fn normal([a, b, c]: [[f32; 3]; 3]) -> [f32; 3] {
    let edge = |to: [f32; 3]| [0, 1, 2].map(|it| f64::from(to[it]) - f64::from(a[it]));
    let (u, v) = (edge(b), edge(c));
    let cross = [0, 1, 2].map(|it: usize| {
        let (next, last) = ((it + 1) % 3, (it + 2) % 3);
        u[next] * v[last] - u[last] * v[next]
    });
    let length = crate::affine::norm(cross);
    if length > 0.0 { cross.map(|it| (it / length) as f32) } else { [0.0; 3] }
}
