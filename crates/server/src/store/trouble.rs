//! What a failed statement means: out of the databases' codes into words.

use sqlx::migrate::MigrateError;

use super::{StoreError, schema};

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match known(&error) {
            Some(it) => it,
            None => Self::Database(error),
        }
    }
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> Self {
        if let MigrateError::VersionMissing(found) = error {
            return Self::Newer { found, known: schema::newest() };
        }
        if let MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _) = error {
            return cause.into();
        }
        Self::Migration(error)
    }
}

/// The failures that a person can do something about.
fn known(error: &sqlx::Error) -> Option<StoreError> {
    if let sqlx::Error::PoolTimedOut = error {
        return Some(unusable(
            "it did not answer in time",
            "look whether it runs and is reachable",
        ));
    }
    if let sqlx::Error::Io(cause) = error {
        return Some(unusable(cause, "look whether the database server runs and is reachable"));
    }
    let cause = error.as_database_error()?;
    let code = cause.code()?;
    if code.len() == 5 {
        return postgres(&code, cause);
    }
    // The lower byte is the primary result code: https://www.sqlite.org/rescode.html
    match code.parse::<u32>().ok()? & 0xFF {
        8 => Some(unusable(cause, "give the user that runs voxloop the right to write there")),
        10 => Some(unusable(cause, "look at the free space and the health of the disk")),
        11 | 26 => Some(StoreError::Damaged { detail: cause.message().to_owned() }),
        13 => Some(StoreError::Full),
        14 => Some(unusable(cause, "look whether the folder exists and may be written")),
        _ => None,
    }
}

/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
fn postgres(code: &str, cause: &dyn sqlx::error::DatabaseError) -> Option<StoreError> {
    match code {
        "53100" => Some(StoreError::Full),
        "XX001" | "XX002" => Some(StoreError::Damaged { detail: cause.message().to_owned() }),
        "28000" | "28P01" => Some(unusable(cause, "check user and password in --database-url")),
        "3D000" => Some(unusable(cause, "make the database first: `createdb`")),
        "53300" => Some(unusable(cause, "allow the database more connections")),
        _ => None,
    }
}

fn unusable(detail: impl std::fmt::Display, remedy: &'static str) -> StoreError {
    StoreError::Unusable { detail: detail.to_string(), remedy }
}
