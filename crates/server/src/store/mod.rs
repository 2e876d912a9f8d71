//! The database: SQLite in a file by default, PostgreSQL where the laboratory has one.
//!
//! Every statement is written once, in SQL that both understand, and runs through sqlx's `Any`
//! driver. What differs between the two stands in [`Dialect`]. One conformance suite
//! (`tests/conformance`) runs on both.
//!
//! Every change goes through a [`Change`]: its statements and the events that tell of them are
//! committed together, and the events are numbered without a gap in the order of commits.

pub(crate) mod agents;
pub(crate) mod audit;
pub(crate) mod census;
mod claims;
pub(crate) mod credentials;
mod devices;
pub(crate) mod events;
mod heads;
mod holders;
pub(crate) mod jobs;
mod labels;
mod output_log;
pub(crate) mod people;
mod prompts;
mod requests;
mod reviews;
pub(crate) mod revisions;
pub(crate) mod row;
pub(crate) mod schema;
mod task_list;
mod task_log;
pub(crate) mod tasks;
mod time;
mod transitions;
mod trouble;
mod wake;

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use protocol::{
    access::CredentialKind, event::EventBody, id::TaskId, sentence::Line, system::Reason,
};
use sqlx::{Any, AnyConnection, AnyPool, Connection, Executor, Transaction, any::AnyPoolOptions};
use tokio::sync::watch;

use crate::queue::Refusal;
use wake::{Ear, Waiters};

pub use crate::devices::{Kept as KeptDevice, Said};
pub use audit::AuditQuery;
pub use credentials::NewCredential;
pub(crate) use holders::HERE;
pub use jobs::NewJob;
pub use people::NewPerson;
pub(crate) use people::name_key;
pub use requests::{RequestFilter, RequestRecord};
pub use revisions::NewRevision;
pub use schema::Look;
pub use task_list::TaskFilter;
pub use tasks::{Completion, NewTask};
pub(crate) use trouble::Advice;
pub use wake::Turns;

/// What the database could not do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No such job, task, revision …
    #[error("no {what} has the identifier {id}")]
    NotFound {
        /// `job`, `task`, `request`, `revision`, `opinion`, `label set`.
        what: &'static str,
        /// The identifier that was asked for.
        id: String,
    },
    /// The change does not fit the state that things are in.
    #[error("{message}")]
    WrongState {
        /// In words.
        message: String,
        /// For pages.
        reason: Reason,
        /// The reason's values.
        values: BTreeMap<String, String>,
    },
    /// Somebody else changed the mask first.
    #[error("the mask was changed by somebody else: the head is now {head}")]
    NotHead {
        /// The present head, or `none`.
        head: String,
    },
    /// The change would touch an object that is locked.
    #[error("object {label} ({name}) is locked: unlock it first")]
    LabelLocked {
        /// Its value in the mask.
        label: u8,
        /// Its name.
        name: String,
    },
    /// The job is accepted.
    #[error("the job is accepted, so its masks, prompts and labels stay: reopen it first")]
    JobAccepted,
    /// Somebody else changed the labels first.
    #[error("the labels were changed by somebody else: read them again")]
    LabelsChanged,
    /// Somebody else took a step of the review first.
    #[error("the review went on without this step: it is {state} now")]
    ReviewChanged {
        /// Where it stands.
        state: String,
    },
    /// Another one has this name.
    #[error(
        "there is a label set with the name {name} already: choose another, or change that one"
    )]
    NameTaken {
        /// The name.
        name: String,
    },
    /// Another person has this name.
    #[error("there is somebody with the name {name} already: choose another")]
    PersonNameTaken {
        /// The name.
        name: String,
    },
    /// Nobody would be left who can let people in.
    #[error("there must be an admin: the first person is one, and the last one stays one")]
    NoAdmin,
    /// What can be used once was used, was revoked, or has run out.
    #[error("this {} opens nothing any more: it was used, revoked, or has run out; ask an admin \
             for another", once(*kind))]
    UsedUp {
        /// What it is.
        kind: CredentialKind,
    },
    /// The queue's rules refuse the event.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A stored document cannot be read.
    #[error("the database holds a {what} that cannot be read")]
    Corrupt {
        /// Which column.
        what: &'static str,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database's schema is newer than this program.
    #[error("{}", Advice::newer(*found, *known))]
    Newer {
        /// The database's schema.
        found: i64,
        /// The newest one that this program knows.
        known: i64,
    },
    /// The database's file does not hold what a database writes.
    #[error("{}", Advice::damaged(detail))]
    Damaged {
        /// As the database says it.
        detail: String,
    },
    /// There is no room to write.
    #[error("{}", Advice::full())]
    Full,
    /// The database cannot be opened or written.
    #[error("{}", Advice::unusable(detail, *remedy, *command))]
    Unusable {
        /// As the database says it.
        detail: Line,
        /// What to do.
        remedy: fn() -> Line,
        /// The command that does it.
        command: Option<&'static str>,
    },
    /// The database's upgrade failed.
    #[error("the database cannot be brought to this version's schema: {0}")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// The database itself failed.
    #[error("database: {0}")]
    Database(#[source] sqlx::Error),
}

/// The address of a SQLite database in a file, which is made where it is missing.
///
/// # Errors
/// If the path cannot be made absolute.
pub fn sqlite_url(path: &Path) -> std::io::Result<String> {
    let path = std::path::absolute(path)?;
    let path = path.to_string_lossy().replace('\\', "/");
    let is_plain = |it: u8| it.is_ascii_alphanumeric() || b"/-._~".contains(&it);
    let encoded = path.bytes().fold(String::new(), |text, it| {
        if is_plain(it) { text + &char::from(it).to_string() } else { text + &format!("%{it:02X}") }
    });
    Ok(format!("sqlite://{encoded}?mode=rwc"))
}

fn once(kind: CredentialKind) -> &'static str {
    if kind == CredentialKind::Join { "join token" } else { "invitation" }
}

