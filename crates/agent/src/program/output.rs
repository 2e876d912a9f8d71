//! What a program left in `out/`: its result, and files.

use std::{fs, path::Path};

use protocol::{external::is_output_name, task::FailureClass};
use serde_json::Value;
use walkdir::{DirEntry, WalkDir};

use super::failed;
use crate::runner::{RunError, WrittenFile};

/// The file of the result, and how large it may be: it travels within one message.
const RESULT: &str = "result.json";
const MAX_RESULT: u64 = 512 << 10;

const MAX_FILES: usize = 1_000;

/// What a program made.
#[derive(Debug, PartialEq)]
pub(super) struct Made {
    pub(super) result: Value,
    pub(super) files: Vec<WrittenFile>,
}

/// Bytes of the files in `out/`; those of links count nothing.
pub(super) fn size(folder: &Path) -> u64 {
    let files = WalkDir::new(folder.join("out")).into_iter().filter_map(Result::ok);
    files.filter_map(|it| it.metadata().ok()).filter(fs::Metadata::is_file).map(|it| it.len()).sum()
}

pub(super) fn too_large(max_output: u64) -> RunError {
    let message = format!("the program wrote more than {max_output} bytes (--exec-max-output)");
    failed(FailureClass::Permanent, "output_too_large", message)
}

/// Reads `out/` of a run's folder.
///
/// # Errors
/// If the result is no JSON, a name cannot be used, or there is too much.
pub(super) fn collect(folder: &Path, max_output: u64) -> Result<Made, RunError> {
    let wrong = |message: String| failed(FailureClass::Permanent, "bad_output", message);
    let out = folder.join("out");
    let (mut files, mut bytes) = (Vec::new(), 0_u64);
    let mut result = Value::Null;
    let entries = WalkDir::new(&out).min_depth(1).sort_by_file_name().into_iter();
    for entry in entries.filter_entry(|it| !is_hidden(it)) {
        let entry = entry.map_err(|it| wrong(format!("out/ cannot be read: {it}")))?;
        if entry.file_type().is_dir() {
            continue;
        }
        let path = entry.path();
        let name = name(path.strip_prefix(&out).unwrap_or(path)).ok_or_else(|| {
            wrong(format!("out/ holds a file whose name cannot be used: {}", path.display()))
        })?;
        if !entry.file_type().is_file() {
            return Err(wrong(format!("out/{name} is no file: links are not followed")));
        }
        let size = entry.metadata().map_err(|it| wrong(format!("out/{name}: {it}")))?.len();
        bytes += size;
        if bytes > max_output {
            return Err(too_large(max_output));
        }
        if name == RESULT {
            result = read_result(path, size).map_err(wrong)?;
            continue;
        }
        if files.len() == MAX_FILES {
            return Err(wrong(format!("out/ holds more than {MAX_FILES} files: pack them")));
        }
        let media_type = mime_guess::from_path(path).first_or_octet_stream().to_string();
        files.push(WrittenFile { name, path: path.to_owned(), size, media_type });
    }
    Ok(Made { result, files })
}

/// What tools leave beside a result (`.DS_Store`, `.ipynb_checkpoints`) is none.
fn is_hidden(entry: &DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(b".")
}

fn read_result(path: &Path, size: u64) -> Result<Value, String> {
    if size > MAX_RESULT {
        return Err(format!(
            "out/{RESULT} has {size} bytes; at most {MAX_RESULT} are taken: write the rest to other \
             files"
        ));
    }
    let bytes = fs::read(path).map_err(|it| format!("out/{RESULT}: {it}"))?;
    serde_json::from_slice(&bytes).map_err(|it| format!("out/{RESULT} is no JSON: {it}"))
}

/// A file's name within `out/`, with `/` between folders.
fn name(path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = path.iter().map(|it| it.to_str()).collect();
    parts.map(|it| it.join("/")).filter(|it| is_output_name(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        fs::create_dir_all(out.join("maps")).unwrap();
        (folder, out)
    }

    fn code(made: Result<Made, RunError>) -> String {
        match made {
            Err(RunError::Failed(it)) => it.code,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_result_and_files_in_folders_are_taken() {
        let (folder, out) = out();
        fs::write(out.join("result.json"), r#"{"class":"LUAD","p":0.93}"#).unwrap();
        fs::write(out.join("maps/heat.png"), "png").unwrap();
        fs::write(out.join("list"), "").unwrap();
        fs::create_dir(out.join(".cache")).unwrap();
        fs::write(out.join(".cache/x"), "").unwrap();
        fs::write(out.join("maps/.DS_Store"), "").unwrap();
        let made = collect(folder.path(), 1_000).unwrap();
        assert_eq!(made.result["class"], "LUAD");
        let files: Vec<_> = made
            .files
            .iter()
            .map(|it| (it.name.as_str(), it.size, it.media_type.as_str()))
            .collect();
        let expected = [("list", 0, "application/octet-stream"), ("maps/heat.png", 3, "image/png")];
        assert_eq!(files, expected);
        assert_eq!(size(folder.path()), 28);
    }

    #[test]
    fn nothing_at_all_is_no_failure() {
        let (folder, _) = out();
        let made = collect(folder.path(), 0).unwrap();
        assert_eq!(made, Made { result: Value::Null, files: Vec::new() });
    }

    #[test]
    fn too_much_and_what_is_no_json_are_refused() {
        let (folder, out) = out();
        fs::write(out.join("a"), [0; 11]).unwrap();
        assert_eq!(code(collect(folder.path(), 10)), "output_too_large");
        fs::write(out.join("result.json"), "{").unwrap();
        assert_eq!(code(collect(folder.path(), 100)), "bad_output");
        let large = format!("\"{}\"", "x".repeat(600 << 10));
        fs::write(out.join("result.json"), large).unwrap();
        assert_eq!(code(collect(folder.path(), 10 << 20)), "bad_output");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        let (folder, out) = out();
        std::os::unix::fs::symlink("/etc/passwd", out.join("a")).unwrap();
        assert_eq!(code(collect(folder.path(), 1 << 20)), "bad_output");
    }
}
