//! What the list says of a case: what made its image, and how sure an engine was of its mask.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use server::blobs;
use volume::rle;

use crate::support::{TestServer, block, filled};

async fn listed(server: &TestServer, job: &str) -> Value {
    let jobs = server.get("/api/v1/jobs").await.json();
    let jobs = jobs["jobs"].as_array().unwrap();
    let id = job.rsplit('/').next().unwrap();
    jobs.iter().find(|it| it["job_id"] == id).unwrap().clone()
}

#[tokio::test]
async fn what_made_an_image_can_be_said_later() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    let mr = json!({ "modality": "MR" });
    let said = server.as_person("Lee", Method::PATCH, &job, mr.clone()).await;
    said.expect(StatusCode::NO_CONTENT);
    assert_eq!(server.get(&job).await.json()["image"]["modality"], "MR");
    assert_eq!(listed(&server, &job).await["image"]["modality"], "MR");
    let line = &server.get("/api/v1/audit?limit=1").await.json()["entries"][0];
    assert_eq!((&line["action"], &line["by"]), (&json!("modality_changed"), &json!("Lee")));
    assert_eq!(line["details"], json!({ "from": "CT", "to": "MR" }));
    // Said again it changes nothing.
    server.json(Method::PATCH, &job, mr.clone()).await.expect(StatusCode::NO_CONTENT);
    let again = &server.get("/api/v1/audit?limit=1").await.json()["entries"][0];
    assert_eq!(again["audit_id"], line["audit_id"]);

    for wrong in [json!({ "modality": "PET" }), json!({}), json!({ "name": "x" })] {
        server.json(Method::PATCH, &job, wrong).await.expect(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let nowhere = "/api/v1/jobs/00000000-0000-7000-8000-000000000009";
    server.json(Method::PATCH, nowhere, mr).await.expect(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_header_that_names_the_machine_is_believed() {
    let server = TestServer::start().await;
    let pairs = ["modality:=MR", "0008|0060:=MR", "DICOM_0008_0060:=mr", "note:=MR"];
    for (pair, expected) in pairs.iter().zip(["MR", "MR", "MR", "unknown"]) {
        let header =
            format!("NRRD0004\ntype: uint8\ndimension: 3\nsizes: 2 2 2\nencoding: raw\n{pair}\n\n");
        let bytes = [header.as_bytes(), &[1, 2, 3, 4, 5, 6, 7, 8]].concat();
        let created = server.upload("a.nrrd", &bytes, &[]).await.expect(StatusCode::CREATED);
        assert_eq!(created.json()["image"]["modality"], *expected, "{pair}");
    }
    // A NIfTI-1 file of 2 × 2 × 2 bytes with an echo time in its description.
    let mut bytes = vec![0; 360];
    let mut put = |at: usize, it: &[u8]| bytes[at..at + it.len()].copy_from_slice(it);
    put(0, &348_i32.to_le_bytes());
    for (n, length) in [3_i16, 2, 2, 2, 1, 1, 1, 1].iter().enumerate() {
        put(40 + 2 * n, &length.to_le_bytes());
        put(76 + 4 * n, &1_f32.to_le_bytes());
    }
    put(70, &2_i16.to_le_bytes());
    put(72, &8_i16.to_le_bytes());
    put(108, &352_f32.to_le_bytes());
    put(148, b"TE=2.98;Time=101112.130");
    put(344, b"n+1\0");
    let created = server.upload("a.nii", &bytes, &[]).await.expect(StatusCode::CREATED);
    assert_eq!(created.json()["image"]["modality"], "MR");
}

#[tokio::test]
async fn a_rating_outlives_edits_and_settled_slices_leave_it() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    assert!(listed(&server, &job).await.get("rating").is_none());
    server.ask_for_slice(&job, 5, 1).await;
    let slice = block(1, [4, 9], [4, 9], [5, 6]);
    server.run_next(&slice, 5, 5).await.expect(StatusCode::OK);
    server.post(&format!("{job}/propagate"), json!({})).await.expect(StatusCode::ACCEPTED);
    let lease = server.claim().await;
    let mask = rle::encode(&block(1, [4, 9], [4, 9], [2, 8]));
    server.deliver(&lease, mask.clone()).await.expect(StatusCode::CREATED);
    let sha256 = blobs::digest(&mask);
    let mut body = crate::support::completion(&lease, sha256.as_str(), [2, 7]);
    body["output"]["doubt"] = json!(0.07);
    body["output"]["slices"] = json!([
        { "slice_index": 2, "area_voxels": 25, "uncertainty": 0.5 },
        { "slice_index": 3, "area_voxels": 25, "uncertainty": 0.125 },
        { "slice_index": 4, "area_voxels": 25, "uncertainty": 0.0625 },
    ]);
    let path = format!("/api/v1/tasks/{}/complete", lease["task_id"].as_str().unwrap());
    server.post(&path, body).await.expect(StatusCode::OK);
    let rating = listed(&server, &job).await["rating"].clone();
    let told = |rating: &Value| (rating["doubtful_slices"].clone(), rating["is_edited"].clone());
    assert_eq!(told(&rating), (json!([2, 3]), json!(false)));
    assert!((rating["doubt"].as_f64().unwrap() - 0.07).abs() < 1e-6);

    server.paint(&job, 1, [[0, 0, 7], [1, 1, 7]]).await;
    let edited = listed(&server, &job).await["rating"].clone();
    assert_eq!(told(&edited), (json!([2, 3]), json!(true)));
    assert_eq!(edited["doubt"], rating["doubt"]);

    let head = server.get(&job).await.json()["head"].clone();
    let mut confirming = filled(&head, 1, [[4, 4, 2], [8, 8, 2]]);
    confirming["confirmed"] = json!([{ "axis": 2, "slice_index": 2, "label": 1 }]);
    server.post(&format!("{job}/revisions"), confirming).await.expect(StatusCode::CREATED);
    let settled = listed(&server, &job).await["rating"].clone();
    assert_eq!(told(&settled), (json!([3]), json!(true)));
}
