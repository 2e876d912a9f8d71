//! Asking for masks, merging them, editing and fetching them.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use base64::Engine as _;
use serde_json::{Value, json};
use volume::{Labelmap, ReadOptions, rle};

use crate::support::{SHAPE, TestServer, block};

async fn segment(server: &TestServer, job: &str, slice_index: u32, label: u8) {
    let prompt =
        json!({ "axis": 2, "slice_index": slice_index, "box": [3, 3, 12, 12], "label": label });
    server.post(&format!("{job}/initial-mask"), prompt).await.expect(StatusCode::ACCEPTED);
}

async fn head(server: &TestServer, job: &str) -> Labelmap {
    let mask = server.get(&format!("{job}/mask")).await.expect(StatusCode::OK);
    assert_eq!(mask.headers[header::CONTENT_TYPE], "application/x-voxloop-rle");
    rle::decode(&mask.bytes, SHAPE.iter().product()).unwrap()
}

#[tokio::test]
async fn objects_do_not_take_voxels_from_each_other() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    server.get(&format!("{job}/mask")).await.expect(StatusCode::NO_CONTENT);
    segment(&server, &job, 5, 1).await;
    server.run_next(&block(1, [4, 9], [4, 9], [5, 6]), 5, 5).await.expect(StatusCode::OK);
    segment(&server, &job, 5, 2).await;
    server.run_next(&block(1, [8, 12], [4, 9], [5, 6]), 5, 5).await.expect(StatusCode::OK);
    let mask = head(&server, &job).await;
    assert_eq!(mask.count(1), 25);
    assert_eq!(mask.count(2), 15, "five voxels were already the first object's");

    segment(&server, &job, 5, 1).await;
    server.run_next(&block(1, [4, 6], [4, 6], [5, 6]), 5, 5).await.expect(StatusCode::OK);
    let mask = head(&server, &job).await;
    assert_eq!((mask.count(1), mask.count(2)), (4, 15));
}

#[tokio::test]
async fn the_nifti_has_the_mask_on_the_image_grid() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    server.get(&format!("{job}/result")).await.expect(StatusCode::CONFLICT);
    segment(&server, &job, 5, 1).await;
    let drawn = block(1, [4, 9], [4, 9], [5, 6]);
    server.run_next(&drawn, 5, 5).await.expect(StatusCode::OK);
    let file = server.get(&format!("{job}/result?type=3d")).await.expect(StatusCode::OK);
    let mask = volume::read_bytes(&file.bytes, "m.nii.gz", &ReadOptions::default()).unwrap();
    let image = server.get(&format!("{job}/image")).await;
    let image = volume::read_bytes(&image.bytes, "i.nii.gz", &ReadOptions::default()).unwrap();
    assert_eq!(mask.grid, image.grid);
    assert_eq!(Labelmap::from_volume(&mask).unwrap(), drawn);
    let name = file.headers[header::CONTENT_DISPOSITION].to_str().unwrap();
    assert!(name.contains("phantom-mask.nii.gz"), "{name}");
}

#[tokio::test]
async fn the_default_result_is_the_slice_until_the_job_is_propagated() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    segment(&server, &job, 5, 1).await;
    server.run_next(&block(1, [4, 9], [4, 9], [5, 6]), 5, 5).await.expect(StatusCode::OK);
    let picture = server.get(&format!("{job}/result")).await.expect(StatusCode::OK);
    assert_eq!(picture.headers[header::CONTENT_TYPE], "image/png");
    let mut png = png::Decoder::new(std::io::Cursor::new(picture.bytes)).read_info().unwrap();
    assert_eq!((png.info().width, png.info().height), (40, 36), "one pixel a voxel");
    let mut pixels = vec![0; png.output_buffer_size().unwrap()];
    png.next_frame(&mut pixels).unwrap();
    // The phantom is stored along LPS: patient right is already on the left, the front at the top.
    let red = pixels
        .chunks_exact(3)
        .enumerate()
        .filter(|(_, it)| it[0] > it[1].saturating_add(40) && it[0] > it[2].saturating_add(40))
        .map(|(n, _)| (n % 40, n / 40));
    let red: Vec<_> = red.collect();
    let drawn: Vec<_> = (4..9).flat_map(|y| (4..9).map(move |x| (x, y))).collect();
    assert_eq!(red, drawn);

    server.post(&format!("{job}/propagate"), json!({})).await.expect(StatusCode::ACCEPTED);
    server.run_next(&block(1, [4, 9], [4, 9], [3, 8]), 0, 15).await.expect(StatusCode::OK);
    let file = server.get(&format!("{job}/result")).await.expect(StatusCode::OK);
    assert_eq!(file.headers[header::CONTENT_TYPE], "application/gzip");
    server.get(&format!("{job}/result?type=2d&axis=0&slice_index=3")).await.expect(StatusCode::OK);
    let outside = server.get(&format!("{job}/result?type=2d&axis=0&slice_index=40")).await;
    assert_eq!(outside.field(), "slice_index");
}

