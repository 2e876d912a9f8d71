//! What a failed statement means: out of the databases' codes into words.

use std::{collections::BTreeMap, fmt};

use protocol::{
    sentence::{self, Line},
    system::Reason,
};
use sqlx::migrate::MigrateError;

use super::{StoreError, schema};

/// What is wrong with a database that a person can do something about, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Advice {
    pub(crate) found: Line,
    pub(crate) remedy: Line,
    pub(crate) command: Option<&'static str>,
}

impl Advice {
    pub(super) fn newer(found: i64, known: i64) -> Self {
        Self {
            found: sentence::database_newer(found, known),
            remedy: sentence::use_newer(),
            command: None,
        }
    }

    pub(super) fn damaged(detail: &str) -> Self {
        Self {
            found: sentence::database_damaged(detail),
            remedy: sentence::save_database(),
            command: Some("sqlite3 voxloop.db .recover | sqlite3 saved.db"),
        }
    }

    pub(super) fn full() -> Self {
        Self { found: sentence::database_full(), remedy: sentence::room_on_it(), command: None }
    }

    pub(super) fn unusable(
        detail: &Line,
        remedy: fn() -> Line,
        command: Option<&'static str>,
    ) -> Self {
        let found = sentence::database_unusable(detail.clone());
        Self { found, remedy: remedy(), command }
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.found, self.remedy)?;
        self.command.map_or(Ok(()), |it| write!(f, ": `{it}`"))
    }
}

impl StoreError {
    /// A request that does not fit what is there now.
    pub(super) fn wrong_state(message: &str, reason: Reason) -> Self {
        Self::WrongState { message: message.to_owned(), reason, values: BTreeMap::new() }
    }

    /// What a person can do about it, where there is something.
    pub(crate) fn advice(&self) -> Option<Advice> {
        match self {
            Self::Newer { found, known } => Some(Advice::newer(*found, *known)),
            Self::Damaged { detail } => Some(Advice::damaged(detail)),
            Self::Full => Some(Advice::full()),
            Self::Unusable { detail, remedy, command } => {
                Some(Advice::unusable(detail, *remedy, *command))
            }
            Self::NotFound { .. }
            | Self::WrongState { .. }
            | Self::NotHead { .. }
            | Self::LabelLocked { .. }
            | Self::JobAccepted
            | Self::LabelsChanged
            | Self::ReviewChanged { .. }
            | Self::NameTaken { .. }
            | Self::PersonNameTaken { .. }
            | Self::NoAdmin
            | Self::UsedUp { .. }
            | Self::Refused(_)
            | Self::Corrupt { .. }
            | Self::Migration(_)
            | Self::Database(_) => None,
        }
    }
}

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
        return Some(unusable(sentence::database_late(), sentence::look_reachable));
    }
    if let sqlx::Error::Io(cause) = error {
        return Some(unusable(cause.to_string(), sentence::look_server_reachable));
    }
    let cause = error.as_database_error()?;
    let code = cause.code()?;
    if code.len() == 5 {
        return postgres(&code, cause);
    }
    // The lower byte is the primary result code: https://www.sqlite.org/rescode.html
    match code.parse::<u32>().ok()? & 0xFF {
        8 => Some(unusable(cause.to_string(), sentence::give_write_right)),
        10 => Some(unusable(cause.to_string(), sentence::look_at_disk)),
        11 | 26 => Some(StoreError::Damaged { detail: cause.message().to_owned() }),
        13 => Some(StoreError::Full),
        14 => Some(unusable(cause.to_string(), sentence::look_at_folder)),
        _ => None,
    }
}

/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
fn postgres(code: &str, cause: &dyn sqlx::error::DatabaseError) -> Option<StoreError> {
    match code {
        "53100" => Some(StoreError::Full),
        "XX001" | "XX002" => Some(StoreError::Damaged { detail: cause.message().to_owned() }),
        "28000" | "28P01" => Some(unusable(cause.to_string(), sentence::check_password)),
        "3D000" => Some(StoreError::Unusable {
            detail: cause.to_string().into(),
            remedy: sentence::make_database,
            command: Some("createdb"),
        }),
        "53300" => Some(unusable(cause.to_string(), sentence::more_connections)),
        _ => None,
    }
}

fn unusable(detail: impl Into<Line>, remedy: fn() -> Line) -> StoreError {
    StoreError::Unusable { detail: detail.into(), remedy, command: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_its_advice_in_one_sentence_whatever_the_database_says() {
        // Neither a semicolon nor a backtick of the database's own words is one of ours.
        let error = StoreError::Damaged { detail: "page 7; see `x`".to_owned() };
        let advice = error.advice().unwrap();
        assert_eq!(advice.found.to_string(), "the database is damaged (page 7; see `x`)");
        assert_eq!(
            error.to_string(),
            format!("{}; {}: `{}`", advice.found, advice.remedy, advice.command.unwrap())
        );
        assert_eq!(StoreError::wrong_state("a; b", Reason::TaskRuns).advice(), None);
    }
}