/// Who changes something, and when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Act {
    /// Who they say they are; empty where they say nothing.
    pub by: String,
    /// Milliseconds since 1970.
    pub now_ms: i64,
}

/// What differs between the two databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// One file, WAL.
    Sqlite,
    /// A server.
    Postgres,
}

impl Dialect {
    /// SQLite takes its write lock at once, so that a transaction never has to be repeated because
    /// another one wrote between its first read and its first write.
    fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => "begin immediate",
            Self::Postgres => "begin",
        }
    }

    fn on_connect(self) -> &'static str {
        match self {
            // `full`: an accepted mask survives a power cut, not only a crash of the process.
            Self::Sqlite => {
                "pragma journal_mode = wal; pragma synchronous = full; \
                 pragma busy_timeout = 10000; pragma foreign_keys = on"
            }
            Self::Postgres => "set time zone 'UTC'",
        }
    }
}

/// The database.
#[derive(Debug, Clone)]
pub struct Store {
    pool: AnyPool,
    dialect: Dialect,
    /// Readers of the event list, and waiting agents.
    waiters: Waiters,
    /// Hears the other servers of the database, where there can be some.
    ear: Option<Arc<Ear>>,
}

impl Store {
    /// Opens the database at `url` (`sqlite:///path/to/file.db` or `postgres://…`) and brings its
    /// schema up to date.
    ///
    /// # Errors
    /// If it cannot be reached, or its schema is newer than this program.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let dialect = if url.starts_with("sqlite:") { Dialect::Sqlite } else { Dialect::Postgres };
        if dialect == Dialect::Sqlite {
            // A pool tries again for as long as it may, and does not tell why it failed.
            let mut first = AnyConnection::connect(url).await?;
            first.execute(dialect.on_connect()).await?;
            first.close().await?;
        }
        let pool = AnyPoolOptions::new()
            .max_connections(8)
            .acquire_timeout(Duration::from_secs(20))
            .after_connect(move |connection, _meta| {
                Box::pin(async move {
                    connection.execute(dialect.on_connect()).await?;
                    Ok(())
                })
            })
            .connect(url)
            .await?;
        schema::MIGRATIONS.run(&pool).await?;
        let waiters = Waiters::new();
        let ear = match dialect {
            Dialect::Sqlite => None,
            Dialect::Postgres => Some(Arc::new(Ear::open(url, waiters.clone()).await?)),
        };
        let store = Self { pool, dialect, waiters, ear };
        store.waiters.heard(store.last_event_id().await?);
        Ok(store)
    }

    /// Waits for running statements and closes the database.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Changes whenever events were committed; holds the newest one's number.
    #[must_use]
    pub fn watch_events(&self) -> watch::Receiver<i64> {
        self.waiters.newest_event.subscribe()
    }

    /// Changes whenever a task may have become claimable.
    #[must_use]
    pub fn watch_claimable(&self) -> watch::Receiver<u64> {
        self.waiters.claimable.subscribe()
    }

    /// Wakes whoever waits for this task, when it was granted, withdrawn, ended or deleted.
    #[must_use]
    pub fn watch_task(&self, task_id: TaskId) -> Turns {
        self.waiters.turns_of(task_id)
    }

    pub(crate) async fn begin(&self) -> Result<Change<'_>, StoreError> {
        let transaction = self.pool.begin_with(self.dialect.begin()).await?;
        let (events, turned) = (Vec::new(), Vec::new());
        Ok(Change { store: self, transaction, events, makes_claimable: false, turned })
    }
}

/// A transaction and the events that tell of it.
pub(crate) struct Change<'a> {
    store: &'a Store,
    pub(crate) transaction: Transaction<'a, Any>,
    events: Vec<EventBody>,
    makes_claimable: bool,
    turned: Vec<TaskId>,
}

impl Change<'_> {
    /// Tells of a change when this transaction is committed.
    pub(crate) fn tell(&mut self, event: EventBody) {
        self.events.push(event);
    }

    /// Wakes waiting agents when this transaction is committed.
    pub(crate) fn wake_agents(&mut self) {
        self.makes_claimable = true;
    }

    /// Wakes whoever waits for a task when this transaction is committed.
    pub(crate) fn turned(&mut self, task_id: TaskId) {
        self.turned.push(task_id);
    }

    /// Gives everything up at once; dropped, it gives it up when its connection is used next.
    pub(crate) async fn abandon(self) -> Result<(), StoreError> {
        Ok(self.transaction.rollback().await?)
    }

    /// Numbers and stores the events, commits, and wakes whoever waits.
    pub(crate) async fn commit(mut self, now_ms: i64) -> Result<(), StoreError> {
        let newest = events::append(&mut self.transaction, &self.events, now_ms).await?;
        if let Some(ear) = &self.store.ear
            && (newest.is_some() || self.makes_claimable || !self.turned.is_empty())
        {
            ear.tell(&mut self.transaction, newest, self.makes_claimable, &self.turned).await?;
        }
        self.transaction.commit().await?;
        if let Some(newest) = newest {
            self.store.waiters.heard(newest);
        }
        if self.makes_claimable {
            self.store.waiters.wake_agents();
        }
        for task_id in self.turned {
            self.store.waiters.turned(Some(task_id));
        }
        Ok(())
    }
}
