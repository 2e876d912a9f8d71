//! Waking whoever waits: for events, for work, for the end of a task. Within a process committing is
//! enough; PostgreSQL tells the other servers of a database (`notify`), so that an agent or a page that
//! waits at one server hears at once of what another one committed. SQLite has one server.

use std::time::Duration;

use protocol::id::{AgentId, TaskId};
use sqlx::{Any, AssertSqlSafe, Executor, Row, Transaction, postgres::PgListener};
use tokio::{
    sync::{broadcast, watch},
    task::AbortHandle,
};

use super::StoreError;

const CHANNEL: &str = "voxloop";

/// Stands for all tasks in a message.
const ANY: &str = "any";

/// Pause before a lost connection is made anew.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// Turns of tasks that one who waits may leave unread; beyond, it looks at its task to be sure.
const MAX_UNREAD: usize = 256;

/// Turns of tasks that fit into one message to the other servers, which takes less than 8000 bytes.
const MAX_TOLD: usize = 100;

/// What waits in this process.
#[derive(Debug, Clone)]
pub(super) struct Waiters {
    /// Number of the newest event.
    pub(super) newest_event: watch::Sender<i64>,
    /// Counts the moments at which a task became claimable.
    pub(super) claimable: watch::Sender<u64>,
    /// Tasks that took a turn; none: any may have.
    turns: broadcast::Sender<Option<TaskId>>,
}

/// Waits for the turns of one task: it was granted, withdrawn, ended or deleted. What others do, and
/// its own progress, wakes nobody.
#[derive(Debug)]
pub struct Turns {
    task_id: TaskId,
    heard: broadcast::Receiver<Option<TaskId>>,
}

impl Turns {
    /// Waits until the task may have taken a turn since this was made or last asked.
    pub async fn changed(&mut self) {
        loop {
            match self.heard.recv().await {
                Ok(Some(it)) if it != self.task_id => {}
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return,
                // The database is closed: nothing will change any more.
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

impl Waiters {
    pub(super) fn new() -> Self {
        Self {
            newest_event: watch::Sender::new(0),
            claimable: watch::Sender::new(0),
            turns: broadcast::Sender::new(MAX_UNREAD),
        }
    }

    pub(super) fn turns_of(&self, task_id: TaskId) -> Turns {
        Turns { task_id, heard: self.turns.subscribe() }
    }

    /// Tells of a task's turn; none: of a turn of any.
    pub(super) fn turned(&self, task_id: Option<TaskId>) {
        // Nobody listens, or all do: both is well.
        self.turns.send(task_id).ok();
    }

    /// Tells of events up to this one, where they are news.
    pub(super) fn heard(&self, newest: i64) {
        self.newest_event.send_if_modified(|it| {
            let is_newer = newest > *it;
            *it = newest.max(*it);
            is_newer
        });
    }

    pub(super) fn wake_agents(&self) {
        self.claimable.send_modify(|it| *it += 1);
    }
}

/// Listens to the other servers for as long as it is kept.
#[derive(Debug)]
pub(super) struct Ear {
    /// Names this process, which needs not hear itself.
    name: String,
    listening: AbortHandle,
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Ear {
    /// Listens at the database of this address from now on.
    pub(super) async fn open(url: &str, waiters: Waiters) -> Result<Self, StoreError> {
        let name = AgentId::fresh().to_string();
        let mut listener = connected(url).await?;
        let (own, url) = (name.clone(), url.to_owned());
        let listening = tokio::spawn(async move {
            loop {
                let error = attend(&mut listener, &own, &waiters).await;
                tracing::warn!(%error, "the other servers cannot be heard for a moment");
                listener = loop {
                    tokio::time::sleep(TRY_AGAIN).await;
                    if let Ok(it) = connected(&url).await {
                        break it;
                    }
                };
                // Whatever was said meanwhile was not heard.
                waiters.wake_agents();
                waiters.turned(None);
                if let Ok(newest) = newest(&mut listener).await {
                    waiters.heard(newest);
                }
            }
        });
        Ok(Self { name, listening: listening.abort_handle() })
    }

    /// Tells the others, once the transaction is committed.
    pub(super) async fn tell(
        &self,
        transaction: &mut Transaction<'_, Any>,
        newest: Option<i64>,
        makes_claimable: bool,
        turned: &[TaskId],
    ) -> Result<(), StoreError> {
        let (newest, claimable) = (newest.unwrap_or(0), u8::from(makes_claimable));
        let turned = match turned.len() {
            0..=MAX_TOLD => turned.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
            _ => ANY.to_owned(),
        };
        let sql = format!("notify {CHANNEL}, '{} {newest} {claimable} {turned}'", self.name);
        (&mut **transaction).execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
        Ok(())
    }
}

async fn connected(url: &str) -> Result<PgListener, sqlx::Error> {
    let mut listener = PgListener::connect(url).await?;
    listener.listen(CHANNEL).await?;
    Ok(listener)
}

async fn newest(listener: &mut PgListener) -> Result<i64, sqlx::Error> {
    let sql = "select last_event_id from event_counter where only_row = 1";
    sqlx::query(sql).fetch_one(listener).await?.try_get(0)
}

/// Passes on what is heard, until the connection is lost.
async fn attend(listener: &mut PgListener, own: &str, waiters: &Waiters) -> sqlx::Error {
    loop {
        match listener.try_recv().await {
            Ok(Some(it)) => pass_on(it.payload(), own, waiters),
            Ok(None) => return sqlx::Error::PoolTimedOut,
            Err(error) => return error,
        }
    }
}

fn pass_on(payload: &str, own: &str, waiters: &Waiters) {
    let mut words = payload.split(' ');
    let (Some(name), Some(newest), Some(claimable)) = (words.next(), words.next(), words.next())
    else {
        return;
    };
    if name == own {
        return;
    }
    if let Ok(newest) = newest.parse() {
        waiters.heard(newest);
    }
    if claimable == "1" {
        waiters.wake_agents();
    }
    for it in words.next().unwrap_or_default().split(',').filter(|it| !it.is_empty()) {
        waiters.turned(it.parse().ok());
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn others_are_heard_and_oneself_is_not() {
        let waiters = Waiters::new();
        let (events, claims) = (waiters.newest_event.subscribe(), waiters.claimable.subscribe());
        for (payload, newest, n_claims) in [
            ("a 7 1", 0, 0),
            ("b 7 0", 7, 0),
            ("b 5 1", 7, 1),
            ("b 0 1 ", 7, 2),
            ("nonsense", 7, 2),
            ("b x y", 7, 2),
        ] {
            pass_on(payload, "a", &waiters);
            assert_eq!((*events.borrow(), *claims.borrow()), (newest, n_claims), "{payload}");
        }
    }

    #[test]
    fn a_task_is_waited_for_through_the_turns_of_others() {
        let waiters = Waiters::new();
        let (own, other) = (TaskId::fresh(), TaskId::fresh());
        let mut turns = waiters.turns_of(own);
        let mut is_woken = || turns.changed().now_or_never().is_some();
        for (payload, expected) in [
            (format!("a 7 0 {own}"), false),
            ("b 7 0 ".to_owned(), false),
            (format!("b 7 0 {other}"), false),
            (format!("b 7 0 {other},{own}"), true),
            (format!("b 7 0 {ANY}"), true),
        ] {
            pass_on(&payload, "a", &waiters);
            assert_eq!(is_woken(), expected, "{payload}");
            assert!(!is_woken(), "{payload}");
        }
        for _ in 0..2 * MAX_UNREAD {
            waiters.turned(Some(other));
        }
        assert!(is_woken(), "what was missed may have been its own");
    }
}
