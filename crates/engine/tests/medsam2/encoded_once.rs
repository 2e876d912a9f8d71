//! The encoder takes most of the time: it runs once for a slice, whatever is asked of the slice.

use std::{fs, path::PathBuf, sync::Arc};

use engine::{Engine, Medsam2, medsam2::EmbeddingFiles, segment_slice};
use protocol::{
    id::Sha256,
    prompt::{Direction, SlicePrompt, SliceRef},
};

use crate::support::{KEY, SHAPE, boxed, empty, network, on, point, request, run, slices};

/// Room for every slice.
const LIMIT: u64 = 64 << 20;
const N_SLICES: u64 = SHAPE[2] as u64;

fn image() -> Sha256 {
    Sha256::from_digest([5; 32])
}

/// A network that has just been opened, with what an earlier one left on disk.
fn opened(folder: PathBuf) -> Medsam2 {
    network().keeping_embeddings(Arc::new(EmbeddingFiles::new(folder, LIMIT))).of_image(&image())
}

/// A box, both directions, a correction, both directions again, a second object; the masks.
fn work(network: &Medsam2) -> Vec<Vec<u8>> {
    let engine = Engine::Medsam2(network.clone());
    let volume = slices();
    let slice = segment_slice(&engine, &volume, &boxed(), None).unwrap();
    let vouched = SlicePrompt { mask: true, ..boxed() };
    let both = request(vec![vouched.clone()], Direction::Both);
    let first = run(network, &both, &slice.on_grid(SHAPE));
    let corrected = SlicePrompt { points: vec![point(0.3, 0.4, false)], ..on(12) };
    let again = run(network, &request(vec![vouched, corrected], Direction::Both), &first.mask);
    let other = SlicePrompt { label: 2, points: vec![point(0.8, 0.8, true)], ..on(15) };
    let other = engine::PropagationRequest { label: 2, ..request(vec![other], Direction::Both) };
    let second = run(network, &other, &empty());
    let masks = [slice.on_grid(SHAPE), first.mask, again.mask, second.mask];
    masks.into_iter().map(|it| it.voxels).collect()
}

#[test]
fn the_encoder_runs_once_per_slice_and_after_a_restart_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let network = opened(folder.path().to_owned());
    let masks = work(&network);
    assert_eq!(network.n_encoded(), N_SLICES);
    let restarted = opened(folder.path().to_owned());
    assert_eq!(work(&restarted), masks);
    assert_eq!(restarted.n_encoded(), 0);
}

#[test]
fn a_slice_that_was_looked_at_is_not_encoded_for_its_prompt() {
    let network = network();
    let volume = slices();
    let key = SliceRef { axis: 2, slice_index: KEY };
    network.prepare(&volume, key).unwrap();
    assert_eq!(network.n_encoded(), 1);
    let engine = Engine::Medsam2(network.clone());
    let prepared = segment_slice(&engine, &volume, &boxed(), None).unwrap();
    assert_eq!(network.n_encoded(), 1);
    let unprepared = Engine::Medsam2(crate::support::network());
    let unprepared = segment_slice(&unprepared, &volume, &boxed(), None).unwrap();
    assert_eq!(prepared.logits, unprepared.logits);
    let outside = network.prepare(&volume, SliceRef { axis: 2, slice_index: 20 }).unwrap_err();
    assert_eq!(outside.field(), Some("slice_index"));
}

#[test]
fn damaged_and_deleted_embeddings_are_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let masks = work(&opened(folder.path().to_owned()));
    let kept: Vec<PathBuf> = fs::read_dir(folder.path().join(image().as_str()))
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    assert_eq!(kept.len(), SHAPE[2]);
    let mut bytes = fs::read(&kept[0]).unwrap();
    bytes[5000] ^= 0x40;
    fs::write(&kept[0], bytes).unwrap();
    fs::write(&kept[1], b"").unwrap();
    fs::remove_file(&kept[2]).unwrap();
    let network = opened(folder.path().to_owned());
    assert_eq!(work(&network), masks);
    assert_eq!(network.n_encoded(), 3);
}