#[tokio::test]
async fn a_propagation_starts_from_the_slices_people_vouch_for() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    server.post(&format!("{job}/propagate"), json!({})).await.expect(StatusCode::CONFLICT);
    segment(&server, &job, 5, 1).await;
    server.post(&format!("{job}/propagate"), json!({})).await.expect(StatusCode::CONFLICT);
    server.run_next(&block(1, [4, 9], [4, 9], [5, 6]), 5, 5).await.expect(StatusCode::OK);
    let absent = json!({ "axis": 2, "slice_index": 9, "absent": true });
    let path = format!("{job}/prompts");
    server.json(Method::PUT, &path, absent).await.expect(StatusCode::NO_CONTENT);
    let hint =
        json!({ "axis": 2, "slice_index": 7, "points": [{ "x": 5, "y": 6, "positive": true }] });
    server.json(Method::PUT, &path, hint).await.expect(StatusCode::NO_CONTENT);

    let wish = json!({ "direction": "forward", "range": [5, 10], "combine": "intersection" });
    server.post(&format!("{job}/propagate"), wish).await.expect(StatusCode::ACCEPTED);
    let lease = server.claim().await;
    let spec = &lease["spec"];
    assert_eq!(spec["kind"], "propagate");
    assert_eq!((&spec["direction"], &spec["range"]), (&json!("forward"), &json!([5, 10])));
    let vouched: Vec<_> = spec["prompts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["slice_index"].clone(), it["mask"] == true, it["absent"] == true))
        .collect();
    let expected = [(json!(5), true, false), (json!(7), false, false), (json!(9), false, true)];
    assert_eq!(vouched, expected);
    let input = format!(
        "/api/v1/tasks/{}/inputs/{}?fence={}",
        lease["task_id"].as_str().unwrap(),
        spec["base"].as_str().unwrap(),
        lease["fence"]
    );
    let base = server.get(&input).await.expect(StatusCode::OK);
    assert_eq!(rle::decode(&base.bytes, SHAPE.iter().product()).unwrap().count(1), 25);
}

#[tokio::test]
async fn prompts_outside_the_image_are_refused_with_the_bounds() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    let path = format!("{job}/initial-mask");
    for (body, field) in [
        (json!({ "axis": 3, "slice_index": 5, "box": [3, 3, 12, 12] }), "axis"),
        (json!({ "axis": 2, "slice_index": 16, "box": [3, 3, 12, 12] }), "slice_index"),
        (json!({ "axis": 2, "slice_index": 5, "box": [3, 3, 40, 12] }), "box"),
        (json!({ "axis": 2, "slice_index": 5, "box": [12, 3, 3, 12] }), "box"),
        (json!({ "axis": 0, "slice_index": 39, "box": [0, 0, 35, 16] }), "box"),
        (json!({ "axis": 2, "slice_index": 5 }), "box"),
        (json!({ "axis": 2, "slice_index": 5, "x1": 1, "y1": 2, "x2": 3 }), "y2"),
        (json!({ "axis": 2, "slice_index": 5, "box": [1, 2, 3] }), "box"),
        (json!({ "axis": 2, "slice_index": 5, "box": [3, 3, 12, 12], "label": 0 }), "label"),
        (json!({ "axis": 2, "slice_index": 5, "box": [3, 3, 12, 12], "label": 256 }), "label"),
        (json!({ "axis": 2, "slice_index": 5, "box": [3, 3, 9, 9], "engine": "magic" }), "engine"),
        (
            json!({ "axis": 2, "slice_index": 5, "points": [{ "x": 1, "y": 36, "positive": true }] }),
            "points[0]",
        ),
        (
            json!({ "axis": 2, "slice_index": 5, "points": [{ "x": 1, "y": 3, "positive": false }] }),
            "points",
        ),
        (json!({ "slice_index": 5, "box": [3, 3, 12, 12] }), "axis"),
    ] {
        let refused = server.post(&path, body.clone()).await;
        assert_eq!(refused.field(), field, "{body}");
    }
    let error = server.post(&path, json!({ "axis": 2, "slice_index": 16, "box": [1, 1, 2, 2] }));
    assert!(error.await.json()["error"]["message"].as_str().unwrap().contains("0–15"));
    assert_eq!(server.get(&format!("{job}/status")).await.json()["status"], "ready");
    segment(&server, &job, 5, 1).await;
    server.run_next(&block(1, [4, 9], [4, 9], [5, 6]), 5, 5).await.expect(StatusCode::OK);
    for range in [json!([3, 16]), json!([9, 3]), json!([6, 9])] {
        let refused = server.post(&format!("{job}/propagate"), json!({ "range": range })).await;
        assert_eq!(refused.field(), "range");
    }
}

