//! Who encodes, who waits, and what is kept.

use std::{path::Path, thread};

use super::*;
use crate::Medsam2;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/medsam2-micro")
}

fn micro() -> (Sam2, ModelIdentity) {
    let config = sam2::Config::open(&folder().join("config.yaml")).unwrap();
    let model =
        Sam2::open(&folder().join("checkpoint.pt"), &config, &Device::Cpu, sam2::Precision::F32)
            .unwrap();
    let identity = ModelIdentity {
        name: "micro".to_owned(),
        sha256: id::Sha256::from_digest([7; 32]),
        licence: String::new(),
        precision: "f32".to_owned(),
        device: "cpu".to_owned(),
        window: None,
        remark: None,
    };
    (model, identity)
}

fn asked(greys: &[u8], urgency: Urgency) -> Asked<'_> {
    Asked { greys, urgency, kept: None }
}

#[test]
fn memory_is_bounded_and_the_slice_asked_for_last_stays() {
    let (model, identity) = micro();
    let bytes_each = 4 * SliceEmbedding::n_numbers(model.config());
    let embeddings = Embeddings::new(&model, &identity, Device::Cpu, 2 * bytes_each);
    let side = model.config().image_size;
    let ask = |grey: u8, n_encoded: u64| {
        let greys = vec![grey; side * side];
        embeddings.get(&model, &asked(&greys, Urgency::Now)).unwrap();
        assert_eq!(embeddings.n_encoded(), n_encoded);
    };
    ask(1, 1);
    ask(2, 2);
    ask(1, 2);
    ask(3, 3);
    ask(1, 3);
    ask(2, 4);
    assert_eq!(embeddings.n_kept(), 2);
}

#[test]
fn many_who_ask_at_once_share_one_run() {
    let (model, identity) = micro();
    let embeddings = Embeddings::new(&model, &identity, Device::Cpu, 1 << 20);
    let greys = vec![9; model.config().image_size.pow(2)];
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| embeddings.get(&model, &asked(&greys, Urgency::Now)).unwrap());
        }
    });
    assert_eq!(embeddings.n_encoded(), 1);
}

#[test]
fn a_person_waits_for_a_run_in_the_background_unless_it_is_held_up() {
    let run = |urgency, age: Duration| Run {
        number: 1,
        urgency,
        since: Instant::now().checked_sub(age).unwrap(),
    };
    let usual = Some(Duration::from_secs(60));
    let patience = |urgency, age, asking| run(urgency, age).patience(asking, usual);
    let (young, old) = (Duration::from_secs(30), Duration::from_secs(91));
    let left = patience(Urgency::Background, young, Urgency::Now).unwrap();
    assert!(left > Duration::from_secs(50) && left <= Duration::from_secs(60));
    assert_eq!(patience(Urgency::Background, old, Urgency::Now), Some(Duration::ZERO));
    assert_eq!(patience(Urgency::Background, old, Urgency::Background), None);
    assert_eq!(patience(Urgency::Now, old, Urgency::Now), None);
}

#[test]
fn a_run_in_the_background_pauses_for_whoever_goes_first_but_not_for_who_waits_for_it() {
    let (model, identity) = micro();
    let embeddings = Embeddings::new(&model, &identity, Device::Cpu, 1 << 20);
    let side = model.config().image_size;
    let slices = [1, 2].map(|it| vec![it; side * side]);
    thread::scope(|scope| {
        let prompt = embeddings.go_first();
        let [looked_at, prompted] = &slices;
        let background = scope.spawn(|| {
            embeddings.get(&model, &asked(looked_at, Urgency::Background)).unwrap();
        });
        // Another slice is encoded while the one in the background stands still.
        embeddings.get(&model, &asked(prompted, Urgency::Now)).unwrap();
        assert_eq!(embeddings.n_encoded(), 1);
        assert!(!background.is_finished());
        // The same slice: the prompt lets it go on, and takes its result.
        embeddings.state().usual = Some(Duration::from_secs(600));
        embeddings.get(&model, &asked(looked_at, Urgency::Now)).unwrap();
        assert_eq!(embeddings.n_encoded(), 2);
        drop(prompt);
        background.join().unwrap();
    });
    assert_eq!(embeddings.state().n_first, 0);
    assert_eq!(embeddings.n_encoded(), 2);
}

#[test]
fn a_run_that_is_held_up_is_overtaken() {
    let (model, identity) = micro();
    let embeddings = Embeddings::new(&model, &identity, Device::Cpu, 1 << 20);
    let greys = vec![9; model.config().image_size.pow(2)];
    let key: Key = embeddings.weights.clone().chain_update(&greys).finalize().into();
    let Found::Begun(number) = embeddings.find_or_begin(&key, Urgency::Background) else {
        panic!("nothing is known yet");
    };
    let held_up = Running { embeddings: &embeddings, key, number };
    let since = Instant::now().checked_sub(2 * FIRST_PATIENCE).unwrap();
    embeddings.state().running.get_mut(&key).unwrap().since = since;
    embeddings.get(&model, &asked(&greys, Urgency::Now)).unwrap();
    assert_eq!(embeddings.n_encoded(), 1);
    drop(held_up);
    assert!(embeddings.state().running.is_empty());
}

#[test]
fn narrow_numbers_are_the_same_whether_they_were_kept_or_not() {
    let (model, identity) = micro();
    let identity = ModelIdentity { precision: "bf16".to_owned(), ..identity };
    let kept = tempfile::tempdir().unwrap();
    let files = EmbeddingFiles::new(kept.path().to_owned(), 1 << 20);
    let image = id::Sha256::from_digest([1; 32]);
    let greys: Vec<u8> = (0..=255).cycle().take(model.config().image_size.pow(2)).collect();
    let ask = |n_encoded: u64| {
        let embeddings = Embeddings::new(&model, &identity, Device::Cpu, 1 << 20);
        let kept = Some((&files, &image));
        let asked = Asked { greys: &greys, urgency: Urgency::Now, kept };
        let numbers = embeddings.get(&model, &asked).unwrap().numbers().unwrap();
        assert_eq!(embeddings.n_encoded(), n_encoded);
        numbers
    };
    assert_eq!(ask(1), ask(0));
}

#[test]
fn other_weights_share_nothing() {
    let open = |sha256: [u8; 32]| {
        let (model, identity) = micro();
        let sha256 = id::Sha256::from_digest(sha256);
        Medsam2::new(model, ModelIdentity { sha256, ..identity })
    };
    let key = |it: Medsam2| -> Key { it.network.embeddings.weights.clone().finalize().into() };
    assert_ne!(key(open([1; 32])), key(open([2; 32])));
    assert_eq!(key(open([1; 32])), key(open([1; 32])));
}
