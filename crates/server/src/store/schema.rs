//! The database's schema, and a look at a database without changing anything about it.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{
    AnyConnection, AnyPool, Connection, Executor, Row, any::AnyPoolOptions, migrate::Migrator,
};
use tempfile::TempDir;

use super::{Dialect, Store, StoreError, wake::Waiters};

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// The newest schema that this program knows.
pub(super) fn newest() -> i64 {
    MIGRATIONS.iter().map(|it| it.version).max().unwrap_or(0)
}

/// A database's schema beside the one that this program knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Schema {
    /// Numbers of the steps that the database has taken.
    pub(crate) taken: BTreeSet<i64>,
    /// Numbers of the steps that this program knows.
    pub(crate) known: BTreeSet<i64>,
}

/// A database opened for looking only: nothing is made, upgraded or written.
#[derive(Debug)]
pub struct Look {
    /// The database.
    pub store: Store,
    /// A private copy, where looking at the file itself would have left files beside it.
    _copy: Option<TempDir>,
}

impl Look {
    /// Opens the database at `url`; none where no server has made it yet. `is_in_use`: whether a
    /// server has it open.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub async fn open(url: &str, is_in_use: bool) -> Result<Option<Self>, StoreError> {
        sqlx::any::install_default_drivers();
        let Some(path) = sqlite_path(url) else {
            return Self::unless_empty(connect(url, Dialect::Postgres).await?, None).await;
        };
        if !path.exists() {
            return Ok(None);
        }
        let has =
            |ending: &str| std::fs::metadata(beside(&path, ending)).is_ok_and(|it| it.len() > 0);
        // Beside a server the files that a reader needs are there and well. Else SQLite would make
        // them, or mend those of a crash: a file that nobody writes is read as it is, and a file
        // whose last changes lie beside it is copied first.
        let (url, copy) = match (has("-wal"), is_in_use && has("-shm")) {
            (_, true) => (read_only(url, "mode=ro"), None),
            (false, false) => (read_only(url, "mode=ro&immutable=true"), None),
            (true, false) => {
                let copy = copied(&path).map_err(|it| StoreError::from(sqlx::Error::Io(it)))?;
                let at = super::sqlite_url(&copy.path().join("copy.db"));
                let at = at.map_err(|it| StoreError::from(sqlx::Error::Io(it)))?;
                (read_only(&at, "mode=ro"), Some(copy))
            }
        };
        Self::unless_empty(connect(&url, Dialect::Sqlite).await?, copy).await
    }

    /// A first start that found no room leaves a database without tables.
    async fn unless_empty(
        store: Store,
        _copy: Option<TempDir>,
    ) -> Result<Option<Self>, StoreError> {
        let is_empty = store.schema().await?.taken.is_empty();
        Ok((!is_empty).then_some(Self { store, _copy }))
    }
}

async fn connect(url: &str, dialect: Dialect) -> Result<Store, StoreError> {
    let on_connect = match dialect {
        Dialect::Sqlite => "pragma busy_timeout = 5000; pragma query_only = on",
        Dialect::Postgres => "set default_transaction_read_only = on",
    };
    // A pool tries again for as long as it may, and does not tell why it failed.
    let mut first = AnyConnection::connect(url).await?;
    first.execute(on_connect).await?;
    first.close().await?;
    let pool: AnyPool = AnyPoolOptions::new()
        .max_connections(2)
        .acquire_timeout(Duration::from_secs(8))
        .after_connect(move |connection, _meta| {
            Box::pin(async move {
                connection.execute(on_connect).await?;
                Ok(())
            })
        })
        .connect(url)
        .await?;
    Ok(Store { pool, dialect, waiters: Waiters::new(), ear: None })
}

/// The file of a `sqlite:` address.
fn sqlite_path(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("sqlite:")?.split('?').next()?;
    let path = path.strip_prefix("//").unwrap_or(path);
    Some(PathBuf::from(unescaped(path)))
}

/// `%20` as a space.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).and_then(|it| std::str::from_utf8(it).ok());
        match hex.filter(|_| *first == b'%').and_then(|it| u8::from_str_radix(it, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn read_only(url: &str, query: &str) -> String {
    format!("{}?{query}", url.split('?').next().unwrap_or(url))
}

fn copied(path: &Path) -> std::io::Result<TempDir> {
    let folder = tempfile::tempdir()?;
    std::fs::copy(path, folder.path().join("copy.db"))?;
    std::fs::copy(beside(path, "-wal"), folder.path().join("copy.db-wal"))?;
    Ok(folder)
}

impl Store {
    /// The steps that the schema has taken; none where the database is empty.
    pub(crate) async fn schema(&self) -> Result<Schema, StoreError> {
        let known = MIGRATIONS.iter().map(|it| it.version).collect();
        let sql = match self.dialect {
            Dialect::Sqlite => {
                "select count(*) as n from sqlite_master where name = '_sqlx_migrations'"
            }
            Dialect::Postgres => {
                "select count(*) as n from information_schema.tables
                 where table_name = '_sqlx_migrations'"
            }
        };
        let n_tables: i64 = sqlx::query(sql).fetch_one(&self.pool).await?.try_get(0)?;
        if n_tables == 0 {
            return Ok(Schema { taken: BTreeSet::new(), known });
        }
        let rows =
            sqlx::query("select version from _sqlx_migrations").fetch_all(&self.pool).await?;
        let taken = rows.iter().map(|it| it.try_get(0)).collect::<Result<_, _>>()?;
        Ok(Schema { taken, known })
    }

    /// What SQLite finds wrong with its file, at most ten lines; PostgreSQL keeps its own watch.
    pub(crate) async fn integrity(&self) -> Result<Option<Vec<String>>, StoreError> {
        if self.dialect == Dialect::Postgres {
            return Ok(None);
        }
        let rows = sqlx::query("pragma integrity_check(10)").fetch_all(&self.pool).await?;
        let lines: Vec<String> = rows.iter().map(|it| it.try_get(0)).collect::<Result<_, _>>()?;
        Ok(Some(lines.into_iter().filter(|it| it != "ok").collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlite_address_names_its_file() {
        let path = |url: &str| sqlite_path(url).map(|it| it.to_string_lossy().into_owned());
        assert_eq!(path("sqlite:///a/b%20c.db?mode=rwc").as_deref(), Some("/a/b c.db"));
        assert_eq!(path("sqlite:rel.db").as_deref(), Some("rel.db"));
        assert_eq!(path("sqlite:///100%.db").as_deref(), Some("/100%.db"));
        assert_eq!(path("postgres://host/db"), None);
    }
}
