//! Affine maps between voxel indices and millimetres.

use std::ops::RangeInclusive;

/// An affine map of three-dimensional points, as a 4 × 4 matrix whose last row is `0 0 0 1`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Affine {
    /// The matrix by rows.
    pub rows: [[f64; 4]; 4],
}

impl Affine {
    /// The map that leaves every point where it is.
    pub const IDENTITY: Self = Self {
        rows: [
            [1.0, 0.0, 0.0, 0.0],
            [0.0, 1.0, 0.0, 0.0],
            [0.0, 0.0, 1.0, 0.0],
            [0.0, 0.0, 0.0, 1.0],
        ],
    };

    /// An affine from its linear part (by rows) and the image of the origin.
    #[must_use]
    pub fn new(linear: [[f64; 3]; 3], origin: [f64; 3]) -> Self {
        let mut rows = Self::IDENTITY.rows;
        for (row, (part, offset)) in rows.iter_mut().zip(linear.into_iter().zip(origin)) {
            row[..3].copy_from_slice(&part);
            row[3] = offset;
        }
        Self { rows }
    }

    /// An affine from the first three rows of its matrix.
    #[must_use]
    pub fn from_rows(rows: [[f64; 4]; 3]) -> Self {
        Self { rows: [rows[0], rows[1], rows[2], Self::IDENTITY.rows[3]] }
    }

    /// The linear part, by rows.
    #[must_use]
    pub fn linear(&self) -> [[f64; 3]; 3] {
        std::array::from_fn(|row| std::array::from_fn(|column| self.rows[row][column]))
    }

    /// Column `index` of the linear part: the step in the target space of one step along that axis.
    #[must_use]
    pub fn column(&self, index: usize) -> [f64; 3] {
        std::array::from_fn(|row| self.rows[row][index])
    }

    /// Where the source's origin lies in the target space.
    #[must_use]
    pub fn origin(&self) -> [f64; 3] {
        self.column(3)
    }

    /// Maps a point.
    #[must_use]
    pub fn apply(&self, point: [f64; 3]) -> [f64; 3] {
        std::array::from_fn(|row| {
            let [x, y, z, offset] = self.rows[row];
            x * point[0] + y * point[1] + z * point[2] + offset
        })
    }

    /// The map that does `first`, then `self`: `a_from_b.compose(&b_from_c)` is `a_from_c`.
    #[must_use]
    pub fn compose(&self, first: &Self) -> Self {
        Self {
            rows: std::array::from_fn(|row| {
                std::array::from_fn(|column| {
                    (0..4).map(|it| self.rows[row][it] * first.rows[it][column]).sum()
                })
            }),
        }
    }

    /// Determinant of the linear part.
    #[must_use]
    pub fn determinant(&self) -> f64 {
        determinant(&self.linear())
    }

    /// The map backwards, or `None` where it is singular or not finite.
    #[must_use]
    pub fn inverse(&self) -> Option<Self> {
        let inverse = inverse(&self.linear())?;
        let origin = self.origin();
        let offset =
            std::array::from_fn(|row| -(0..3).map(|it| inverse[row][it] * origin[it]).sum::<f64>());
        Some(Self::new(inverse, offset))
    }

    /// Length in millimetres of one step along each source axis.
    #[must_use]
    pub fn spacing_mm(&self) -> [f64; 3] {
        std::array::from_fn(|axis| norm(self.column(axis)))
    }

    /// Whether an image can lie so: every entry is finite, the voxels have a size that images have
    /// ([`SPACING_MM`], [`FARTHEST_MM`]), and the three axes span space.
    #[must_use]
    pub fn is_regular(&self) -> bool {
        self.fault().is_none()
    }

    /// Why an image cannot lie so.
    pub(crate) fn fault(&self) -> Option<Fault> {
        // Files that are written from it may keep 32 bits: it must stay regular there.
        self.own_fault().or_else(|| self.rounded().own_fault())
    }

    fn own_fault(&self) -> Option<Fault> {
        let [linear, origin] = [self.linear(), [self.origin(); 3]];
        for (entries, fault) in [(linear, Fault::NotFinite), (origin, Fault::OriginNotFinite)] {
            if !entries.iter().flatten().all(|it| it.is_finite()) {
                return Some(fault);
            }
        }
        let spacing = self.spacing_mm();
        if spacing.iter().any(|it| !SPACING_MM.contains(it)) {
            return Some(Fault::Size);
        }
        let volume = self.determinant() / (spacing[0] * spacing[1] * spacing[2]);
        if volume.abs() <= 1e-6 {
            return Some(Fault::Singular);
        }
        self.origin().iter().any(|it| it.abs() > FARTHEST_MM).then_some(Fault::TooFar)
    }

    /// The entries that 32 bits hold.
    #[expect(clippy::cast_possible_truncation, reason = "that is what is asked for")]
    fn rounded(&self) -> Self {
        Self { rows: self.rows.map(|row| row.map(|it| f64::from(it as f32))) }
    }
}

/// Lengths of a voxel's side: from less than an atom to more than a mountain range.
pub const SPACING_MM: RangeInclusive<f64> = 1e-9..=1e9;

