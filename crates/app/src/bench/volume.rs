//! Reading a volume and writing a mask, in turns with nibabel, each run a process of its own.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::BufWriter,
    path::{Path, PathBuf},
};

use anyhow::Context;
use volume::{
    MaskFormat,
    phantom::{Phantom, PhantomOptions, phantom},
    write_mask, write_volume,
};

use super::{
    Bench,
    child::{self, Timed},
    figure::{Figure, Limit, Peer},
};

/// The files that are measured with.
struct Files {
    image: PathBuf,
    labels: PathBuf,
    shape: [usize; 3],
    voxel_bytes: u64,
}

/// Ours and the peer's runs of one step, in turns.
struct Turns {
    ours: Vec<Timed>,
    theirs: Vec<Timed>,
}

/// Measures reading and writing.
///
/// # Errors
/// If a file cannot be written, or a process fails.
pub(super) fn measure(bench: &Bench<'_>) -> anyhow::Result<Vec<Figure>> {
    let files = make(bench)?;
    let [ni, nj, nk] = files.shape;
    let grid = format!("{ni}×{nj}×{nk}");
    let nibabel = bench.python.as_ref().and_then(|it| it.nibabel());
    let peer = |runs: Vec<f64>| nibabel.clone().and_then(|name| Peer::measured(name, runs));
    let read = turns(bench, ["read".as_ref(), files.image.as_os_str()])?;

    let (ours, theirs) = (bench.folder.join("ours.nii.gz"), bench.folder.join("theirs.nii.gz"));
    let written = |out: &Path| {
        ["write".as_ref(), files.image.as_os_str(), files.labels.as_os_str(), out.as_os_str()]
            .map(OsStr::to_owned)
    };
    let write = turns_of(bench, written(&ours), written(&theirs))?;
    let kib = |it: &Path| fs::metadata(it).map_or(0, |it| it.len() >> 10);
    let sizes = match &nibabel {
        Some(_) => format!("{} KiB at gzip level 2, theirs {} at 1", kib(&ours), kib(&theirs)),
        None => format!("{} KiB at gzip level 2", kib(&ours)),
    };
    Ok(vec![
        Figure::new(
            format!("read {grid} int16 .nii.gz"),
            "s",
            secs(&read.ours),
            Limit::OfPeer(0.6),
            peer(secs(&read.theirs)),
        )
        .noting("the same file; numpy.asanyarray(nibabel.load(f).dataobj) by the peer"),
        Figure::new(
            "most memory of the process that reads it",
            "× voxels",
            peaks(&read.ours, files.voxel_bytes),
            Limit::AtMost(1.3),
            peer(peaks(&read.theirs, files.voxel_bytes)),
        ),
        Figure::new(
            format!("write a mask of {grid} .nii.gz"),
            "s",
            secs(&write.ours),
            Limit::OfPeer(0.5),
            peer(secs(&write.theirs)),
        )
        .noting(sizes),
    ])
}

fn make(bench: &Bench<'_>) -> anyhow::Result<Files> {
    let shape = if bench.quick { [64, 64, 32] } else { [512, 512, 300] };
    let Phantom { volume, labelmap, .. } = phantom(&PhantomOptions::ct(shape));
    let files = Files {
        image: bench.folder.join("ct.nii.gz"),
        labels: bench.folder.join("ct.label.nii.gz"),
        shape,
        voxel_bytes: volume.voxels.as_bytes().len() as u64,
    };
    let create = |path: &Path| {
        let file = File::create(path).with_context(|| format!("creating {}", path.display()))?;
        anyhow::Ok(BufWriter::new(file))
    };
    write_volume(&volume, MaskFormat::NiftiGz, create(&files.image)?)?;
    write_mask(&labelmap, &volume.header, MaskFormat::NiftiGz, create(&files.labels)?)?;
    Ok(files)
}

/// Both do the same.
fn turns(bench: &Bench<'_>, args: [&OsStr; 2]) -> anyhow::Result<Turns> {
    turns_of(bench, args, args)
}

/// In turns, after one run each that does not count: then both find the file in memory.
fn turns_of<I: AsRef<OsStr>, const N: usize>(
    bench: &Bench<'_>,
    ours: [I; N],
    theirs: [I; N],
) -> anyhow::Result<Turns> {
    let mut ours = child::command(ours)?;
    let python = bench.python.as_ref().filter(|it| it.nibabel().is_some());
    let mut theirs = python.map(|it| it.command(theirs));
    let mut turns = Turns { ours: Vec::new(), theirs: Vec::new() };
    for run in 0..=bench.n_runs {
        let timed: Timed = child::ask(&mut ours)?;
        let peer: Option<Timed> = theirs.as_mut().map(child::ask).transpose()?;
        if run > 0 {
            turns.ours.push(timed);
            turns.theirs.extend(peer);
        }
    }
    Ok(turns)
}

fn secs(runs: &[Timed]) -> Vec<f64> {
    runs.iter().map(|it| it.secs).collect()
}

/// Most memory, in multiples of the voxels' bytes; none where the system does not tell.
fn peaks(runs: &[Timed], voxel_bytes: u64) -> Vec<f64> {
    runs.iter().filter_map(|it| Some(it.peak_bytes? as f64 / voxel_bytes as f64)).collect()
}
