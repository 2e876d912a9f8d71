//! Prompts of two people on one slice.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::TestServer;

fn at(xs: &[u32]) -> Value {
    let points: Vec<_> = xs.iter().map(|x| json!({ "x": x, "y": 4, "positive": true })).collect();
    let mut prompt = json!({ "axis": 2, "slice_index": 7, "label": 1 });
    if !points.is_empty() {
        prompt["points"] = points.into();
    }
    prompt
}

fn changed(before: &Value, after: &Value) -> Value {
    let mut change = after.clone();
    change["before"] = before.clone();
    change
}

/// The x of each point that is marked.
fn xs(prompt: &Value) -> Vec<f64> {
    let points = prompt["points"].as_array().map(Vec::as_slice).unwrap_or_default();
    points.iter().map(|it| it["x"].as_f64().unwrap()).collect()
}

#[tokio::test]
async fn what_two_people_mark_at_once_stays() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    let path = format!("{job}/prompts");
    let prompts = async || server.get(&job).await.json()["prompts"].clone();
    let change = async |before: &[u32], after: &[u32]| {
        let change = changed(&at(before), &at(after));
        server.put(&path, change).await.expect(StatusCode::OK).json()
    };
    assert_eq!(xs(&change(&[], &[3]).await), [3.0]);
    // This one had not seen the other's point.
    assert_eq!(xs(&change(&[], &[5]).await), [3.0, 5.0]);
    assert_eq!(xs(&change(&[3], &[]).await), [5.0], "only what this person had seen goes");
    assert_eq!(prompts().await, json!([at_float(&[5.0])]));

    change(&[5], &[]).await;
    assert_eq!(prompts().await, json!([]), "what says nothing is not kept");
    assert_eq!(xs(&change(&[5], &[]).await), [0.0; 0], "taken away twice");
}

fn at_float(xs: &[f64]) -> Value {
    let mut prompt = at(&[]);
    let points: Vec<_> = xs.iter().map(|x| json!({ "x": x, "y": 4.0, "positive": true })).collect();
    prompt["points"] = points.into();
    prompt
}

#[tokio::test]
async fn a_change_is_of_one_place_and_within_the_image() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    let path = format!("{job}/prompts");
    let mut elsewhere = at(&[3]);
    elsewhere["slice_index"] = json!(6);
    assert_eq!(server.put(&path, changed(&elsewhere, &at(&[3]))).await.field(), "before");
    let outside = changed(&at(&[]), &at(&[30_000]));
    assert_eq!(server.put(&path, outside).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let nothing = changed(&at(&[]), &at(&[]));
    assert_eq!(server.put(&path, nothing).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(server.get(&job).await.json()["prompts"], json!([]));
}
