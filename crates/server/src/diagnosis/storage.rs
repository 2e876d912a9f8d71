//! Images and masks: that the storage answers, and that what the database refers to is there and
//! whole.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    diagnosis::BlobDepth,
    id::Sha256,
    sentence::{self, Line},
};

use super::{
    Subject,
    finding::{Finding, quoted, size},
    folders,
};
use crate::{
    blobs::{BlobError, BlobStore, StoredBlob},
    cleanup,
    settings::Place,
    store::census::{Reference, What},
};

/// A sample reads at most this much.
const SAMPLE_BYTES: u64 = 256 << 20;

pub(super) async fn answers(subject: &Subject) -> Finding {
    let blobs = match &subject.blobs {
        Ok(it) => it,
        Err(finding) => return finding.clone(),
    };
    let list = match blobs.list().await {
        Ok(it) => it,
        Err(error) => return failed(&error),
    };
    let bytes = list.iter().map(|it| it.bytes).sum();
    let found = sentence::stored_files(list.len(), size(bytes));
    if subject.server.is_none() {
        return Finding::ok(found);
    }
    let folder = blobs.temporary().to_owned();
    match tokio::task::spawn_blocking(move || folders::try_to_write(&folder)).await {
        Ok(Ok(())) => Finding::ok(sentence::written_and_read(found)),
        Ok(Err(error)) => failed(&error.into()),
        Err(error) => Finding::warning(error.to_string()),
    }
}

fn failed(error: &BlobError) -> Finding {
    let finding = Finding::error(match error {
        BlobError::Bucket(cause) => sentence::bucket_failed(cause.to_string()),
        BlobError::Io(cause) => sentence::storage_failed(cause.to_string()),
        BlobError::Missing(_)
        | BlobError::Damaged { .. }
        | BlobError::WrongDigest { .. }
        | BlobError::InUse(_)
        | BlobError::Address { .. } => error.to_string().into(),
    });
    match error {
        BlobError::Bucket(_) | BlobError::Address { .. } => finding
            .remedy(sentence::check_bucket())
            .command("OBJECT_STORE_URL=s3://bucket/prefix AWS_ENDPOINT=… AWS_ACCESS_KEY_ID=…"),
        BlobError::Missing(_)
        | BlobError::Damaged { .. }
        | BlobError::WrongDigest { .. }
        | BlobError::InUse(_)
        | BlobError::Io(_) => finding.remedy(sentence::room_in_data_folder()),
    }
}

/// What the database refers to beside what the storage holds.
struct Inventory<'a> {
    blobs: &'a dyn BlobStore,
    stored: BTreeMap<Sha256, StoredBlob>,
    needed: Vec<Reference>,
}

async fn inventory(subject: &Subject) -> Result<Inventory<'_>, Finding> {
    let unseen = |_said_elsewhere: &Finding| {
        Finding::skipped("database or storage cannot be looked at: see above")
    };
    let store = subject.database.as_ref().map_err(unseen)?;
    let blobs = subject.blobs.as_ref().map_err(unseen)?;
    // The rows first: a blob that a row needs was stored before the row was.
    let needed = store.references().await.map_err(|it| super::of_database(&it))?;
    let stored = blobs.list().await.map_err(|it| failed(&it))?;
    let stored = stored.into_iter().map(|it| (it.sha256.clone(), it)).collect();
    Ok(Inventory { blobs: &**blobs, stored, needed })
}

pub(super) async fn blobs(subject: &Subject) -> Finding {
    let inventory = match inventory(subject).await {
        Ok(it) => it,
        Err(finding) => return finding,
    };
    let mut faults: Vec<(What, Line)> = Vec::new();
    let (mut seen, mut n_read, mut bytes_read) = (BTreeSet::new(), 0_usize, 0);
    for it in &inventory.needed {
        if !seen.insert(it.sha256.clone()) {
            continue;
        }
        let Some(stored) = inventory.stored.get(&it.sha256) else {
            faults.push((it.what, line(it, sentence::is_missing())));
            continue;
        };
        let is_read = match subject.depth {
            BlobDepth::All => true,
            BlobDepth::Sample => bytes_read + stored.bytes <= SAMPLE_BYTES,
            BlobDepth::None => false,
        };
        if !is_read {
            continue;
        }
        (n_read, bytes_read) = (n_read + 1, bytes_read + stored.bytes);
        match inventory.blobs.verify(&it.sha256).await {
            Ok(()) => {}
            Err(BlobError::Missing(_)) => faults.push((it.what, line(it, sentence::is_missing()))),
            Err(BlobError::Damaged { reason, .. }) => {
                faults.push((it.what, line(it, sentence::is_damaged(reason))));
            }
            Err(error) => {
                faults.push((it.what, line(it, sentence::is_unreadable(error.to_string()))));
            }
        }
    }
    let all = sentence::files_read(seen.len(), n_read, size(bytes_read));
    verdict(faults, all, n_read < seen.len() && subject.depth != BlobDepth::None)
}

