//! The folders: that they are there, that they can be written, and that there is room.

use std::{
    io::{ErrorKind, Read, Seek, Write},
    path::{Path, PathBuf},
};

use protocol::sentence::{self, Line};
use sysinfo::Disks;

use super::{
    Subject,
    finding::{Finding, quoted, size},
};
use crate::settings::Place;

/// Below this much free space the next upload may fail.
const LITTLE_BYTES: u64 = 5 << 30;

/// Below this much free space even masks may fail.
const VERY_LITTLE_BYTES: u64 = 200 << 20;

pub(super) fn no_place() -> Finding {
    Finding::skipped(sentence::no_place())
}

pub(super) async fn data(subject: &Subject) -> Finding {
    let Some(place) = &subject.settings.place else { return no_place() };
    let folder = place.data_dir.clone();
    let found = writable(&folder, "--data-dir", "DATA_ROOT").await;
    match found {
        Ok(()) if subject.server.is_some() => Finding::ok(sentence::folder_locked(shown(&folder))),
        Ok(()) if subject.other.is_some() => {
            Finding::note(format!("{} can be written; a running server uses it", shown(&folder)))
                .remedy("to start another server, choose another folder")
                .command("voxloop serve --data-dir DIR --listen 127.0.0.1:PORT")
        }
        Ok(()) => Finding::ok(format!("{} can be written; no server uses it", shown(&folder))),
        Err(finding) => finding,
    }
}

pub(super) async fn temp(subject: &Subject) -> Finding {
    let Some(place) = &subject.settings.place else { return no_place() };
    let folder = place.temp_dir.clone();
    match writable(&folder, "--temp-dir", "TEMP_ROOT").await {
        Ok(()) => Finding::ok(sentence::folder_writable(shown(&folder))),
        Err(finding) => finding,
    }
}

pub(super) async fn log(subject: &Subject) -> Finding {
    let Some(place) = &subject.settings.place else { return no_place() };
    let Some(folder) = place.log_dir.clone() else {
        return Finding::note(sentence::no_log_files());
    };
    match tokio::task::spawn_blocking(move || list(&folder).map(|it| (folder, it))).await {
        Ok(Ok((folder, files))) => {
            let bytes = files.iter().map(|(_, bytes)| bytes).sum();
            Finding::ok(sentence::log_files(files.len(), shown(&folder), size(bytes)))
        }
        Ok(Err(error)) if error.kind() == ErrorKind::NotFound => {
            Finding::note(sentence::log_files_later())
        }
        Ok(Err(error)) => Finding::warning(sentence::log_files_hidden(error.to_string()))
            .remedy(sentence::give_folder_rights()),
        Err(error) => Finding::warning(error.to_string()),
    }
}

pub(super) async fn free_space(subject: &Subject) -> Finding {
    let Some(place) = &subject.settings.place else { return no_place() };
    let place = place.clone();
    let largest = subject.settings.max_upload_bytes;
    let spaces = tokio::task::spawn_blocking(move || spaces(&place)).await.unwrap_or_default();
    let Some((folder, free, _)) = spaces.iter().min_by_key(|(_, free, _)| *free) else {
        return Finding::skipped(sentence::space_unknown());
    };
    let lines = spaces.iter().map(|(folder, free, total)| {
        sentence::space_of_folder(shown(folder), size(*free), size(*total))
    });
    let found = sentence::space_free(size(*free), shown(folder));
    let command = format!("du -xh {} | sort -h | tail", quoted(&shown(folder)));
    let remedy = sentence::make_room();
    let finding = if *free < VERY_LITTLE_BYTES {
        Finding::error(found).remedy(remedy).command(command)
    } else if *free < LITTLE_BYTES.min(largest) {
        Finding::warning(sentence::space_little(size(*free), shown(folder), size(largest)))
            .remedy(remedy)
            .command(command)
    } else {
        Finding::ok(found)
    };
    finding.details(lines.collect())
}

/// Free and total bytes of the disks below the data and the temporary folder.
fn spaces(place: &Place) -> Vec<(PathBuf, u64, u64)> {
    let Ok(disks) = Disks::new_with_refreshed_list() else { return Vec::new() };
    [&place.data_dir, &place.temp_dir]
        .into_iter()
        .filter_map(|folder| {
            let path = std::path::absolute(folder).ok()?;
            let there = path.ancestors().find(|it| it.exists())?.canonicalize().ok()?;
            let below = disks.iter().filter(|it| there.starts_with(it.mount_point()));
            let disk = below.max_by_key(|it| it.mount_point().as_os_str().len())?;
            Some((folder.clone(), disk.available_space(), disk.total_space()))
        })
        .collect()
}

