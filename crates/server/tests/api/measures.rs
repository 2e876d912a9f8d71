//! Measurements and surfaces of masks.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use volume::{ReadOptions, Volume};

use crate::support::{TestServer, block};

/// A job whose mask holds label 1 in 5 × 4 × 3 voxels.
pub(crate) async fn with_block(server: &TestServer) -> String {
    let job = server.open_phantom().await;
    let prompt = json!({ "axis": 2, "slice_index": 5, "box": [3, 3, 12, 12] });
    server.post(&format!("{job}/initial-mask"), prompt).await.expect(StatusCode::ACCEPTED);
    server.run_next(&block(1, [4, 9], [4, 8], [5, 6]), 5, 5).await.expect(StatusCode::OK);
    server.post(&format!("{job}/propagate"), json!({})).await.expect(StatusCode::ACCEPTED);
    server.run_next(&block(1, [4, 9], [4, 8], [4, 7]), 0, 15).await.expect(StatusCode::OK);
    job
}

async fn image(server: &TestServer, job: &str) -> Volume {
    let file = server.get(&format!("{job}/image")).await.expect(StatusCode::OK);
    volume::read_bytes(&file.bytes, "i.nii.gz", &ReadOptions::default()).unwrap()
}

fn close(found: &Value, expected: f64) {
    let found = found.as_f64().unwrap();
    assert!((found - expected).abs() < 1e-6 * expected.abs().max(1.0), "{found}, not {expected}");
}

#[tokio::test]
async fn a_block_measures_what_its_voxels_do() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    server.get(&format!("{job}/measurements")).await.expect(StatusCode::CONFLICT);
    let job = with_block(&server).await;
    let labels = json!({ "labels": [{ "value": 1, "name": "Niere", "color": "#102030" }] });
    server.json(Method::PUT, &format!("{job}/labels"), labels).await.expect(StatusCode::NO_CONTENT);
    let measured = server.get(&format!("{job}/measurements")).await.expect(StatusCode::OK).json();
    let image = image(&server, &job).await;
    let [si, sj, sk] = image.grid.spacing_mm();
    let object = &measured["objects"][0];
    assert_eq!(measured["objects"].as_array().unwrap().len(), 1);
    assert_eq!((&object["label"], &object["name"]), (&json!(1), &json!("Niere")));
    assert_eq!((&object["first"], &object["last"]), (&json!([4, 4, 4]), &json!([8, 7, 6])));
    assert_eq!((&object["n_voxels"], &object["axis"]), (&json!(60), &json!(2)));
    close(&object["volume_ml"], 60.0 * si * sj * sk / 1000.0);
    let values: Vec<f64> = image.crop([4..9, 4..8, 4..7]).into_iter().map(f64::from).collect();
    let mean = values.iter().sum::<f64>() / 60.0;
    close(&object["mean"], mean);
    let squares: f64 = values.iter().map(|it| (it - mean) * (it - mean)).sum();
    close(&object["sd"], (squares / 59.0).sqrt());
    close(&object["max"], values.iter().copied().fold(f64::NEG_INFINITY, f64::max));
    let centre = image.grid.ras_from_voxel.apply([6.0, 5.5, 5.0]);
    for axis in 0..3 {
        close(&object["centroid_mm"][axis], centre[axis]);
    }
    let areas = object["areas"].as_array().unwrap();
    assert_eq!(areas.iter().map(|it| &it["slice_index"]).collect::<Vec<_>>(), [4, 5, 6]);
    close(&areas[1]["area_mm2"], 20.0 * si * sj);
    // Corner to corner of the outline: 5 voxels along i, 3 along j, or 4 and 4.
    let longest = (5.0 * si).hypot(3.0 * sj).max((4.0 * si).hypot(4.0 * sj));
    close(&object["longest"]["mm"], longest);
    assert_eq!(object["longest"]["slice_index"], 4);
    assert_eq!(measured["units"]["intensity"], "HU");
    assert_eq!(measured["provenance"]["engines"][0]["name"], "graphcut");
    assert_eq!(measured["provenance"]["n_revisions"], 2);
}

#[tokio::test]
async fn older_revisions_can_be_measured_and_frames_have_bounds() {
    let server = TestServer::start().await;
    let job = with_block(&server).await;
    let revisions = server.get(&format!("{job}/revisions")).await.json();
    let first = revisions["revisions"][0]["revision_id"].as_str().unwrap();
    let path = format!("{job}/measurements?revision={first}");
    let measured = server.get(&path).await.expect(StatusCode::OK).json();
    assert_eq!(measured["objects"][0]["n_voxels"], 20);
    assert_eq!(measured["revision_id"], first);
    assert_eq!(server.get(&format!("{job}/measurements?frame=1")).await.field(), "frame");
    let unknown = "01a1f90c-1e47-772e-8a62-15614db4870d";
    let path = format!("{job}/measurements?revision={unknown}");
    server.get(&path).await.expect(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_surface_is_closed_and_lies_on_the_image() {
    let server = TestServer::start().await;
    let job = with_block(&server).await;
    let bytes = server.get(&format!("{job}/surface")).await.expect(StatusCode::OK).bytes;
    assert!(bytes.starts_with(b"VXS1"));
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let (n_corners, n_triangles) = (number(4), number(8));
    assert_eq!(bytes.len(), 12 + 12 * n_corners + 12 * n_triangles);
    assert_eq!(n_corners + n_triangles - 3 * n_triangles / 2, 2, "Euler's formula for a ball");
    let image = image(&server, &job).await;
    let centre = image.grid.ras_from_voxel.apply([6.0, 5.5, 5.0]);
    for (axis, expected) in centre.into_iter().enumerate() {
        let mean: f64 = (0..n_corners)
            .map(|it| {
                let at = 12 + 12 * it + 4 * axis;
                f64::from(f32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()))
            })
            .sum::<f64>()
            / n_corners as f64;
        assert!((mean - expected).abs() < 0.01, "{mean}, not {expected}");
    }
    let empty = server.get(&format!("{job}/surface?label=9")).await.expect(StatusCode::OK);
    assert_eq!(empty.bytes.len(), 12);
    assert_eq!(server.get(&format!("{job}/surface?label=0")).await.field(), "label");
}