/// A line about a blob. Names of jobs may be names of patients: the identifier says which it is.
fn line(reference: &Reference, fault: Line) -> Line {
    let what = match reference.what {
        What::Image => sentence::an_image(),
        What::Mask => sentence::a_mask(),
        What::File => sentence::a_file(),
        What::Output => sentence::an_output(),
    };
    let owner = match reference.owner.split_once(' ') {
        Some(("job", job)) => sentence::of_job(job),
        Some(("request", request)) => sentence::of_request(request),
        _ => reference.owner.clone().into(),
    };
    sentence::file_of(what, owner, reference.sha256.as_str(), fault)
}

fn verdict(mut faults: Vec<(What, Line)>, all: Line, is_sample: bool) -> Finding {
    if faults.is_empty() {
        let finding = Finding::ok(all);
        return if is_sample {
            finding.remedy(sentence::read_every_file()).command("voxloop doctor --blobs all")
        } else {
            finding
        };
    }
    faults.sort_by_cached_key(|(what, line)| (*what, line.to_string()));
    let worst = faults.first().map(|(what, _)| *what);
    let found = sentence::files_bad(faults.len(), all);
    let lines = faults.into_iter().map(|(_, line)| line).collect();
    // Outputs are part of a revision's mask by the time anybody looks.
    let finding = match worst {
        Some(What::Output) | None => Finding::warning(found),
        Some(What::Image | What::Mask | What::File) => Finding::error(found),
    };
    let remedy = match worst {
        Some(What::Image) => sentence::bring_back_images(),
        Some(What::Mask) | None => sentence::bring_back_masks(),
        Some(What::File) => sentence::bring_back_files(),
        Some(What::Output) => sentence::nothing_lost(),
    };
    finding.details(lines).remedy(remedy)
}

pub(super) async fn orphans(subject: &Subject) -> Finding {
    let inventory = match inventory(subject).await {
        Ok(it) => it,
        Err(finding) => return finding,
    };
    let needed: BTreeSet<_> = inventory.needed.iter().map(|it| &it.sha256).collect();
    let idle: Vec<_> = inventory
        .stored
        .values()
        .filter(|it| !needed.contains(&it.sha256) && it.age >= cleanup::MIN_AGE)
        .collect();
    if idle.is_empty() {
        return Finding::ok(sentence::no_orphans());
    }
    let bytes = idle.iter().map(|it| it.bytes).sum();
    let finding = Finding::note(sentence::orphans(idle.len(), size(bytes)));
    match &subject.settings.place {
        Some(place) if subject.server.is_some() => {
            finding.remedy(sentence::remove_now()).command(clean_up(place))
        }
        Some(_) | None => finding,
    }
}

/// The command that has a running server remove what no job needs, typed on its machine.
fn clean_up(place: &Place) -> String {
    let token = place.token_file.as_deref().map(folders::shown).map_or_else(String::new, |it| {
        format!(" -H \"Authorization: Bearer $(cat {})\"", quoted(&it))
    });
    let address = Place::from_here(place.listen);
    format!("curl -X POST{token} http://{address}/api/v1/system/cleanup")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clean_up_is_asked_for_at_loopback_and_with_the_token() {
        let place = |listen: &str, token_file: Option<&str>| Place {
            listen: listen.parse().unwrap(),
            data_dir: "data".into(),
            model_dir: "models".into(),
            temp_dir: "temp".into(),
            log_dir: None,
            database: String::new(),
            token_file: token_file.map(Into::into),
            bucket: None,
        };
        assert_eq!(
            clean_up(&place("127.0.0.1:8000", None)),
            "curl -X POST http://127.0.0.1:8000/api/v1/system/cleanup"
        );
        let command = clean_up(&place("0.0.0.0:81", Some("/etc/vox loop/token")));
        let [header, address] = ["\"Authorization: Bearer $(cat ", "http://127.0.0.1:81/api/"];
        assert!(command.contains(header) && command.contains(address), "{command}");
        assert!(command.contains(&format!("$(cat {})", quoted("/etc/vox loop/token"))));
    }
}
