//! Surfaces of known solids: closed, facing outwards, of the right volume, in the right place.

use std::collections::HashMap;

use volume::{
    Affine, Grid, Labelmap,
    measure::surface_mm2,
    surface::{Mesh, SurfaceOptions, surface, write_stl},
};

/// The voxels whose centres lie in an ellipsoid in millimetres of RAS.
fn ellipsoid(grid: &Grid, centre: [f64; 3], radii: [f64; 3]) -> Labelmap {
    let mut map = Labelmap::new(grid.shape);
    let [ni, nj, _] = grid.shape;
    for at in 0..map.voxels.len() {
        let voxel = [at % ni, at / ni % nj, at / (ni * nj)].map(|it| it as f64);
        let point = grid.ras_from_voxel.apply(voxel);
        let r: f64 = (0..3).map(|it| ((point[it] - centre[it]) / radii[it]).powi(2)).sum();
        map.voxels[at] = if r <= 1.0 { 3 } else { 0 };
    }
    map
}

/// Oblique, with voxels of 0.9 × 1.1 × 2.5 mm, right- or left-handed.
fn oblique(is_mirrored: bool) -> Grid {
    let (sin, cos) = 0.35_f64.sin_cos();
    let turn = Affine::new([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]], [0.0; 3]);
    let tilt =
        Affine::new([[1.0, 0.0, 0.0], [0.0, cos, -sin], [0.0, sin, cos]], [-40.0, -60.0, -30.0]);
    let sign = if is_mirrored { -1.0 } else { 1.0 };
    let scale = Affine::new([[0.9 * sign, 0.0, 0.0], [0.0, 1.1, 0.0], [0.0, 0.0, 2.5]], [0.0; 3]);
    Grid { shape: [90, 90, 40], ras_from_voxel: tilt.compose(&turn).compose(&scale) }
}

fn check_closed(mesh: &Mesh) {
    let mut edges: HashMap<[u32; 2], usize> = HashMap::new();
    for triangle in &mesh.triangles {
        for n in 0..3 {
            *edges.entry([triangle[n], triangle[(n + 1) % 3]]).or_default() += 1;
        }
    }
    assert!(edges.values().all(|it| *it == 1), "an edge runs the same way twice");
    assert!(edges.keys().all(|[a, b]| edges.contains_key(&[*b, *a])), "an edge has one triangle");
}

#[test]
fn an_ellipsoid_is_closed_and_lies_where_it_was_drawn() {
    for is_mirrored in [false, true] {
        let grid = oblique(is_mirrored);
        let middle = grid.ras_from_voxel.apply([45.0, 44.0, 19.0]);
        let radii = [18.0, 25.0, 22.0];
        let map = ellipsoid(&grid, middle, radii);
        let mesh = surface(&map, &grid, 3, &SurfaceOptions::default());
        check_closed(&mesh);
        let expected = 4.0 / 3.0 * std::f64::consts::PI * radii.iter().product::<f64>();
        let found = mesh.volume_mm3();
        assert!((found / expected - 1.0).abs() < 0.01, "{found} of {expected}");
        let of_voxels = map.count(3) as f64 * grid.voxel_mm3();
        assert!((found / of_voxels - 1.0).abs() < 1e-3, "{found} of {of_voxels}");
        for position in &mesh.positions {
            let r: f64 =
                (0..3).map(|it| ((f64::from(position[it]) - middle[it]) / radii[it]).powi(2)).sum();
            assert!((r.sqrt() - 1.0).abs() < 0.12, "{position:?} lies at {r}");
        }
    }
}

#[test]
fn smoothing_brings_the_area_near_the_true_one() {
    let grid = Grid { shape: [64; 3], ras_from_voxel: Affine::IDENTITY };
    let map = ellipsoid(&grid, [31.2, 31.7, 31.5], [25.0; 3]);
    let expected = 4.0 * std::f64::consts::PI * 625.0;
    let area = |n_smoothings| {
        let options = SurfaceOptions { n_smoothings, ..SurfaceOptions::default() };
        let mesh = surface(&map, &grid, 3, &options);
        let corner = |it: u32| mesh.positions[it as usize].map(f64::from);
        mesh.triangles
            .iter()
            .map(|it| {
                let [a, b, c] = it.map(corner);
                let (u, v) = ([0, 1, 2].map(|it| b[it] - a[it]), [0, 1, 2].map(|it| c[it] - a[it]));
                let cross = [
                    u[1] * v[2] - u[2] * v[1],
                    u[2] * v[0] - u[0] * v[2],
                    u[0] * v[1] - u[1] * v[0],
                ];
                cross.iter().map(|it| it * it).sum::<f64>().sqrt() / 2.0
            })
            .sum::<f64>()
    };
    assert!((area(0) / expected - 1.5).abs() < 0.02, "faces of voxels: {}", area(0) / expected);
    assert!((area(40) / expected - 1.0).abs() < 0.02, "smoothed: {}", area(40) / expected);
    let counted = surface_mm2(&map.binary(3), &grid);
    assert!((counted / expected - 1.0).abs() < 0.02, "counted: {}", counted / expected);
}

