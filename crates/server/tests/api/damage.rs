//! Stored files that are no longer what they were: never served as if they were good, named in the
//! answer and in the diagnosis, and mended by the same bytes.

use std::{fs, path::Path};

use axum::http::StatusCode;
use protocol::diagnosis::{BlobDepth, CheckName, CheckState};
use serde_json::{Value, json};
use server::state::Server;

use crate::support::{TestServer, block, phantom_file};

type Damage = fn(&Path);

/// What may happen to a file behind the server's back.
const DAMAGES: [(&str, Damage); 3] = [
    ("blob_damaged", |path| {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    }),
    ("blob_damaged", |path| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() - 7]).unwrap();
    }),
    ("blob_missing", |path| fs::remove_file(path).unwrap()),
];

/// One check of the server's diagnosis of itself.
async fn check(server: &TestServer, name: &str) -> Value {
    let diagnosis = server.get("/api/v1/system/diagnosis?blobs=all").await;
    let diagnosis = diagnosis.expect(StatusCode::OK).json();
    let checks = diagnosis["checks"].as_array().unwrap();
    checks.iter().find(|it| it["name"] == name).unwrap().clone()
}

/// Every sentence of a diagnosis has a name, so that the page can say it in its own language.
fn has_names(check: &Value) {
    let said = &check["said"];
    assert!(said["found"].is_object(), "{check}");
    assert_eq!(said["remedy"].is_object(), check["remedy"].is_string(), "{check}");
    for line in said["details"].as_array().into_iter().flatten() {
        assert!(line.is_object(), "{check}");
    }
}

#[tokio::test]
async fn each_sentence_of_a_running_servers_diagnosis_has_a_name() {
    let server = TestServer::start().await;
    server.open_phantom().await;
    let diagnosis = server.get("/api/v1/system/diagnosis").await.json();
    let checks = diagnosis["checks"].as_array().unwrap();
    assert!(checks.len() > 15);
    checks.iter().for_each(has_names);
}

#[tokio::test]
async fn a_damaged_image_is_named_and_never_served() {
    for (code, damage) in DAMAGES {
        let server = TestServer::start().await;
        let job = server.open_phantom().await;
        let image = server.get(&job).await.json()["image"]["sha256"].as_str().unwrap().to_owned();
        server.get(&format!("{job}/image")).await.expect(StatusCode::OK);
        damage(&server.blob_path(&image));
        for path in ["image", "slices/2/5.png"] {
            let refused = server.get(&format!("{job}/{path}")).await;
            let error = refused.expect(StatusCode::INTERNAL_SERVER_ERROR).json()["error"].clone();
            assert_eq!(error["code"], code, "{path}");
            let message = error["message"].as_str().unwrap();
            assert!(message.contains(&image) && message.contains("voxloop doctor"), "{message}");
        }
        let found = check(&server, "blobs").await;
        assert_eq!(found["state"], "error");
        let detail = found["details"][0].as_str().unwrap();
        assert!(detail.contains(&image) && detail.contains(job.rsplit('/').next().unwrap()));
        assert!(found["remedy"].as_str().unwrap().contains("backup"), "{found}");
        has_names(&found);
    }
}

#[tokio::test]
async fn a_damaged_mask_fails_the_task_that_needs_it_and_says_why() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    let prompt = json!({ "axis": 2, "slice_index": 5, "box": [3, 3, 12, 12] });
    server.post(&format!("{job}/initial-mask"), prompt.clone()).await.expect(StatusCode::ACCEPTED);
    let mask = block(1, [4, 10], [4, 10], [5, 6]);
    server.run_next(&mask, 5, 5).await.expect(StatusCode::OK);
    let revisions = server.get(&format!("{job}/revisions")).await.json();
    let head = revisions["revisions"][0]["mask"].as_str().unwrap().to_owned();
    DAMAGES[0].1(&server.blob_path(&head));
    for path in ["mask", "result?type=3d", "result?type=2d"] {
        let refused = server.get(&format!("{job}/{path}")).await;
        let error = refused.expect(StatusCode::INTERNAL_SERVER_ERROR).json();
        assert_eq!(error["error"]["code"], "blob_damaged", "{path}");
    }
    assert_eq!(check(&server, "blobs").await["state"], "error");
}

#[tokio::test]
async fn the_same_bytes_mend_a_damaged_file() {
    for (_, damage) in DAMAGES {
        let server = TestServer::start().await;
        let job = server.open_phantom().await;
        let image = server.get(&job).await.json()["image"]["sha256"].as_str().unwrap().to_owned();
        damage(&server.blob_path(&image));
        server.upload("again.nii.gz", &phantom_file(), &[]).await.expect(StatusCode::CREATED);
        let back = server.get(&format!("{job}/image")).await.expect(StatusCode::OK);
        assert!(back.bytes == phantom_file(), "the good bytes are served again");
        assert_eq!(check(&server, "blobs").await["state"], "ok");
    }
}

#[tokio::test]
async fn a_diagnosis_names_no_file_and_no_job() {
    let server = TestServer::start().await;
    let created = server.upload("Doe^Jane.nii.gz", &phantom_file(), &[("name", "Jane Doe")]).await;
    let image = created.expect(StatusCode::CREATED).json()["image"].clone();
    fs::remove_file(server.blob_path(image["sha256"].as_str().unwrap())).unwrap();
    let diagnosis = server.get("/api/v1/system/diagnosis?blobs=all").await;
    let text = String::from_utf8(diagnosis.expect(StatusCode::OK).bytes).unwrap();
    assert!(text.contains("is missing") && !text.contains("Jane"), "{text}");
}

#[tokio::test]
async fn what_waits_for_an_agent_that_is_not_there_is_said() {
    let server = TestServer::start().await;
    assert_eq!(check(&server, "agents").await["state"], "warning");
    assert_eq!(check(&server, "queue").await["state"], "ok");
    let job = server.open_phantom().await;
    let prompt = json!({ "axis": 2, "slice_index": 5, "box": [3, 3, 12, 12] });
    server.post(&format!("{job}/initial-mask"), prompt).await.expect(StatusCode::ACCEPTED);
    let queue = check(&server, "queue").await;
    assert_eq!(queue["state"], "error");
    assert!(queue["details"][0].as_str().unwrap().contains("no agent"), "{queue}");
    server.claim().await;
    assert_eq!(check(&server, "agents").await["state"], "ok");
    assert_eq!(check(&server, "queue").await["state"], "ok");
    server.get("/api/v1/system/diagnosis?blobs=some").await.field();

    // Started anew, the server knows who works by the leases.
    let it = &server.server;
    let (store, blobs, clock) = (it.store.clone(), it.blobs.clone(), it.clock.clone());
    let anew = Server::new(store, blobs, clock, (*it.settings).clone(), it.engines.clone());
    let checks = anew.diagnosis(BlobDepth::None).await.checks;
    let agents = checks.iter().find(|it| it.name == CheckName::Agents).unwrap();
    assert_eq!(agents.state, CheckState::Ok, "{agents:?}");
}
