//! The conformance suite on PostgreSQL: a database of its own for each test, on the server that
//! `VOXLOOP_TEST_POSTGRES` names (`make test` starts one).

#![expect(
    clippy::unwrap_used,
    clippy::cognitive_complexity,
    clippy::cast_possible_wrap,
    reason = "test code: a panic is the answer"
)]

#[macro_use]
mod conformance;

use server::store::{Act, Store};
use sqlx::Connection;

struct Place {
    store: Store,
}

impl Place {
    async fn close(self) {
        self.store.close().await;
    }
}

async fn open() -> Place {
    Place { store: Store::open(&new_database().await).await.unwrap() }
}

/// The address of a database without tables.
async fn new_database() -> String {
    #[expect(clippy::disallowed_methods, reason = "tells the test which server to use")]
    let server = std::env::var("VOXLOOP_TEST_POSTGRES")
        .expect("VOXLOOP_TEST_POSTGRES=postgres://user@127.0.0.1:port; `make test` sets it");
    let name = format!("t_{}", uuid());
    let mut admin = sqlx::PgConnection::connect(&format!("{server}/postgres")).await.unwrap();
    let sql = sqlx::AssertSqlSafe(format!("create database {name}"));
    sqlx::query(sql).execute(&mut admin).await.unwrap();
    admin.close().await.unwrap();
    format!("{server}/{name}")
}

fn uuid() -> String {
    protocol::id::TaskId::fresh().to_string().replace('-', "_")
}

conformance_tests!();

#[tokio::test]
async fn a_database_of_the_first_version_keeps_its_history() {
    let url = new_database().await;
    conformance::upgrade::fill_as_the_first_version(&url).await;
    conformance::upgrade::the_first_versions_history_can_be_walked(&url).await;
}

/// Two servers on one database: what one commits wakes who waits at the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_server_commits_wakes_who_waits_at_another() {
    let url = new_database().await;
    let (here, there) = (Store::open(&url).await.unwrap(), Store::open(&url).await.unwrap());
    let (mut events, mut claims) = (there.watch_events(), there.watch_claimable());
    conformance::a_task_knows_its_job_engine_and_agent(here.clone()).await;
    let task_id = here.leased().await.unwrap()[0].task.task_id;
    let mut turns = there.watch_task(task_id);
    let act = Act::default();
    let heard = async {
        claims.changed().await.unwrap();
        let (cancelled, ()) = tokio::join!(here.cancel(task_id, &act), async {
            while !there.task(task_id).await.unwrap().task.cancel_requested {
                turns.changed().await;
            }
        });
        cancelled.unwrap();
        let newest = here.last_event_id().await.unwrap();
        events.wait_for(|it| *it == newest).await.unwrap();
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), heard).await.expect("within 30 s");
    here.close().await;
    there.close().await;
}

#[tokio::test]
async fn tasks_and_all_that_hangs_on_them_outlive_the_upgrade() {
    conformance::upgrade::tasks_outlive_the_upgrade(&new_database().await).await;
}