#[test]
fn parts_and_cavities_keep_their_volume() {
    let grid = Grid { shape: [60, 40, 40], ras_from_voxel: Affine::IDENTITY };
    let mut map = ellipsoid(&grid, [18.0, 20.0, 20.0], [15.0; 3]);
    let cavity = ellipsoid(&grid, [18.0, 20.0, 20.0], [6.0; 3]);
    let island = ellipsoid(&grid, [50.0, 20.0, 20.0], [2.0; 3]);
    for ((voxel, cavity), island) in map.voxels.iter_mut().zip(cavity.voxels).zip(island.voxels) {
        *voxel = if cavity == 0 { (*voxel).max(island) } else { 0 };
    }
    let mesh = surface(&map, &grid, 3, &SurfaceOptions::default());
    check_closed(&mesh);
    let expected = map.count(3) as f64;
    assert!(
        (mesh.volume_mm3() / expected - 1.0).abs() < 1e-4,
        "{} of {expected}",
        mesh.volume_mm3()
    );
}

#[test]
fn a_large_surface_is_made_of_joined_voxels() {
    let grid = oblique(false);
    let map = ellipsoid(&grid, grid.ras_from_voxel.apply([45.0, 44.0, 19.0]), [30.0, 35.0, 28.0]);
    let options = SurfaceOptions { max_triangles: 5000, ..SurfaceOptions::default() };
    let mesh = surface(&map, &grid, 3, &options);
    check_closed(&mesh);
    assert!(
        mesh.triangles.len() <= 5000 && mesh.triangles.len() > 1000,
        "{}",
        mesh.triangles.len()
    );
    let expected = map.count(3) as f64 * grid.voxel_mm3();
    assert!(
        (mesh.volume_mm3() / expected - 1.0).abs() < 0.03,
        "{} of {expected}",
        mesh.volume_mm3()
    );
}

#[test]
fn files_are_in_lps_and_say_so() {
    let grid = Grid {
        shape: [3, 3, 3],
        ras_from_voxel: Affine::new(
            [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 2.0]],
            [10.0, 20.0, 30.0],
        ),
    };
    let mut map = Labelmap::new([3, 3, 3]);
    map.voxels[13] = 1;
    let options = SurfaceOptions { n_smoothings: 0, ..SurfaceOptions::default() };
    let mesh = surface(&map, &grid, 1, &options);
    let mut file = Vec::new();
    write_stl(&mesh, &mut file).unwrap();
    assert_eq!(file.len(), 80 + 4 + 12 * 50);
    assert!(file.starts_with(b"voxloop; SPACE=LPS"));
    assert_eq!(file[80..84], 12_u32.to_le_bytes());
    for record in file[84..].chunks(50) {
        let numbers: Vec<f32> =
            record[..48].chunks(4).map(|it| f32::from_le_bytes(it.try_into().unwrap())).collect();
        let middle = [-12.0, -22.0, 32.0];
        for corner in numbers[3..].chunks(3) {
            assert!(corner.iter().zip(middle).all(|(a, b): (&f32, f32)| (a - b).abs() == 1.0));
        }
        // The middle of the triangle, seen from the voxel's, lies where the normal points.
        let outwards: f32 = (0..3)
            .map(|it| {
                numbers[it]
                    * (numbers[3 + it] + numbers[6 + it] + numbers[9 + it] - 3.0 * middle[it])
            })
            .sum();
        assert!(outwards > 0.0);
    }
    let bytes = mesh.to_bytes();
    assert_eq!(bytes.len(), 12 + 12 * 8 + 12 * 12);
    assert_eq!(bytes[..12], *b"VXS1\x08\0\0\0\x0c\0\0\0");
}

#[test]
fn nothing_has_no_surface() {
    let grid = Grid { shape: [3, 3, 3], ras_from_voxel: Affine::IDENTITY };
    let mesh = surface(&Labelmap::new([3, 3, 3]), &grid, 1, &SurfaceOptions::default());
    assert_eq!((mesh.positions.len(), mesh.triangles.len()), (0, 0));
}
