//! Undo, redo and jumps, what revisions say of themselves, and work that ends after the head moved.

use std::sync::Arc;

use axum::http::{Method, StatusCode, header};
use serde_json::{Value, json};
use server::clock::ManualClock;
use volume::{Labelmap, rle};

use crate::support::{SHAPE, TestServer, block, completion, decoded, filled};

const SPOT: [[u32; 3]; 2] = [[10, 11, 7], [11, 13, 7]];

#[tokio::test]
async fn a_revision_says_who_did_what_and_which_box_changed() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    let path = format!("{job}/revisions");
    let mut edit = filled(&Value::Null, 1, SPOT);
    edit["action"] = json!("paint");
    let kim = "%EA%B9%80%20%EC%98%81%ED%9D%AC";
    let made = server.as_person(kim, Method::POST, &path, edit).await;
    let made = made.expect(StatusCode::CREATED).json();
    assert_eq!(made["author"], json!({ "by": "person", "name": "김 영희" }));
    assert_eq!((&made["action"], &made["changed"]), (&json!("paint"), &json!(SPOT)));

    // The box that was sent is larger than what differs.
    let wider = filled(&made["revision_id"], 1, [[9, 11, 7], [11, 13, 7]]);
    let wider = server.post(&path, wider).await.expect(StatusCode::CREATED).json();
    assert_eq!(wider["changed"], json!([[9, 11, 7], [9, 13, 7]]));
    assert_eq!(wider["action"], "edit");
    let same = filled(&wider["revision_id"], 1, SPOT);
    let same = server.post(&path, same).await.expect(StatusCode::CREATED).json();
    assert_eq!(same["changed"], Value::Null, "nothing differs");

    let mut not_drawn = filled(&same["revision_id"], 1, SPOT);
    not_drawn["action"] = json!("propagate");
    assert_eq!(server.post(&path, not_drawn.clone()).await.field(), "action");
    not_drawn["action"] = json!("magic");
    assert_eq!(server.post(&path, not_drawn).await.field(), "action");

    server.ask_for_slice(&job, 3, 2).await;
    server.run_next(&block(1, [4, 9], [5, 9], [3, 4]), 3, 3).await.expect(StatusCode::OK);
    let last = server.get(&job).await.json()["head_revision"].clone();
    assert_eq!(last["action"], "segment_slice");
    assert_eq!(last["changed"], json!([[4, 5, 3], [8, 8, 3]]));
}

#[tokio::test]
async fn a_mask_can_be_fetched_by_box() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    let path = |bounds: &str| format!("{job}/mask?box={bounds}");
    server.get(&path("0,0,0,1,1,1")).await.expect(StatusCode::NO_CONTENT);
    let first = server.paint(&job, 3, SPOT).await;
    server.paint(&job, 4, [[11, 11, 7], [12, 11, 7]]).await;
    let part = server.get(&path("11,10,7,12,11,7")).await.expect(StatusCode::OK);
    let map = decoded(&part.bytes);
    assert_eq!((map.shape, map.voxels), ([2, 2, 1], vec![0, 0, 4, 4]));
    let old = format!("{}&revision={}", path("11,10,7,12,11,7"), first.as_str().unwrap());
    let old = server.get(&old).await.expect(StatusCode::OK);
    assert_eq!(decoded(&old.bytes).voxels, [0, 0, 3, 0]);
    assert_ne!(part.headers[header::ETAG], old.headers[header::ETAG]);
    let whole = server.get(&format!("{job}/mask")).await;
    assert_ne!(part.headers[header::ETAG], whole.headers[header::ETAG]);
    for wrong in ["", "1,2,3", "0,0,0,40,1,1", "2,0,0,1,1,1", "0,0,0,1,1,x", "0,0,0,1,1,-1"] {
        assert_eq!(server.get(&path(wrong)).await.field(), "box", "{wrong}");
    }
}

