//! External work: what a laboratory's own program computes, and the requests that ask for it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    id::{Sha256, TaskId},
    task::{Progress, TaskFailure, TaskState},
};

/// Run a laboratory's own program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct External {
    /// The program, by the name under which agents offer it.
    pub program: String,
    /// What the program is told: any JSON, opaque to the server.
    #[schema(value_type = Value)]
    pub arguments: serde_json::Value,
    /// Files that it reads.
    #[serde(default)]
    pub inputs: Vec<InputFile>,
}

/// A file that a program reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InputFile {
    /// Its name in the program's folder.
    pub name: String,
    /// Its bytes.
    pub sha256: Sha256,
    /// How many bytes.
    pub size: u64,
}

/// A file that a program wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutputFile {
    /// Its name; parts of a folder's name are divided by `/`.
    pub name: String,
    /// Its bytes.
    pub sha256: Sha256,
    /// How many bytes.
    pub size: u64,
    /// What kind of file it is, such as `image/png`.
    pub media_type: String,
}

/// What a program made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExternalOutput {
    /// What it says: any JSON.
    #[schema(value_type = Value)]
    pub result: serde_json::Value,
    /// The files that it wrote.
    #[serde(default)]
    pub files: Vec<OutputFile>,
}

/// Asks for a run of a program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRequest {
    /// The program, by the name under which agents offer it.
    pub program: String,
    /// What it is told: any JSON; an empty object by default.
    #[serde(default = "no_arguments")]
    #[schema(value_type = Value)]
    pub arguments: serde_json::Value,
    /// Files that it reads, uploaded before.
    #[serde(default)]
    pub inputs: Vec<NewInput>,
}

fn no_arguments() -> serde_json::Value {
    serde_json::Value::Object(serde_json::Map::new())
}

/// Names an uploaded file for a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInput {
    /// Its name in the program's folder: letters, digits and signs, without `/`.
    pub name: String,
    /// Its bytes.
    pub sha256: Sha256,
}

/// An uploaded file that a request may name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UploadedFile {
    /// Its bytes.
    pub sha256: Sha256,
    /// How many bytes.
    pub size: u64,
}

/// A request as lists show it: the task that runs the program has the same identifier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RequestSummary {
    /// Its identifier, and its task's.
    pub request_id: TaskId,
    /// The program.
    pub program: String,
    /// Where it stands.
    pub status: TaskState,
    /// Who asked for it; empty where nobody said so.
    pub by: String,
    /// How far the program has come.
    pub progress: Progress,
    /// How often it was granted.
    pub attempt: u32,
    /// Whether a person asked to stop it.
    pub cancel_requested: bool,
    /// The agent that has or had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<TaskFailure>,
    /// Milliseconds since 1970 when it was asked for.
    pub created_ms: i64,
    /// When it was last granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_ms: Option<i64>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_ms: Option<i64>,
}

/// A request with what it asks for and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Request {
    /// What lists show.
    #[serde(flatten)]
    pub summary: RequestSummary,
    /// What the program is told.
    #[schema(value_type = Value)]
    pub arguments: serde_json::Value,
    /// Files that it reads.
    pub inputs: Vec<InputFile>,
    /// What it made; none until it has succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<ExternalOutput>,
}

/// A program and who runs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProgramStatus {
    /// Its name.
    pub program: String,
    /// Agents that live and offer it; none: requests wait until one comes.
    pub agents: Vec<String>,
    /// Requests that wait for it.
    pub waiting: u64,
}

/// Most bytes of a program's name.
pub const MAX_PROGRAM_NAME: usize = 100;

/// Whether `text` can name a program: letters, digits, `-`, `_` and `.`.
#[must_use]
pub fn is_program_name(text: &str) -> bool {
    let is_plain = |it: u8| it.is_ascii_alphanumeric() || b"-_.".contains(&it);
    (1..=MAX_PROGRAM_NAME).contains(&text.len()) && text.bytes().all(is_plain)
}

/// Whether `text` can name a file in a program's folder: a name without folders, which no system
/// takes for something else.
#[must_use]
pub fn is_file_name(text: &str) -> bool {
    let is_harmless = |it: char| !it.is_control() && !"/\\:*?\"<>|".contains(it);
    (1..=200).contains(&text.len())
        && !text.starts_with('.')
        && !text.ends_with(['.', ' '])
        && text.chars().all(is_harmless)
}

/// Whether `text` can name a program's output: file names divided by `/`.
#[must_use]
pub fn is_output_name(text: &str) -> bool {
    text.len() <= 500 && text.split('/').all(is_file_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_lead_out_of_its_folder() {
        for name in ["slide.svs", "a b (1).png", "환자.nii.gz", "x"] {
            assert!(is_file_name(name), "{name}");
        }
        let long = "a".repeat(201);
        for name in ["", ".", "..", ".hidden", "a/b", "a\\b", "C:x", "a\0b", "a\n", "a.", &long] {
            assert!(!is_file_name(name), "{name:?}");
        }
        assert!(is_output_name("heat/map.png"));
        for name in ["/etc/passwd", "a//b", "../a", "a/..", "a/", ""] {
            assert!(!is_output_name(name), "{name:?}");
        }
        assert!(is_program_name("clam-v2.1_x"));
        for name in ["", "a b", "a,b", "%", "é", &"p".repeat(101)] {
            assert!(!is_program_name(name), "{name:?}");
        }
    }
}