/// Whether a folder can be written.
///
/// # Errors
/// What stands in the way.
pub async fn writable(folder: &Path, flag: &str, variable: &str) -> Result<(), Finding> {
    let path = folder.to_owned();
    let tried = tokio::task::spawn_blocking(move || try_to_write(&path)).await;
    let error = match tried {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => error,
        Err(error) => return Err(Finding::warning(error.to_string())),
    };
    Err(unwritable(folder, &error, &format!("{flag} DIR ({variable})")))
}

fn unwritable(folder: &Path, error: &std::io::Error, other: &str) -> Finding {
    let folder = shown(folder);
    if error.kind() == ErrorKind::NotFound {
        return Finding::note(sentence::folder_missing(folder));
    }
    let command = if error.kind() == ErrorKind::PermissionDenied {
        format!("sudo chown -R {} {}", own_user(), quoted(&folder))
    } else {
        other.to_owned()
    };
    Finding::error(sentence::folder_unwritable(folder, error.to_string()))
        .remedy(sentence::or_another_folder(remedy_for(error)))
        .command(command)
}

/// The number of the user that this process runs as: the one who has to be able to write.
#[cfg(unix)]
fn own_user() -> String {
    use std::os::unix::fs::MetadataExt;
    // A new file belongs to whoever makes it.
    let owner = tempfile::tempfile().and_then(|it| it.metadata()).map(|it| it.uid());
    owner.map_or_else(|_no_room| "\"$(id -u)\"".to_owned(), |it| it.to_string())
}

#[cfg(not(unix))]
fn own_user() -> String {
    "USER".to_owned()
}

/// What to do about a folder that cannot be written.
#[must_use]
pub fn remedy_for(error: &std::io::Error) -> Line {
    type Say = fn() -> Line;
    const REMEDIES: &[(ErrorKind, Say)] = &[
        (ErrorKind::StorageFull, sentence::room_on_disk),
        (ErrorKind::QuotaExceeded, sentence::room_in_quota),
        (ErrorKind::ReadOnlyFilesystem, sentence::mount_writable),
        (ErrorKind::PermissionDenied, sentence::give_write_right),
        (ErrorKind::NotADirectory, sentence::file_in_the_way),
        (ErrorKind::AlreadyExists, sentence::file_in_the_way),
    ];
    let known = REMEDIES.iter().find(|(kind, _)| *kind == error.kind());
    known.map_or_else(sentence::see_disk, |(_, remedy)| remedy())
}

/// Writes and reads back a file without a name, which leaves no trace.
pub(super) fn try_to_write(folder: &Path) -> std::io::Result<()> {
    const WORDS: &[u8] = b"voxloop was here";
    if !folder.try_exists()? {
        return Err(ErrorKind::NotFound.into());
    }
    let mut file = tempfile::tempfile_in(folder)?;
    file.write_all(WORDS)?;
    file.sync_all()?;
    file.rewind()?;
    let mut back = Vec::new();
    file.read_to_end(&mut back)?;
    if back == WORDS {
        Ok(())
    } else {
        Err(std::io::Error::other("what was written is not what is read back"))
    }
}

/// Names and sizes of the files in a folder.
fn list(folder: &Path) -> std::io::Result<Vec<(String, u64)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_file() {
            files.push((entry.file_name().to_string_lossy().into_owned(), metadata.len()));
        }
    }
    files.sort();
    Ok(files)
}

/// A folder as a person finds it again.
pub(super) fn shown(folder: &Path) -> String {
    std::path::absolute(folder).unwrap_or_else(|_as_it_is| folder.to_owned()).display().to_string()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use protocol::diagnosis::CheckName;

    use super::*;

    #[test]
    fn a_command_to_copy_names_the_folder_as_one_word_and_the_user_of_this_process() {
        let denied = ErrorKind::PermissionDenied.into();
        let folder = Path::new("/srv/the lab's/data");
        let check = unwritable(folder, &denied, "--data-dir DIR").named(CheckName::DataFolder);
        let words = shlex::split(&check.command.unwrap()).unwrap();
        let user = tempfile::tempdir().unwrap().path().metadata().unwrap().uid().to_string();
        assert_eq!(words, ["sudo", "chown", "-R", user.as_str(), "/srv/the lab's/data"]);
    }
}
