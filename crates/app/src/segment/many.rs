//! `voxloop segment … --out DIR`: many images, several at once, one mask each.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Mutex,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, ensure};
use engine::Engine;
use tempfile::NamedTempFile;
use volume::{Labelmap, MaskFormat, SourceHeader, write_mask};
use walkdir::WalkDir;

use super::{
    SegmentArgs, objects,
    objects::{Parameters, Solved},
    plan::{self, ENDINGS, Item, Said},
    prompts::Marks,
    read_volume,
    record::{Decision, Done, Entry, History, MANIFEST, Stamp, Wanted, modified_ns},
    report::{Outcome, Report, Rest},
};
use crate::{
    apart::in_real_folder,
    batch::{
        Misuse, digest,
        inputs::{self, Found},
        interrupt::Interrupt,
        manifest::Manifest,
        pool::{self, Gate},
        progress::Progress,
    },
    whole_file,
};

/// Runs a batch.
///
/// # Errors
/// [`Misuse`] if the arguments cannot work, or if the output folder cannot be written.
pub(crate) fn run(args: &SegmentArgs, out: &Path) -> anyhow::Result<ExitCode> {
    let many = &args.many;
    let engine = args.engine.open()?;
    let found = collect(args, out)?;
    let format = many.format.format();
    let plan = plan::plan(found.inputs, many.prompts.as_deref(), format)?;
    let (items, left_out) = with_prompts(plan.items, args)?;
    fs::create_dir_all(out).with_context(|| format!("--out: cannot make {}", out.display()))?;
    let out = fs::canonicalize(out).with_context(|| format!("--out {}", out.display()))?;
    keep_inputs(&items, &out)?;
    let (manifest, entries) = Manifest::open::<Entry>(&out.join(MANIFEST))?;
    remove_partial_files(&out);
    let history = History::of(entries);
    // Masks of an earlier run beside their images are no images.
    let masks: BTreeSet<PathBuf> = history.outputs().map(|it| out.join(it)).collect();
    let left_out: Vec<String> = left_out
        .into_iter()
        .filter(|it| !masks.contains(&it.input.real))
        .map(|it| it.name)
        .collect();

    let interrupt = Interrupt::listen()?;
    let batch = Batch {
        out: &out,
        args,
        engine,
        format,
        manifest: &manifest,
        history: &history,
        gate: Gate::new(many.memory.unwrap_or_else(pool::default_memory_bytes)),
        report: Report {
            out: &out,
            json: many.say.json,
            progress: Progress::new(items.len(), many.say.quiet),
            ended: Mutex::default(),
        },
        interrupt: &interrupt,
    };
    let n_jobs = many.jobs.unwrap_or_else(pool::n_cpus);
    pool::for_each(&items, n_jobs, &interrupt, |it| batch.work(it), |it| batch.panicked(it));
    Ok(batch.report.conclude(&Rest {
        n_items: items.len(),
        left_out: &left_out,
        unused: &plan.unused,
        unreadable: &found.unreadable,
        is_interrupted: interrupt.is_asked(),
    }))
}

fn collect(args: &SegmentArgs, out: &Path) -> anyhow::Result<Found> {
    let output = fs::canonicalize(out).ok();
    let wanted = inputs::Wanted {
        what: "volume",
        endings: ENDINGS,
        is_deep: true,
        excluded: inputs::exclusions(&args.many.exclude)?,
        output: output.as_deref(),
    };
    inputs::collect(&args.inputs, &wanted)
}

/// The images to work on, and those that a folder or glob brought in and that nobody said anything
/// about: label files, say.
fn with_prompts(items: Vec<Item>, args: &SegmentArgs) -> anyhow::Result<(Vec<Item>, Vec<Item>)> {
    let is_meant = |it: &Item| it.input.is_named || !matches!(it.said, Said::Nothing);
    let (meant, rest): (Vec<Item>, Vec<Item>) = items.into_iter().partition(is_meant);
    if meant.iter().all(|it| matches!(it.said, Said::Nothing)) {
        let n_images = meant.len() + rest.len();
        let example = meant.iter().chain(&rest).next().map_or("", |it| it.name.as_str());
        let message = match &args.many.prompts {
            Some(path) => format!(
                "--prompts {}: none of its names is one of the {n_images} images, such as {example}",
                path.display()
            ),
            None => format!(
                "none of the {n_images} images has prompts; give --prompts FILE, or \
                 NAME.prompts.json beside each image"
            ),
        };
        return Err(Misuse(message).into());
    }
    Ok((meant, rest))
}

/// Refuses to write where an image is.
fn keep_inputs(items: &[Item], out: &Path) -> anyhow::Result<()> {
    let images: BTreeSet<&Path> = items.iter().map(|it| it.input.real.as_path()).collect();
    for item in items {
        // A folder below may be a link to that of the images.
        if images.contains(in_real_folder(&out.join(&item.output)).as_path()) {
            let message = format!(
                "--out: the mask of {} would overwrite the image {}",
                item.name, item.output
            );
            return Err(Misuse(message).into());
        }
    }
    Ok(())
}

/// Removes what a run that was killed left half written. The manifest is locked, so it is nobody's.
fn remove_partial_files(out: &Path) {
    for entry in WalkDir::new(out).into_iter().filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy();
        if whole_file::is_unfinished(&name) {
            // Where it cannot be removed it does no harm: nothing reads it.
            fs::remove_file(entry.path()).ok();
        }
    }
}

/// A running batch.
struct Batch<'a> {
    out: &'a Path,
    args: &'a SegmentArgs,
    engine: Engine,
    format: MaskFormat,
    manifest: &'a Manifest,
    history: &'a History,
    gate: Gate,
    report: Report<'a>,
    interrupt: &'a Interrupt,
}

