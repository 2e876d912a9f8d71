//! The database: that it answers, that its schema is this version's, that its file is whole.

use protocol::sentence::{self, Line};

use super::{Subject, finding::Finding};
use crate::store::{Advice, Store, StoreError};

/// What a failed statement means to the person who reads the diagnosis.
#[must_use]
pub fn of_database(error: &StoreError) -> Finding {
    let Some(Advice { found, remedy, command }) = error.advice() else {
        return Finding::error(error.to_string()).remedy(sentence::look_at_log());
    };
    let finding = Finding::error(found).remedy(remedy);
    match command {
        Some(it) => finding.command(it),
        None => finding,
    }
}

fn of(subject: &Subject) -> Result<&Store, Finding> {
    subject
        .database
        .as_ref()
        .map_err(|_said_elsewhere| Finding::skipped("the database cannot be looked at: see above"))
}

pub(super) async fn answers(subject: &Subject) -> Finding {
    let store = match &subject.database {
        Ok(it) => it,
        Err(finding) => return finding.clone(),
    };
    let address = subject.settings.place.as_ref().map_or("in memory", |it| it.database.as_str());
    match store.schema().await {
        Err(error) => return of_database(&error),
        Ok(schema) if schema.taken.is_empty() => {
            return Finding::ok(format!("{address} answers; it is empty"));
        }
        Ok(_) => {}
    }
    match store.jobs_and_newest_change().await {
        Ok((n_jobs, _)) => Finding::ok(sentence::database_answers(address, n_jobs)),
        Err(error) => of_database(&error),
    }
}

pub(super) async fn schema(subject: &Subject) -> Finding {
    let schema = match of(subject) {
        Ok(store) => store.schema().await,
        Err(finding) => return finding,
    };
    let schema = match schema {
        Ok(it) => it,
        Err(error) => return of_database(&error),
    };
    let known = schema.known.last().copied().unwrap_or(0);
    if let Some(found) = schema.taken.difference(&schema.known).max() {
        return of_database(&StoreError::Newer { found: *found, known });
    }
    let n_missing = schema.known.difference(&schema.taken).count();
    if n_missing > 0 {
        let steps = if n_missing == 1 { "step" } else { "steps" };
        return Finding::note(format!(
            "{n_missing} {steps} to this version's schema {known} are missing; the next start \
             takes them"
        ))
        .remedy("make a backup of the database before the next start");
    }
    Finding::ok(sentence::schema_fits(known))
}

pub(super) async fn integrity(subject: &Subject) -> Finding {
    let found = match of(subject) {
        Ok(store) => store.integrity().await,
        Err(finding) => return finding,
    };
    match found {
        Ok(None) => Finding::skipped(sentence::own_checks()),
        Ok(Some(faults)) if faults.is_empty() => Finding::ok(sentence::no_fault()),
        Ok(Some(faults)) => {
            let found = sentence::database_damaged(sentence::faults(faults.len()));
            let damaged = of_database(&StoreError::Damaged { detail: String::new() });
            damaged.saying(found).details(faults.into_iter().map(Line::from).collect())
        }
        Err(error) => of_database(&error),
    }
}