#[tokio::test]
async fn undo_and_redo_cross_engines_people_and_a_restart() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    server.ask_for_slice(&job, 5, 1).await;
    server.run_next(&block(1, [4, 9], [4, 9], [5, 6]), 5, 5).await.expect(StatusCode::OK);
    let slice = server.get(&job).await.json();
    server.paint(&job, 2, SPOT).await;
    server.post(&format!("{job}/propagate"), json!({})).await.expect(StatusCode::ACCEPTED);
    server.run_next(&block(1, [4, 9], [4, 9], [3, 8]), 0, 15).await.expect(StatusCode::OK);
    let propagated = server.get(&job).await.json();
    let content_type = |it: crate::support::Answer| it.headers[header::CONTENT_TYPE].clone();
    let result = format!("{job}/result");
    assert_eq!(content_type(server.get(&result).await), "application/gzip");

    let back = server.show(&job, &slice["head"]).await;
    assert_eq!((&back["status"], &back["head"]), (&json!("segmented"), &slice["head"]));
    assert_eq!(back["redo"], propagated["head_revision"]["parent"]);
    assert_eq!(server.mask(&job).await, block(1, [4, 9], [4, 9], [5, 6]));
    assert_eq!(content_type(server.get(&result).await), "image/png", "not propagated any more");
    let none = server.show(&job, &Value::Null).await;
    assert_eq!((&none["status"], &none["prompts"]), (&json!("ready"), &json!([])));
    assert_eq!(none["head_revision"], Value::Null);

    let server = server.reopened().await;
    assert_eq!(server.get(&job).await.json()["redo"], slice["head"]);
    let mut again = server.show(&job, &propagated["head"]).await;
    again["updated_ms"] = propagated["updated_ms"].clone();
    assert_eq!(again, propagated, "as if nothing had been");
    assert_eq!(server.mask(&job).await.count(1), 125);
}

#[tokio::test]
async fn a_move_of_the_head_says_what_it_saw() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    let head = server.paint(&job, 1, SPOT).await;
    let path = format!("{job}/head");
    for (body, field) in [
        (json!({}), "head"),
        (json!({ "head": null }), "expected"),
        (json!({ "expected": head }), "head"),
        (json!({ "head": null, "expected": head, "force": true }), "force"),
    ] {
        assert_eq!(server.put(&path, body).await.field(), field);
    }
    let late = server.put(&path, json!({ "head": null, "expected": null })).await;
    assert_eq!(late.expect(StatusCode::CONFLICT).json()["error"]["code"], "not_head");
    let unknown = json!({ "head": "00000000-0000-7000-8000-000000000001", "expected": head });
    server.put(&path, unknown).await.expect(StatusCode::NOT_FOUND);
}

/// Two browsers: whoever comes second is told, and nothing of the first is lost.
#[tokio::test]
async fn two_people_on_one_case_never_lose_work() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    let seen = server.paint(&job, 1, SPOT).await;
    let path = format!("{job}/revisions");
    let mine = filled(&seen, 2, [[0, 0, 0], [3, 3, 3]]);
    let mine = server.as_person("Kim", Method::POST, &path, mine).await;
    let mine = mine.expect(StatusCode::CREATED).json()["revision_id"].clone();
    let theirs = filled(&seen, 3, [[20, 20, 5], [22, 22, 6]]);
    let refused = server.as_person("Lee", Method::POST, &path, theirs).await;
    assert_eq!(refused.expect(StatusCode::CONFLICT).json()["error"]["code"], "not_head");
    let undo = json!({ "head": null, "expected": seen });
    server.put(&format!("{job}/head"), undo).await.expect(StatusCode::CONFLICT);
    server.paint(&job, 3, [[20, 20, 5], [22, 22, 6]]).await;
    let mask = server.mask(&job).await;
    assert_eq!((mask.count(1), mask.count(2), mask.count(3)), (6, 64, 18));
    server.show(&job, &mine).await;
    assert_eq!(server.mask(&job).await.count(3), 0);
}

/// A slice that was solved on a branch that is not shown has no mask here.
#[tokio::test]
async fn a_propagation_knows_only_the_masks_of_its_own_branch() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    server.ask_for_slice(&job, 5, 1).await;
    server.run_next(&block(1, [4, 9], [4, 9], [5, 6]), 5, 5).await.expect(StatusCode::OK);
    server.show(&job, &Value::Null).await;
    let marked = json!({ "axis": 2, "slice_index": 5, "box": [3, 3, 12, 12] });
    server.put(&format!("{job}/prompts"), marked).await.expect(StatusCode::NO_CONTENT);
    server.ask_for_slice(&job, 9, 1).await;
    server.run_next(&block(1, [4, 9], [4, 9], [9, 10]), 9, 9).await.expect(StatusCode::OK);
    server.post(&format!("{job}/propagate"), json!({})).await.expect(StatusCode::ACCEPTED);
    let prompts = server.claim().await["spec"]["prompts"].clone();
    let is_known: Vec<_> =
        prompts.as_array().unwrap().iter().map(|it| it["mask"] == true).collect();
    assert_eq!(is_known, [false, true]);
}