#[tokio::test]
async fn a_prompt_may_come_as_a_form() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    for form in
        ["axis=2&slice_index=5&x1=3&y1=3&x2=12&y2=12.5", "axis=2&slice_index=5&box=[3,3,12,12.5]"]
    {
        let request = Request::post(format!("{job}/initial-mask"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form))
            .unwrap();
        server.send(request).await.expect(StatusCode::ACCEPTED);
        let prompts = server.get(&job).await.json()["prompts"].clone();
        assert_eq!(prompts[0]["box"], json!([3.0, 3.0, 12.0, 12.5]));
    }
}

#[tokio::test]
async fn points_may_lie_on_other_slices() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    let body = json!({
        "axis": 2, "slice_index": 5,
        "points": [
            { "x": 5, "y": 5, "positive": true },
            { "x": 6, "y": 6, "positive": false, "slice_index": 8 },
            { "x": 7, "y": 7, "positive": true, "axis": 0, "slice_index": 3 },
        ],
    });
    server.post(&format!("{job}/initial-mask"), body).await.expect(StatusCode::ACCEPTED);
    let job = server.get(&job).await.json();
    let prompts: Vec<_> = job["prompts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["axis"].clone(), it["slice_index"].clone(), it["points"][0]["x"].clone()))
        .collect();
    let expected = [
        (json!(0), json!(3), json!(7.0)),
        (json!(2), json!(5), json!(5.0)),
        (json!(2), json!(8), json!(6.0)),
    ];
    assert_eq!(prompts, expected);
}

fn edit(parent: &Value, label: u8) -> Value {
    let patch = Labelmap { shape: [2, 3, 1], voxels: vec![label; 6] };
    json!({
        "parent": parent,
        "box": [[10, 11, 7], [11, 13, 7]],
        "rle_base64": base64::engine::general_purpose::STANDARD.encode(rle::encode(&patch)),
        "confirmed": [{ "axis": 2, "slice_index": 7, "label": label }],
    })
}

#[tokio::test]
async fn an_edit_of_the_head_becomes_the_head_and_any_other_is_refused() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    let path = format!("{job}/revisions");
    let first = server.post(&path, edit(&Value::Null, 1)).await.expect(StatusCode::CREATED).json();
    assert_eq!(head(&server, &job).await, block(1, [10, 12], [11, 14], [7, 8]));
    let second = server.post(&path, edit(&first["revision_id"], 2)).await;
    let second = second.expect(StatusCode::CREATED).json();
    assert_eq!(head(&server, &job).await, block(2, [10, 12], [11, 14], [7, 8]));
    let late = server.post(&path, edit(&first["revision_id"], 1)).await;
    assert_eq!(late.expect(StatusCode::CONFLICT).json()["error"]["code"], "not_head");

    let history = server.get(&path).await.json();
    assert_eq!(history["revisions"].as_array().unwrap().len(), 2);
    assert_eq!(history["revisions"][1]["revision_id"], second["revision_id"]);
    let old = format!("{job}/mask?revision={}", first["revision_id"].as_str().unwrap());
    let old = server.get(&old).await.expect(StatusCode::OK);
    assert_eq!(rle::decode(&old.bytes, SHAPE.iter().product()).unwrap().count(1), 6);
    let job = server.get(&job).await.json();
    assert_eq!(job["status"], "segmented");
    assert_eq!(
        (&job["prompts"][0]["slice_index"], &job["prompts"][0]["mask"]),
        (&json!(7), &json!(true))
    );
}

#[tokio::test]
async fn an_edit_that_does_not_fit_is_refused() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    for (change, field) in [
        (json!({ "box": [[10, 11, 7], [11, 13, 16]] }), "box"),
        (json!({ "box": [[10, 11, 7], [11, 10, 7]] }), "box"),
        (json!({ "box": [[10, 11, 7], [12, 13, 7]] }), "rle_base64"),
        (json!({ "rle_base64": "VlhSMQ==" }), "rle_base64"),
        (json!({ "rle_base64": "not base64!" }), "rle_base64"),
        (json!({ "confirmed": [{ "axis": 2, "slice_index": 16, "label": 1 }] }), "slice_index"),
    ] {
        let mut body = edit(&Value::Null, 1);
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let refused = server.post(&format!("{job}/revisions"), body).await;
        assert_eq!(refused.field(), field, "{change}");
    }
}

