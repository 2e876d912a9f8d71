//! A diagnosis: what was looked at, what was found, what to do about it. The same on the command
//! line (`voxloop doctor`) and on the page.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::sentence::Said;

/// How good or bad a finding is, from good to bad.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum CheckState {
    /// Could not be looked at; the finding says why.
    Skipped,
    /// As it should be.
    Ok,
    /// Worth knowing; nothing has to be done.
    Note,
    /// Works, but something should be done.
    Warning,
    /// Does not work until something is done.
    Error,
}

/// What is looked at.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CheckName {
    /// Whether a server answers.
    Server,
    /// The address that the server listens on.
    Port,
    /// The server's certificate.
    Certificate,
    /// Settings that do not go together, or that are risky.
    Settings,
    /// The page inside the binary.
    Page,
    /// The folder of database, images and masks, and who uses it.
    DataFolder,
    /// The folder of files that need not survive a restart.
    TempFolder,
    /// The folder of log files.
    LogFolder,
    /// The folder of model weights.
    ModelFolder,
    /// Free space where images and masks lie.
    FreeSpace,
    /// Whether the database answers.
    Database,
    /// The database's schema against the one that this version knows.
    Schema,
    /// The database's own check of its file.
    Integrity,
    /// Whether images and masks can be written and read back.
    Storage,
    /// Whether every image and mask is there with the bytes that its name says.
    Blobs,
    /// Stored files that no job refers to.
    Orphans,
    /// The programs that run tasks.
    Agents,
    /// Tasks that wait.
    Queue,
    /// Which engines can run.
    Engines,
    /// Graphics processors.
    Gpu,
    /// The machine's memory.
    Memory,
    /// The machine's clock.
    Clock,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// What was looked at.
    pub name: CheckName,
    /// How good or bad it is.
    pub state: CheckState,
    /// What was found, in one sentence with the values.
    pub found: String,
    /// More of it, a line each: the files that are damaged, the tasks that wait.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// The command or setting of the remedy, as it is typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The same sentences by their names, for pages in other languages.
    pub said: CheckSaid,
}

/// The sentences of a check by their names. Where a name is missing, the text is the same in every
/// language: a path, or the words of another program.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckSaid {
    /// What was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Said>,
    /// As many as there are lines of details.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Option<Said>>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Said>,
}

/// Who looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Examiner {
    /// The running server, from inside.
    Server,
    /// The command line, at folders and database whose server does not run or does not answer.
    Files,
    /// The command line on an agent's machine.
    Agent,
}

/// How many stored files are read to compare them with their SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BlobDepth {
    /// Every one.
    All,
    /// The newest, up to 256 MiB; of the others that they are there.
    #[default]
    Sample,
    /// None; only that they are there.
    None,
}

/// Everything that was found: no names of patients, jobs or images, and no passwords.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Diagnosis {
    /// Of the program that looked.
    pub version: String,
    /// Operating system and processor.
    pub system: String,
    /// Who looked.
    pub examiner: Examiner,
    /// When, milliseconds since 1970.
    pub made_ms: i64,
    /// The worst state among the checks.
    pub worst: CheckState,
    /// What was found.
    pub checks: Vec<Check>,
}