/// What came of the undo counts as what a person did meanwhile.
#[tokio::test]
async fn a_propagation_that_ends_after_an_undo_joins_what_is_shown() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    server.ask_for_slice(&job, 5, 1).await;
    server.run_next(&block(1, [4, 9], [4, 9], [5, 6]), 5, 5).await.expect(StatusCode::OK);
    let slice = server.get(&job).await.json()["head"].clone();
    let spot = server.paint(&job, 1, SPOT).await;
    server.post(&format!("{job}/propagate"), json!({})).await.expect(StatusCode::ACCEPTED);
    let lease = server.claim().await;
    assert_eq!(server.show(&job, &slice).await["status"], "propagating");

    let mut found = block(1, [4, 9], [4, 9], [3, 8]);
    for z in [7, 8] {
        let index = found.index([10, 11, z]);
        found.voxels[index] = 1;
    }
    let encoded = rle::encode(&found);
    let sha256 = server::blobs::digest(&encoded);
    server.deliver(&lease, encoded).await.expect(StatusCode::CREATED);
    let complete = format!("/api/v1/tasks/{}/complete", lease["task_id"].as_str().unwrap());
    let body = completion(&lease, sha256.as_str(), [0, 15]);
    server.post(&complete, body.clone()).await.expect(StatusCode::OK);
    let mut expected = found;
    let undone = expected.index([10, 11, 7]);
    expected.voxels[undone] = 0;
    assert_eq!(server.mask(&job).await, expected);
    let shown = server.get(&job).await.json();
    assert_eq!((&shown["status"], &shown["redo"]), (&json!("completed"), &Value::Null));
    assert_eq!(shown["head_revision"]["parent"], slice);
    server.post(&complete, body).await.expect(StatusCode::OK);
    assert_eq!(server.get(&job).await.json()["head"], shown["head"], "repeated, not done again");
    server.show(&job, &spot).await;
    assert_eq!(server.mask(&job).await.count(1), 25 + 6, "the branch is still there");
}

#[tokio::test]
async fn a_slice_that_is_segmented_while_its_mask_is_undone_begins_anew() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    server.ask_for_slice(&job, 5, 1).await;
    server.run_next(&block(1, [4, 9], [4, 9], [5, 6]), 5, 5).await.expect(StatusCode::OK);
    server.ask_for_slice(&job, 9, 1).await;
    let none = server.show(&job, &Value::Null).await;
    assert_eq!((&none["status"], &none["head"]), (&json!("segmenting"), &Value::Null));
    server.run_next(&block(1, [4, 9], [4, 9], [9, 10]), 9, 9).await.expect(StatusCode::OK);
    let expected: Labelmap = block(1, [4, 9], [4, 9], [9, 10]);
    assert_eq!(server.mask(&job).await, expected);
    let slices = server.get(&job).await.json()["prompts"].clone();
    let slices: Vec<_> =
        slices.as_array().unwrap().iter().map(|it| it["slice_index"].clone()).collect();
    assert_eq!(slices, [json!(9)], "the prompt of the mask that is shown");
    assert_eq!(expected.shape, SHAPE);
}

#[tokio::test]
async fn the_list_says_how_many_objects_a_mask_has() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    let counted = async || server.get("/api/v1/jobs").await.json()["jobs"][0]["n_objects"].clone();
    assert_eq!(counted().await, 0, "the one that is listed has no voxels yet");
    server.ask_for_slice(&job, 5, 1).await;
    server.run_next(&block(1, [4, 9], [4, 9], [5, 6]), 5, 5).await.expect(StatusCode::OK);
    assert_eq!(counted().await, 1);
    server.paint(&job, 3, SPOT).await;
    assert_eq!(counted().await, 2);
    server.show(&job, &Value::Null).await;
    assert_eq!(counted().await, 0);
}

/// A propagation that names no plane goes along that of the prompt that was changed last.
#[tokio::test]
async fn the_prompt_that_was_changed_last_names_the_plane() {
    let clock = Arc::new(ManualClock::at(1_000_000));
    let server = TestServer::at_time(Arc::clone(&clock)).await;
    let job = server.open_phantom().await;
    let mark = async |axis: u8, x2: u32| {
        clock.advance_ms(1);
        let prompt = json!({ "axis": axis, "slice_index": 6, "box": [3, 3, x2, 12] });
        server.put(&format!("{job}/prompts"), prompt).await.expect(StatusCode::NO_CONTENT);
    };
    let axis = async || {
        let queued = server.post(&format!("{job}/propagate"), json!({})).await;
        let queued = queued.expect(StatusCode::ACCEPTED).json();
        let lease = server.claim().await;
        let task = format!("/api/v1/tasks/{}", queued["task_id"].as_str().unwrap());
        server.post(&format!("{task}/cancel"), json!({})).await.expect(StatusCode::ACCEPTED);
        let stop = json!({ "fence": lease["fence"] });
        server.post(&format!("{task}/fail"), stop).await.expect(StatusCode::OK);
        lease["spec"]["axis"].clone()
    };
    server.paint(&job, 1, SPOT).await;
    mark(0, 12).await;
    mark(2, 12).await;
    assert_eq!(axis().await, 2);
    mark(0, 11).await;
    assert_eq!(axis().await, 0);
}
