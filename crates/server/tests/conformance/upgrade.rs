//! A database of the first version, filled as that version filled it, and what becomes of it.

use std::{path::Path, str::FromStr};

use protocol::{
    audit::AuditAction,
    id::{JobId, RevisionId, TaskId},
    job::{HeadRequest, JobState},
    review::ReviewState,
    task::TaskState,
};
use server::store::{AuditQuery, Store, TaskFilter};
use sqlx::{AnyPool, AssertSqlSafe, migrate::Migrator};

use super::at;

const JOB: &str = "01a1f90c-1e47-772e-8a62-15614db4870d";
const SLICE: &str = "01a1f90c-2535-70c5-919e-aae063837075";
const PROPAGATED: &str = "01a1f90c-2abb-70b3-8b96-cff410290148";
const EDITED: &str = "01a1f90c-2dc5-7534-a059-f3d19aa9981c";

const IMAGE: &str = r#"{"sha256":"07d303ea0a446054e0d41f2a5e91915a05f38ba20905dcd3fd182053fd75aa92","file_name":"a.nii.gz","bytes":9,"shape":[8,8,64],"n_frames":1,"spacing_mm":[1.0,1.0,1.0],"axis_codes":"RAS","ras_from_voxel":[[1.0,0.0,0.0,0.0],[0.0,1.0,0.0,0.0],[0.0,0.0,1.0,0.0],[0.0,0.0,0.0,1.0]],"modality":"CT","intensity_range":[0.0,1.0],"intensity_percentiles":[0.0,1.0]}"#;
const BOX: &str = r#"{"axis":2,"slice_index":40,"label":1,"box":[1.0,1.0,6.0,6.0]}"#;
const VOUCHED: &str = r#"{"axis":2,"slice_index":40,"label":1,"mask":true}"#;
const ENGINE: &str = r#"{"by":"engine","task_id":"01a1f90c-248f-70e2-bcf2-d3c69199f486","engine":{"name":"graphcut","version":"0.1.0"}}"#;

