//! The model folder: what is imported, placed by hand, changed, and which configuration belongs to it.

#![expect(clippy::unwrap_used, reason = "test code: a panic is the answer")]

use std::path::Path;

use models::{
    catalogue::{self, Model, PUBLISHED_CONFIG},
    folder::{Import, ModelFolder},
    record::{Configuration, State, Verdict},
};
use sha2::{Digest, Sha256};

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|it| format!("{it:02x}")).collect()
}

fn model() -> &'static Model {
    catalogue::find("medsam2").unwrap()
}

#[test]
fn weights_bring_their_configuration_and_leave_that_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let models = ModelFolder::new(folder.path());
    let (file, yaml) = (folder.path().join("mine.pt"), folder.path().join("mine.yaml"));
    std::fs::write(&file, b"weights").unwrap();
    std::fs::write(&yaml, b"model: small").unwrap();
    let heart = catalogue::find("medsam2-us-heart").unwrap();
    let own = folder.path().join("MedSAM2_US_Heart.yaml");
    let shared = folder.path().join(PUBLISHED_CONFIG);
    let named = Import { weights: &file, config: Some(&yaml) };
    let published = Import { weights: &file, config: None };

    models.import(heart, named, |_, _| Ok(())).unwrap();
    assert_eq!(models.configuration(heart).unwrap(), Configuration::File(own.clone()));
    models.import(model(), published, |_, _| Ok(())).unwrap();
    assert_eq!(models.configuration(model()).unwrap(), Configuration::File(shared.clone()));
    std::fs::write(&own, b"model: other").unwrap();
    assert_eq!(models.configuration(heart).unwrap(), Configuration::Changed(own.clone()));
    std::fs::remove_file(&own).unwrap();
    assert_eq!(models.configuration(heart).unwrap(), Configuration::Changed(shared.clone()));
    std::fs::remove_file(&shared).unwrap();
    assert_eq!(models.configuration(heart).unwrap(), Configuration::Gone(own.clone()));
    // The published dimensions are in the binary.
    assert_eq!(models.configuration(model()).unwrap(), Configuration::BuiltIn);

    // Under the published name lies another file: it stays, and does not count for these weights.
    std::fs::write(&shared, b"model: by hand").unwrap();
    models.import(heart, published, |_, _| Ok(())).unwrap();
    assert_eq!(models.configuration(heart).unwrap(), Configuration::File(own.clone()));
    std::fs::remove_file(&shared).unwrap();
    models.import(heart, published, |_, _| Ok(())).unwrap();
    assert_eq!(models.configuration(heart).unwrap(), Configuration::File(shared));
    assert!(!own.exists());
}

#[test]
fn only_a_file_that_a_hub_vouches_for_is_damaged_by_a_change() {
    let folder = tempfile::tempdir().unwrap();
    let models = ModelFolder::new(folder.path());
    let path = models.path(model());
    std::fs::write(&path, b"by hand").unwrap();
    let unrecorded = || {
        let Verdict::Unrecorded(record) = models.verify(model()).unwrap() else { panic!() };
        record
    };
    let mut record = unrecorded();
    assert_eq!((record.sha256.as_str(), record.announced), (sha256(b"by hand").as_str(), false));
    assert_eq!(unrecorded(), record, "verifying writes nothing");
    models.put_on_record(model(), &record).unwrap();
    assert_eq!(models.verify(model()).unwrap(), Verdict::Intact(record.clone()));

    // Somebody put another one there.
    std::fs::write(&path, b"by another hand").unwrap();
    assert_eq!(unrecorded().sha256, sha256(b"by another hand"));
    let state = models.state(model()).unwrap();
    assert_eq!(state, State::Present { size: 15, record: None });

    record.announced = true;
    models.put_on_record(model(), &record).unwrap();
    assert!(models.state(model()).unwrap().has_other_size());
    std::fs::write(&path, b"by hamd").unwrap();
    let Verdict::Changed { found, .. } = models.verify(model()).unwrap() else { panic!() };
    assert_eq!(found, sha256(b"by hamd"));
}

#[test]
fn a_file_that_cannot_be_used_is_not_imported_and_the_old_one_stays() {
    let folder = tempfile::tempdir().unwrap();
    let models = ModelFolder::new(&folder.path().join("models"));
    let file = folder.path().join("weights.pt");
    std::fs::write(&file, b"first").unwrap();
    let import = Import { weights: &file, config: None };
    let first = models.import(model(), import, |_, _| Ok(())).unwrap();
    assert_eq!(first.sha256, sha256(b"first"));
    std::fs::write(&file, b"second").unwrap();
    let refuse = |_: &Path, _: &Path| Err("no tensors".to_owned());
    let error = models.import(model(), import, refuse).unwrap_err();
    assert!(error.to_string().contains("no tensors"));
    assert_eq!(std::fs::read(models.path(model())).unwrap(), b"first");
    assert_eq!(models.verify(model()).unwrap(), Verdict::Intact(first));
}

#[test]
fn what_an_interrupted_import_left_is_removed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let models = ModelFolder::new(folder.path());
    let file = folder.path().join("mine.pt");
    std::fs::write(&file, b"weights").unwrap();
    let leftover = folder.path().join(".voxloop-a1B2c3.partial");
    let others = [".tmpa1B2c3", ".voxloop", "notes.partial"].map(|it| folder.path().join(it));
    for path in others.iter().chain([&leftover]) {
        std::fs::write(path, b"half").unwrap();
    }
    models.remove_leftovers();
    assert!(!leftover.exists());
    assert!(others.iter().all(|it| it.exists()));

    // Another call does not take away what an import is at.
    let import = Import { weights: &file, config: None };
    let record = models.import(model(), import, |copy, config| {
        models.remove_leftovers();
        assert!(copy.exists() && config.exists());
        Ok(())
    });
    assert_eq!(record.unwrap().sha256, sha256(b"weights"));
    models.remove_leftovers();
    let is_unfinished = |name: &str| name.ends_with(".partial") && name.starts_with('.');
    let names = std::fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name());
    assert!(names.map(|it| it.into_string().unwrap()).all(|it| !is_unfinished(&it)));
}
