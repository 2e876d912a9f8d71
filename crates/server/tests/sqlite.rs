//! The conformance suite on SQLite.

#![expect(
    clippy::unwrap_used,
    clippy::cognitive_complexity,
    clippy::cast_possible_wrap,
    reason = "test code: a panic is the answer"
)]

#[macro_use]
mod conformance;

use server::store::{Store, sqlite_url};

struct Place {
    store: Store,
    folder: tempfile::TempDir,
}

impl Place {
    async fn close(self) {
        self.store.close().await;
        self.folder.close().unwrap();
    }
}

async fn open() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("voxloop.db");
    let store = Store::open(&sqlite_url(&path).unwrap()).await.unwrap();
    Place { store, folder }
}

conformance_tests!();

#[tokio::test]
async fn a_database_opens_again_with_everything_in_it() {
    let place = open().await;
    conformance::a_job_comes_back_as_it_was_made(place.store.clone()).await;
    place.store.close().await;
    let path = place.folder.path().join("voxloop.db");
    let again = Store::open(&format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
    assert_eq!(again.jobs().await.unwrap().len(), 1);
    assert_eq!(again.last_event_id().await.unwrap(), 1);
    assert_eq!(*again.watch_events().borrow(), 1);
}

#[tokio::test]
async fn a_folder_may_have_any_name() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["My Data", "50%20x", "a?b#c", "데이터"] {
        let path = folder.path().join(name).join("voxloop.db");
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        let store = Store::open(&sqlite_url(&path).unwrap()).await.unwrap();
        store.close().await;
        assert!(path.is_file(), "{name}");
    }
}

#[tokio::test]
async fn a_database_of_the_first_version_keeps_its_history() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(&folder.path().join("voxloop.db")).unwrap();
    conformance::upgrade::fill_as_the_first_version(&url).await;
    conformance::upgrade::the_first_versions_history_can_be_walked(&url).await;
}

#[tokio::test]
async fn tasks_and_all_that_hangs_on_them_outlive_the_upgrade() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(&folder.path().join("voxloop.db")).unwrap();
    conformance::upgrade::tasks_outlive_the_upgrade(&url).await;
}