impl Batch<'_> {
    fn work(&self, item: &Item) {
        self.report.progress.begin(&item.name);
        match self.segment(item) {
            Ok(outcome) => self.report.image(item, outcome),
            // What was dropped halfway is neither done nor failed.
            Err(_) if self.interrupt.is_asked() => {}
            Err(error) => self.failed(item, format!("{error:#}")),
        }
    }

    fn panicked(&self, item: &Item) {
        self.failed(item, "a fault of the program; please report it".to_owned());
    }

    fn failed(&self, item: &Item, mut error: String) {
        let (name, finished_ms) = (item.name.clone(), now_ms());
        let entry = Entry::Failed { name, error: error.clone(), finished_ms };
        if let Err(unwritten) = self.manifest.append(&entry) {
            error = format!("{error}; {unwritten:#}");
        }
        self.report.image(item, Outcome::Failed(error));
    }

    fn segment(&self, item: &Item) -> anyhow::Result<Outcome> {
        let started = Instant::now();
        let marks = match &item.said {
            Said::Marks(marks) => marks,
            Said::Wrong(reason) => anyhow::bail!("{reason}"),
            Said::Nothing => anyhow::bail!("there are no prompts for it"),
        };
        let image = self.stamp(item)?;
        let key = self.key(&image, marks)?;
        let target = self.out.join(&item.output);
        let on_disk = match digest::of_file(&target) {
            Ok(sha256) => Some(sha256),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", target.display()));
            }
        };
        if !self.args.many.again.force {
            let wanted = Wanted { input: &place(item), image: &image.sha256, key: &key };
            match self.history.decide(&item.output, &wanted, on_disk.as_deref()) {
                Decision::Segment => {}
                Decision::Unchanged => return Ok(Outcome::Unchanged),
                Decision::Edited => return Ok(Outcome::Edited),
                Decision::OfAnother(input) => anyhow::bail!(
                    "{} is the mask of another image, {input}; give another --out, or --force to \
                     overwrite",
                    target.display()
                ),
                Decision::Foreign => anyhow::bail!(
                    "{} is there already and no run wrote it so; move it, or --force to overwrite",
                    target.display()
                ),
            }
        }
        let (source, Solved { labelmap, objects, engine }) = self.solve(item, marks)?;
        let partial = self.write(&target, &labelmap, &source)?;
        let done = Box::new(Done {
            name: item.name.clone(),
            input: place(item),
            image,
            output: item.output.clone(),
            mask_sha256: digest::of_file(partial.path())?,
            mask_bytes: partial.as_file().metadata()?.len(),
            key,
            marks: marks.clone(),
            engine,
            parameters: self.parameters(),
            objects,
            seconds: started.elapsed().as_secs_f64(),
            finished_ms: now_ms(),
        });
        // First the line, then the name: a mask without a line would be taken for a person's.
        self.manifest.append(&Entry::Done(done.clone()))?;
        partial.persist(&target).with_context(|| format!("cannot write {}", target.display()))?;
        Ok(Outcome::Done(done))
    }

    /// What the image is. The same file as in an earlier run is not read again if it looks untouched.
    fn stamp(&self, item: &Item) -> anyhow::Result<Stamp> {
        let path = &item.input.path;
        let cannot = || format!("cannot read {}", path.display());
        let metadata = fs::metadata(path).with_context(cannot)?;
        // Another image of the same name may have the same size and time.
        let earlier = self.history.newest(&item.output).filter(|it| it.input == place(item));
        if let Some(stamp) = earlier.map(|it| &it.image).filter(|it| it.looks_like(&metadata))
            && !self.args.many.again.checksum
        {
            return Ok(stamp.clone());
        }
        let sha256 = digest::of_file(path).with_context(cannot)?;
        Ok(Stamp { sha256, bytes: metadata.len(), modified_ns: modified_ns(&metadata) })
    }

    fn parameters(&self) -> Parameters {
        Parameters {
            direction: self.args.direction.into(),
            combine: self.args.combine.into(),
            largest_component: self.args.largest_component,
            two_d: self.args.two_d,
            uncertainty: self.args.many.uncertainty,
            medsam2: match &self.engine {
                Engine::Graphcut => None,
                Engine::Medsam2(network) => Some(network.options()),
            },
        }
    }

    /// Digest of all that the mask depends on.
    fn key(&self, image: &Stamp, marks: &Marks) -> anyhow::Result<String> {
        let engine = self.engine.identity();
        let ending = self.format.extension();
        Ok(digest::of_value(&(&image.sha256, marks, engine, self.parameters(), ending))?)
    }

    fn solve(&self, item: &Item, marks: &Marks) -> anyhow::Result<(SourceHeader, Solved)> {
        let path = &item.input.path;
        let _pass = self.gate.enter(pool::needed_bytes(path)?);
        ensure!(!self.interrupt.is_asked(), "interrupted");
        let volume = read_volume(path)?;
        let engine = &self.engine;
        let solved = objects::segment(engine, &volume, marks, self.parameters(), self.interrupt)?;
        Ok((volume.header, solved))
    }

    /// Writes the mask beside its place, under a name that nobody reads.
    fn write(
        &self,
        target: &Path,
        labelmap: &Labelmap,
        source: &SourceHeader,
    ) -> anyhow::Result<NamedTempFile> {
        let folder = target.parent().unwrap_or(self.out);
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        whole_file::unfinished(target, |out| write_mask(labelmap, source, self.format, out))
    }
}

/// Where an image is, from wherever the program is called.
fn place(item: &Item) -> String {
    item.input.real.display().to_string()
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