/// Most millimetres of an origin along an axis.
pub const FARTHEST_MM: f64 = 1e12;

/// Why an image cannot lie as an affine says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    NotFinite,
    OriginNotFinite,
    Size,
    Singular,
    TooFar,
}

impl Fault {
    /// Whether it is about the origin rather than the axes.
    pub(crate) fn is_of_origin(self) -> bool {
        matches!(self, Self::OriginNotFinite | Self::TooFar)
    }

    /// What the affine is.
    pub(crate) fn found(self) -> &'static str {
        match self {
            Self::NotFinite | Self::OriginNotFinite => "not finite",
            Self::Size => "of impossible voxels",
            Self::Singular => "singular",
            Self::TooFar => "out of reach",
        }
    }

    /// What would have been accepted.
    pub(crate) fn expected(self) -> &'static str {
        match self {
            Self::NotFinite | Self::OriginNotFinite => "expected numbers",
            Self::Size => "expected voxels of 1e-9 to 1e9 mm",
            Self::Singular => "expected three axes that span space",
            Self::TooFar => "expected at most 1e12 mm",
        }
    }
}

/// Euclidean length.
pub(crate) fn norm(vector: [f64; 3]) -> f64 {
    vector.iter().map(|it| it * it).sum::<f64>().sqrt()
}

pub(crate) fn determinant(m: &[[f64; 3]; 3]) -> f64 {
    m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1])
        - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
        + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
}

fn inverse(m: &[[f64; 3]; 3]) -> Option<[[f64; 3]; 3]> {
    let determinant = determinant(m);
    if determinant == 0.0 || !determinant.is_finite() {
        return None;
    }
    let cofactor = |row: usize, column: usize| {
        let [r1, r2] = [(row + 1) % 3, (row + 2) % 3];
        let [c1, c2] = [(column + 1) % 3, (column + 2) % 3];
        m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
    };
    let inverse: [[f64; 3]; 3] = std::array::from_fn(|row| {
        std::array::from_fn(|column| cofactor(column, row) / determinant)
    });
    inverse.iter().flatten().all(|it| it.is_finite()).then_some(inverse)
}

/// The orthogonal matrix nearest to `matrix` (the factor U of the polar decomposition U·P), which
/// must be regular.
///
/// Newton's iteration U ← (U + U⁻ᵀ) / 2 converges quadratically for every regular matrix.
pub(crate) fn nearest_orthogonal(matrix: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let mut u = *matrix;
    for _ in 0..60 {
        let Some(inverse) = inverse(&u) else { return u };
        let next: [[f64; 3]; 3] = std::array::from_fn(|row| {
            std::array::from_fn(|column| 0.5 * (u[row][column] + inverse[column][row]))
        });
        let change: f64 =
            next.iter().flatten().zip(u.iter().flatten()).map(|(a, b)| (a - b).abs()).sum();
        u = next;
        if change < 1e-15 {
            break;
        }
    }
    u
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assume, proptest};

    use super::{Affine, nearest_orthogonal};

    fn check_close(a: [f64; 3], b: [f64; 3]) {
        for (a, b) in a.into_iter().zip(b) {
            assert!((a - b).abs() < 1e-9, "{a} is not {b}");
        }
    }

    #[test]
    fn applying_follows_the_columns() {
        let affine = Affine::from_rows([
            [0.0, -2.0, 0.0, 10.0],
            [3.0, 0.0, 0.0, 20.0],
            [0.0, 0.0, 5.0, 30.0],
        ]);
        check_close(affine.apply([1.0, 1.0, 1.0]), [8.0, 23.0, 35.0]);
        check_close(affine.spacing_mm(), [3.0, 2.0, 5.0]);
        assert_eq!(affine.determinant(), 30.0);
    }

    #[test]
    fn a_singular_affine_has_no_inverse() {
        let flat = Affine::new([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0], [0.0, 0.0, 1.0]], [0.0; 3]);
        assert_eq!(flat.inverse(), None);
        assert!(!flat.is_regular());
    }

    #[test]
    fn the_nearest_orthogonal_of_a_stretched_rotation_is_the_rotation() {
        let (sin, cos) = 0.3_f64.sin_cos();
        let stretched =
            [[2.0 * cos, -2.0 * sin, 0.0], [2.0 * sin, 2.0 * cos, 0.0], [0.0, 0.0, -7.0]];
        let rotation = nearest_orthogonal(&stretched);
        for (row, expected) in
            rotation.into_iter().zip([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, -1.0]])
        {
            check_close(row, expected);
        }
    }

    proptest! {
        #[test]
        fn the_inverse_undoes_the_map(
            entries in proptest::array::uniform12(-10.0_f64..10.0),
            point in proptest::array::uniform3(-100.0_f64..100.0),
        ) {
            let linear = std::array::from_fn(|row| std::array::from_fn(|it| entries[row * 3 + it]));
            let affine = Affine::new(linear, [entries[9], entries[10], entries[11]]);
            prop_assume!(affine.determinant().abs() > 1.0);
            let back = affine.inverse().unwrap().apply(affine.apply(point));
            for (a, b) in back.into_iter().zip(point) {
                prop_assert!((a - b).abs() < 1e-6);
            }
        }
    }
}