/// A revision's document, with the fields in the order in which they were written.
fn document(id: &str, parent: Option<&str>, rest: &str) -> String {
    let parent = parent.map(|it| format!(r#""parent":"{it}","#)).unwrap_or_default();
    let mask = "5".repeat(64);
    format!(r#"{{"revision_id":"{id}",{parent}"mask":"{mask}",{rest},"created_ms":5}}"#)
}

/// A database whose schema has taken the steps up to `version`.
async fn of_version(url: &str, version: u32) -> AnyPool {
    sqlx::any::install_default_drivers();
    let folder = tempfile::tempdir().unwrap();
    let steps = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    for entry in std::fs::read_dir(steps).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name[..4].parse::<u32>().unwrap() <= version {
            std::fs::copy(&path, folder.path().join(name)).unwrap();
        }
    }
    let pool = AnyPool::connect(url).await.unwrap();
    Migrator::new(folder.path()).await.unwrap().run(&pool).await.unwrap();
    pool
}

/// Makes a database as the first version left it: a slice, its propagation, and an edit.
pub(crate) async fn fill_as_the_first_version(url: &str) {
    let pool = of_version(url, 1).await;
    let slice = format!(
        r#""author":{ENGINE},"label":1,"extent":{{"axis":2,"first":40,"last":40}},"prompts":[{BOX}],"parameters":{{"engine_ms":8.0,"kind":"segment_slice"}}"#
    );
    let propagated = format!(
        r#""author":{ENGINE},"label":1,"extent":{{"axis":2,"first":30,"last":55}},"prompts":[{BOX}],"parameters":{{"axis":2,"engine_ms":8.0,"kind":"propagate"}},"doubt":0.5"#
    );
    let edited = format!(r#""author":{{"by":"person","name":""}},"prompts":[{VOUCHED}]"#);
    let mut statements = vec![format!(
        r##"insert into job values ('{JOB}', 'Old', '{}', '{IMAGE}',
            '[{{"value":1,"name":"Lesion","color":"#e6194b"}}]', 'completed', '{EDITED}', 1, 1, 2)"##,
        "0".repeat(64)
    )];
    for (id, text) in [
        (SLICE, document(SLICE, None, &slice)),
        (PROPAGATED, document(PROPAGATED, Some(SLICE), &propagated)),
        (EDITED, document(EDITED, Some(PROPAGATED), &edited)),
    ] {
        let mask = "5".repeat(64);
        statements
            .push(format!("insert into revision values ('{id}', '{JOB}', '{mask}', '{text}', 5)"));
    }
    statements.push(format!("insert into prompt values ('{JOB}', 1, 2, 40, '{VOUCHED}')"));
    let lines = [("2", "job created"), ("3", "mask edited"), ("4", "job deleted")];
    for (n, action) in lines {
        let id = format!("01a1f90c-000{n}-7000-8000-000000000000");
        let job = if n == "4" { JobId::fresh().to_string() } else { JOB.to_owned() };
        statements.push(format!("insert into audit values ('{id}', '{job}', '{action}', {n})"));
    }
    for sql in statements {
        sqlx::query(AssertSqlSafe(sql)).execute(&pool).await.unwrap();
    }
    pool.close().await;
}

/// Opens that database, and walks its history.
pub(crate) async fn the_first_versions_history_can_be_walked(url: &str) {
    let store = Store::open(url).await.unwrap();
    let job_id = JobId::from_str(JOB).unwrap();
    let [slice, propagated, edited] =
        [SLICE, PROPAGATED, EDITED].map(|it| Some(RevisionId::from_str(it).unwrap()));
    let job = store.job(job_id).await.unwrap();
    assert_eq!((job.summary.head, job.redo), (edited, None));
    assert_eq!(job.summary.review.state, ReviewState::Draft);
    assert!(job.labels[0].visible && !job.labels[0].locked);

    let mut expected = edited;
    for (head, redo, state, marked) in [
        (propagated, edited, JobState::Completed, BOX),
        (slice, propagated, JobState::Segmented, BOX),
        (None, slice, JobState::Ready, ""),
        (slice, propagated, JobState::Segmented, BOX),
        (edited, None, JobState::Completed, VOUCHED),
    ] {
        store.move_head(job_id, HeadRequest { head, expected }, &at(9)).await.unwrap();
        let job = store.job(job_id).await.unwrap();
        assert_eq!((job.summary.head, job.redo), (head, redo));
        assert_eq!(job.summary.status, state);
        let prompts: Vec<_> =
            job.prompts.iter().map(|it| serde_json::to_string(it).unwrap()).collect();
        assert_eq!(prompts.join(""), marked);
        expected = head;
    }
    let query = AuditQuery { limit: 100, ..AuditQuery::default() };
    let lines = store.audit_entries(query).await.unwrap();
    let old: Vec<_> =
        lines.iter().rev().take(3).map(|it| (it.action, it.job_name.as_deref())).collect();
    let (name, gone) = (Some("Old"), None);
    let expected = [
        (AuditAction::JobCreated, name),
        (AuditAction::MaskEdited, name),
        (AuditAction::JobDeleted, gone),
    ];
    assert_eq!(old, expected);
    store.close().await;
}

/// A database before there were requests, with tasks and what hangs on them, and what becomes of it.
pub(crate) async fn tasks_outlive_the_upgrade(url: &str) {
    let pool = of_version(url, 7).await;
    // SQLite looks after references only where it is told to, as the server tells it.
    if url.starts_with("sqlite") {
        sqlx::query("pragma foreign_keys = on").execute(&pool).await.unwrap();
    }
    let (done, waiting) = (TaskId::fresh(), TaskId::fresh());
    let spec = format!(
        r#"{{"kind":"segment_slice","image":{{"sha256":"{}"}},"engine":"graphcut","prompt":{BOX}}}"#,
        "0".repeat(64)
    );
    let job = format!(
        "insert into job (job_id, name, image_sha256, image, labels, state, created_ms, updated_ms)
         values ('{JOB}', 'Old', '{}', '{IMAGE}', '[]', 'segmenting', 1, 1)",
        "0".repeat(64)
    );
    let mut statements = vec![job];
    for (task_id, state, agent) in [(done, "succeeded", "'lab-7'"), (waiting, "queued", "null")] {
        statements.push(format!(
            "insert into task (task_id, job_id, kind, engine, label, axis, slice_index, spec, state,
                 priority, attempt, max_attempts, fence, lease_until_ms, run_after_ms,
                 time_limit_ms, cancel_requested, progress, created_ms, agent_name)
             values ('{task_id}', '{JOB}', 'segment_slice', 'graphcut', 1, 2, 40, '{spec}',
                 '{state}', 10, 1, 3, 1, 0, 1, 360000, 0, '{{\"done\":0,\"total\":0}}', 1, {agent})"
        ));
        let blob = "7".repeat(64);
        statements.push(format!("insert into delivery values ('{task_id}', '{blob}')"));
        for line in [1, 2] {
            let entry = r#"{"step":"queued","attempt":0}"#;
            statements
                .push(format!("insert into task_log values ('{task_id}', {line}, '{entry}', 5)"));
        }
    }
    for sql in statements {
        sqlx::query(AssertSqlSafe(sql)).execute(&pool).await.unwrap();
    }
    pool.close().await;

    let store = Store::open(url).await.unwrap();
    let job_id = JobId::from_str(JOB).unwrap();
    let kept = store.tasks(&TaskFilter::default(), 10).await.unwrap();
    let facts: Vec<_> =
        kept.iter().map(|it| (it.task_id, it.job_id, it.state, it.agent.as_deref())).collect();
    let expected = [
        (waiting, Some(job_id), TaskState::Queued, None),
        (done, Some(job_id), TaskState::Succeeded, Some("lab-7")),
    ];
    assert_eq!(facts, expected);
    for task_id in [done, waiting] {
        assert_eq!(store.task_log(task_id).await.unwrap().len(), 2);
        assert_eq!(store.deliveries(task_id).await.unwrap().len(), 1);
    }
    // Tasks still go with their job, and what hangs on them with the tasks.
    store.delete_job(job_id, &at(9)).await.unwrap();
    assert_eq!(store.tasks(&TaskFilter::default(), 10).await.unwrap(), []);
    assert!(store.deliveries(done).await.unwrap().is_empty());
    assert!(!store.is_referenced(&"7".repeat(64).parse().unwrap()).await.unwrap());
    store.close().await;
}