#[tokio::test]
async fn an_edit_while_an_engine_runs_is_kept() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    segment(&server, &job, 5, 1).await;
    let lease = server.claim().await;
    let path = format!("{job}/revisions");
    server.post(&path, edit(&Value::Null, 2)).await.expect(StatusCode::CREATED);
    let mask = rle::encode(&block(1, [4, 9], [4, 9], [5, 6]));
    let sha256 = server::blobs::digest(&mask);
    server.deliver(&lease, mask).await.expect(StatusCode::CREATED);
    let complete = format!("/api/v1/tasks/{}/complete", lease["task_id"].as_str().unwrap());
    let body = crate::support::completion(&lease, sha256.as_str(), [5, 5]);
    server.post(&complete, body).await.expect(StatusCode::OK);
    let merged = head(&server, &job).await;
    assert_eq!((merged.count(1), merged.count(2)), (25, 6));
}

#[tokio::test]
async fn an_edit_of_the_same_object_while_it_is_propagated_is_kept() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    segment(&server, &job, 5, 1).await;
    server.run_next(&block(1, [4, 9], [4, 9], [5, 6]), 5, 5).await.expect(StatusCode::OK);
    server.post(&format!("{job}/propagate"), json!({})).await.expect(StatusCode::ACCEPTED);
    let parent = server.get(&job).await.json()["head"].clone();
    let path = format!("{job}/revisions");
    server.post(&path, edit(&parent, 1)).await.expect(StatusCode::CREATED);
    server.run_next(&block(1, [4, 9], [4, 9], [3, 8]), 0, 15).await.expect(StatusCode::OK);
    let mask = head(&server, &job).await;
    assert_eq!(mask.count(1), 25 * 5 + 6, "the propagation, and the person's six voxels");
}

#[tokio::test]
async fn a_prompt_that_changed_since_it_was_solved_is_solved_anew() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    segment(&server, &job, 5, 1).await;
    server.run_next(&block(1, [4, 9], [4, 9], [5, 6]), 5, 5).await.expect(StatusCode::OK);
    let changed = json!({ "axis": 2, "slice_index": 5, "box": [20, 20, 30, 30] });
    let path = format!("{job}/prompts");
    server.json(Method::PUT, &path, changed).await.expect(StatusCode::NO_CONTENT);
    server.post(&format!("{job}/propagate"), json!({})).await.expect(StatusCode::ACCEPTED);
    let lease = server.claim().await;
    assert_ne!(lease["spec"]["prompts"][0]["mask"], true);
}

#[tokio::test]
async fn what_no_request_knows_is_refused() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    segment(&server, &job, 5, 1).await;
    server.run_next(&block(1, [4, 9], [4, 9], [5, 6]), 5, 5).await.expect(StatusCode::OK);
    for (body, field) in [
        (json!({ "directon": "forward" }), "directon"),
        (json!({ "axis": 9 }), "axis"),
        (json!({ "axis": 9, "range": [1, 2] }), "axis"),
    ] {
        let refused = server.post(&format!("{job}/propagate"), body).await;
        assert_eq!(refused.field(), field);
    }
}

#[tokio::test]
async fn a_point_elsewhere_joins_what_is_marked_there() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    let path = format!("{job}/prompts");
    let marked = json!({ "axis": 2, "slice_index": 8, "box": [3, 3, 12, 12] });
    server.json(Method::PUT, &path, marked).await.expect(StatusCode::NO_CONTENT);
    let body = json!({
        "axis": 2, "slice_index": 5, "box": [3, 3, 12, 12],
        "points": [{ "x": 6, "y": 6, "positive": false, "slice_index": 8 }],
    });
    server.post(&format!("{job}/initial-mask"), body.clone()).await.expect(StatusCode::ACCEPTED);
    let there = server.get(&job).await.json()["prompts"][1].clone();
    assert_eq!(there["box"], json!([3.0, 3.0, 12.0, 12.0]));
    assert_eq!(there["points"][0]["x"], 6.0);

    let absent = json!({ "axis": 2, "slice_index": 8, "absent": true });
    server.json(Method::PUT, &path, absent).await.expect(StatusCode::NO_CONTENT);
    server.post(&format!("{job}/initial-mask"), body).await.expect(StatusCode::CONFLICT);
}

#[tokio::test]
async fn slices_are_pictures_in_patient_orientation() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    for (axis, size) in [(0, (36, 16)), (1, (40, 16)), (2, (40, 36))] {
        let picture = server.get(&format!("{job}/slices/{axis}/7.png?low=-160&high=240")).await;
        let picture = picture.expect(StatusCode::OK);
        let png = png::Decoder::new(std::io::Cursor::new(picture.bytes)).read_info().unwrap();
        assert_eq!((png.info().width, png.info().height), size);
    }
    assert_eq!(server.get(&format!("{job}/slices/2/16.png")).await.field(), "slice_index");
    assert_eq!(server.get(&format!("{job}/slices/2/1.png?low=5&high=5")).await.field(), "low");
    server.get(&format!("{job}/slices/2/one.png")).await.expect(StatusCode::NOT_FOUND);
}
