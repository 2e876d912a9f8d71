//! The model folder: which weights are here, whether they are whole, and whether a hub vouches for
//! them.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use models::{
    catalogue::{MODELS, Model},
    folder::ModelFolder,
    record::{Configuration, State},
};
use protocol::sentence::{self, Line};

use super::{
    Subject,
    finding::{Finding, size},
    folders::{no_place, shown},
};

pub(super) async fn folder(subject: &Subject) -> Finding {
    let Some(place) = &subject.settings.place else { return no_place() };
    models(&place.model_dir).await
}

/// Which weights are in a folder. Nothing is read whole.
pub async fn models(folder: &Path) -> Finding {
    let folder = folder.to_owned();
    match tokio::task::spawn_blocking(move || look(&folder)).await {
        Ok(it) => it,
        Err(error) => Finding::warning(error.to_string()),
    }
}

/// A model that is here.
struct Here {
    model: &'static Model,
    line: Line,
    is_damaged: bool,
}

fn look(folder: &Path) -> Finding {
    match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return fetch(Finding::note(sentence::no_model_folder()));
        }
        Err(error) => {
            return Finding::warning(sentence::model_folder_unreadable(error.to_string()))
                .remedy(sentence::name_readable_folder())
                .command("--model-dir DIR (MODEL_ROOT)");
        }
        Ok(_) => {}
    }
    let found: Result<Vec<Here>, models::ModelError> = MODELS
        .iter()
        .filter_map(|model| here(model, &ModelFolder::new(folder)).transpose())
        .collect();
    let found = match found {
        Ok(it) => it,
        Err(error) => return Finding::warning(error.to_string()).command("voxloop models verify"),
    };
    if found.is_empty() {
        return fetch(Finding::note(sentence::no_weights(shown(folder))));
    }
    let damaged = found.iter().find(|it| it.is_damaged);
    let in_all = sentence::models_here(found.len(), shown(folder));
    let finding = match damaged {
        Some(it) => Finding::warning(sentence::model_damaged(in_all, it.model.file))
            .remedy(sentence::fetch_again())
            .command(format!("voxloop models download {}", it.model.name)),
        None => Finding::ok(in_all),
    };
    finding.details(found.into_iter().map(|it| it.line).collect())
}

fn fetch(finding: Finding) -> Finding {
    let first = &MODELS[0];
    finding
        .remedy(sentence::fetch_weights(first.licence))
        .command(format!("voxloop models download {}", first.name))
}

fn here(model: &'static Model, folder: &ModelFolder) -> Result<Option<Here>, models::ModelError> {
    let state = folder.state(model)?;
    let State::Present { size: bytes, record } = &state else { return Ok(None) };
    let missing = |path: &PathBuf| sentence::other_configuration(shown(path));
    let problem = match (record, folder.configuration(model)?) {
        (Some(record), _) if state.has_other_size() => {
            Some(sentence::other_size(size(record.size)))
        }
        (_, Configuration::Gone(path) | Configuration::Changed(path)) => Some(missing(&path)),
        (_, Configuration::BuiltIn | Configuration::File(_)) => None,
    };
    let is_damaged = problem.is_some();
    let state = match problem {
        Some(it) => it,
        None if state.is_pinned() => sentence::pinned(),
        None if record.is_some() => sentence::not_vouched_for(),
        None => sentence::placed_by_hand(),
    };
    Ok(Some(Here {
        model,
        line: sentence::model_here(model.file, size(*bytes), state),
        is_damaged,
    }))
}

#[cfg(test)]
mod tests {
    use models::record::Verdict;
    use protocol::diagnosis::{CheckName, CheckState};

    use super::*;

    #[tokio::test]
    async fn weights_are_named_with_what_is_known_of_them() {
        let root = tempfile::tempdir().unwrap();
        let check = async |folder: &Path| models(folder).await.named(CheckName::ModelFolder);
        let nothing = check(&root.path().join("none")).await;
        assert_eq!(nothing.state, CheckState::Note);
        assert_eq!(nothing.command.as_deref(), Some("voxloop models download medsam2"));
        assert!(check(root.path()).await.found.contains("no weights are in"));

        std::fs::write(root.path().join(MODELS[0].file), b"weights").unwrap();
        let by_hand = check(root.path()).await;
        assert_eq!(by_hand.state, CheckState::Ok);
        assert!(by_hand.details[0].contains("placed by hand"), "{by_hand:?}");

        let folder = ModelFolder::new(root.path());
        let Verdict::Unrecorded(mut record) = folder.verify(&MODELS[0]).unwrap() else { panic!() };
        folder.put_on_record(&MODELS[0], &record).unwrap();
        assert!(check(root.path()).await.details[0].contains("no hub vouches for it"));

        // Another file in its place is no fault, unless a hub said what it should be.
        std::fs::write(root.path().join(MODELS[0].file), b"weigh").unwrap();
        assert!(check(root.path()).await.details[0].contains("placed by hand"));
        record.announced = true;
        folder.put_on_record(&MODELS[0], &record).unwrap();
        let damaged = check(root.path()).await;
        assert_eq!(damaged.state, CheckState::Warning);
        assert!(damaged.details[0].contains("the hub announced 7 B"), "{damaged:?}");
        assert_eq!(damaged.command.as_deref(), Some("voxloop models download medsam2"));
    }
}
