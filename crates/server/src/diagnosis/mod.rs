//! The diagnosis: what can be wrong with a server, looked at in one list of checks, each with its
//! remedy. The running server looks at itself; `voxloop doctor` looks at the folders and the database
//! of one that does not run or does not answer. Looking changes nothing: nothing is made, upgraded
//! or mended.

mod certificate;
mod database;
mod finding;
mod folders;
mod machine;
mod models;
mod network;
mod storage;
mod work;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures::future::{BoxFuture, join_all};
use protocol::{
    diagnosis::{BlobDepth, Check, CheckName, CheckState, Diagnosis, Examiner},
    sentence,
    system::EngineStatus,
};

use crate::{blobs::BlobStore, settings::Settings, state::Server, store::Store};

pub use database::of_database;
pub use finding::{Finding, quoted};
pub use folders::{remedy_for, writable};
pub use machine::{gpu, memory};
pub use models::models;
pub use network::holder_of;
pub use work::engines;

/// A check that has no answer after this long is a finding itself. Reading every blob may take
/// longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is looked at.
pub struct Subject {
    /// The settings.
    pub settings: Arc<Settings>,
    /// The database, or what stands in the way of it.
    pub database: Result<Store, Finding>,
    /// The blobs, or what stands in the way of them.
    pub blobs: Result<Arc<dyn BlobStore>, Finding>,
    /// Which engines there are.
    pub engines: Vec<EngineStatus>,
    /// The running server itself; none where it is looked at from outside.
    pub server: Option<Server>,
    /// The server in another process that uses the data folder, where there is one.
    pub other: Option<Other>,
    /// Which blobs are read.
    pub depth: BlobDepth,
    /// Milliseconds since 1970.
    pub now_ms: i64,
}

/// A server in another process that uses the data folder and did not look at itself.
#[derive(Debug, Clone)]
pub struct Other {
    /// Where it listens, if it said so.
    pub listen: Option<SocketAddr>,
    /// Why it did not look at itself.
    pub why: Finding,
}

type Examine = for<'a> fn(&'a Subject) -> BoxFuture<'a, Finding>;

/// Every check there is, in the order in which they are shown.
const CHECKS: &[(CheckName, Examine)] = &[
    (CheckName::Server, |it| Box::pin(async { network::server(it) })),
    (CheckName::Port, |it| Box::pin(async { network::port(it) })),
    (CheckName::Certificate, |it| Box::pin(async { certificate::certificate(it) })),
    (CheckName::Settings, |it| Box::pin(network::settings(it))),
    (CheckName::Page, |it| Box::pin(async { network::page(it) })),
    (CheckName::DataFolder, |it| Box::pin(folders::data(it))),
    (CheckName::TempFolder, |it| Box::pin(folders::temp(it))),
    (CheckName::LogFolder, |it| Box::pin(folders::log(it))),
    (CheckName::ModelFolder, |it| Box::pin(models::folder(it))),
    (CheckName::FreeSpace, |it| Box::pin(folders::free_space(it))),
    (CheckName::Database, |it| Box::pin(database::answers(it))),
    (CheckName::Schema, |it| Box::pin(database::schema(it))),
    (CheckName::Integrity, |it| Box::pin(database::integrity(it))),
    (CheckName::Storage, |it| Box::pin(storage::answers(it))),
    (CheckName::Blobs, |it| Box::pin(storage::blobs(it))),
    (CheckName::Orphans, |it| Box::pin(storage::orphans(it))),
    (CheckName::Agents, |it| Box::pin(work::agents(it))),
    (CheckName::Queue, |it| Box::pin(work::queue(it))),
    (CheckName::Engines, |it| Box::pin(async { work::engines(&it.engines) })),
    (CheckName::Gpu, |_| Box::pin(machine::gpu())),
    (CheckName::Memory, |_| Box::pin(async { machine::memory() })),
    (CheckName::Clock, |it| Box::pin(machine::clock(it))),
];

/// Looks at everything. Never fails: what cannot be looked at is a finding.
pub async fn examine(subject: &Subject) -> Diagnosis {
    let checks = CHECKS.iter().map(async |(name, examine)| {
        let may_take_long = *name == CheckName::Blobs && subject.depth == BlobDepth::All;
        let found = if may_take_long {
            examine(subject).await
        } else {
            tokio::time::timeout(PATIENCE, examine(subject)).await.unwrap_or_else(|_late| late())
        };
        found.named(*name)
    });
    let examiner = if subject.server.is_some() { Examiner::Server } else { Examiner::Files };
    report(examiner, join_all(checks).await, subject.now_ms)
}

fn late() -> Finding {
    Finding::warning(sentence::no_answer(PATIENCE.as_secs())).remedy(sentence::look_busy())
}

/// A diagnosis of these checks.
#[must_use]
pub fn report(examiner: Examiner, checks: Vec<Check>, now_ms: i64) -> Diagnosis {
    Diagnosis {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        system: machine::system(),
        examiner,
        made_ms: now_ms,
        worst: checks.iter().map(|it| it.state).max().unwrap_or(CheckState::Ok).max(CheckState::Ok),
        checks,
    }
}

impl Server {
    /// Looks at everything this server can see of itself.
    pub async fn diagnosis(&self, depth: BlobDepth) -> Diagnosis {
        let subject = Subject {
            settings: Arc::clone(&self.settings),
            database: Ok(self.store.clone()),
            blobs: Ok(Arc::clone(&self.blobs)),
            // A database that fails has findings of its own.
            engines: self.list_engines().await.unwrap_or_else(|_failed| self.engines.list()),
            server: Some(self.clone()),
            other: None,
            depth,
            now_ms: self.now_ms(),
        };
        examine(&subject).await
    }
}
