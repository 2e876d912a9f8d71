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

use super::{
    Subject,
    finding::{Finding, count, size},
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
    line: String,
    is_damaged: bool,
}

fn look(folder: &Path) -> Finding {
    match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return fetch(Finding::note(
                "there is no folder of model weights yet: medsam2 cannot run; graph cut needs none",
            ));
        }
        Err(error) => {
            return Finding::warning(format!("the model folder cannot be read: {error}"))
                .remedy("name a folder that can be read, or give the right to read it")
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
        return fetch(Finding::note(format!(
            "no weights are in {}: medsam2 cannot run; graph cut needs none",
            shown(folder)
        )));
    }
    let damaged = found.iter().find(|it| it.is_damaged);
    let in_all = format!("{} in {}", count(found.len(), "model", "models"), shown(folder));
    let finding = match damaged {
        Some(it) => Finding::warning(format!("{in_all}: {} is damaged", it.model.file))
            .remedy("fetch it again, or import it again")
            .command(format!("voxloop models download {}", it.model.name)),
        None => Finding::ok(in_all),
    };
    finding.details(found.into_iter().map(|it| it.line).collect())
}

fn fetch(finding: Finding) -> Finding {
    let first = &MODELS[0];
    finding
        .remedy(format!("fetch weights ({})", first.licence))
        .command(format!("voxloop models download {}", first.name))
}

fn here(model: &'static Model, folder: &ModelFolder) -> Result<Option<Here>, models::ModelError> {
    let state = folder.state(model)?;
    let State::Present { size: bytes, record } = &state else { return Ok(None) };
    let missing = |path: &PathBuf| format!("{} is not the one that came with it", shown(path));
    let problem = match (record, folder.configuration(model)?) {
        (Some(record), _) if state.has_other_size() => {
            Some(format!("DAMAGED: the hub announced {}", size(record.size)))
        }
        (_, Configuration::Gone(path) | Configuration::Changed(path)) => Some(missing(&path)),
        (_, Configuration::BuiltIn | Configuration::File(_)) => None,
    };
    let is_damaged = problem.is_some();
    let state = match problem {
        Some(it) => it,
        None if state.is_pinned() => "pinned to the SHA-256 that the hub announced".to_owned(),
        None if record.is_some() => "not pinned: no hub vouches for it".to_owned(),
        None => "not pinned: placed by hand; `voxloop models verify` puts it on record".to_owned(),
    };
    Ok(Some(Here { model, line: format!("{}, {}, {state}", model.file, size(*bytes)), is_damaged }))
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
        assert!(damaged.details[0].contains("the hub announced 7 bytes"), "{damaged:?}");
        assert_eq!(damaged.command.as_deref(), Some("voxloop models download medsam2"));
    }
}
