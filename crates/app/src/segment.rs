//! `voxloop segment`: one object in one image, from the command line.

use std::{
    fs::{self, File},
    io::BufWriter,
    path::{Path, PathBuf},
    process::ExitCode,
    str::FromStr,
    time::Instant,
};

use anyhow::{Context, bail};
use engine::{Propagation, PropagationRequest, Stage, Uncertainty};
use indicatif::{ProgressBar, ProgressStyle};
use protocol::{
    prompt::{Combine, Direction, Point, SlicePrompt, SliceRef},
    task::EngineName,
};
use serde_json::json;
use volume::{Labelmap, MaskFormat, ReadOptions, Volume};

/// Arguments of `voxloop segment`.
#[derive(Debug, clap::Args)]
pub(crate) struct SegmentArgs {
    /// NIfTI or NRRD file.
    pub(crate) image: PathBuf,
    /// Stored axis across the slices: 0, 1 or 2.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(0..=2))]
    pub(crate) axis: u8,
    /// Slice that the box lies on, counted from 0.
    #[arg(long)]
    pub(crate) slice: u32,
    /// Box around the object, in voxels of the slice, inclusive.
    #[arg(long = "box", value_name = "X1,Y1,X2,Y2")]
    pub(crate) bounds: Option<BoxArg>,
    /// Point inside (+) or outside (-) the object, on the box's slice or on slice K; may be given
    /// several times.
    #[arg(long, value_name = "X,Y[,K],+|-", allow_hyphen_values = true)]
    pub(crate) point: Vec<PointArg>,
    /// First and last slice that may hold the object, inclusive.
    #[arg(long, value_name = "A..B")]
    pub(crate) range: Option<RangeArg>,
    /// Which way to go from the slice; forward is towards rising indices.
    #[arg(long, value_enum, default_value_t = DirectionArg::Both)]
    pub(crate) direction: DirectionArg,
    /// What becomes of voxels that only one of two passes found.
    #[arg(long, value_enum, default_value_t = CombineArg::Union)]
    pub(crate) combine: CombineArg,
    /// The engine.
    #[arg(long, value_enum, default_value_t = EngineArg::Graphcut)]
    pub(crate) engine: EngineArg,
    /// Only the slice itself; the mask still has the image's whole grid.
    #[arg(long)]
    pub(crate) two_d: bool,
    /// Mask to write: .nii.gz, .nii or .nrrd.
    #[arg(short, long, value_name = "MASK")]
    pub(crate) output: PathBuf,
    /// Also write how long each step took, and measure uncertainty.
    #[arg(long, value_name = "FILE.json")]
    pub(crate) timing: Option<PathBuf>,
}

/// `X1,Y1,X2,Y2`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct BoxArg(pub(crate) [f64; 4]);

impl FromStr for BoxArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Vec<f64> = text
            .split(',')
            .map(|it| it.trim().parse().map_err(|_invalid| format!("`{it}` is not a number")))
            .collect::<Result<_, _>>()?;
        let bounds: [f64; 4] = numbers
            .try_into()
            .map_err(|it: Vec<f64>| format!("expected X1,Y1,X2,Y2, got {} numbers", it.len()))?;
        Ok(Self(bounds))
    }
}

/// `X,Y,+`, `X,Y,-`, `X,Y,K,+` or `X,Y,K,-`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PointArg {
    point: Point,
    slice_index: Option<u32>,
}

impl FromStr for PointArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        let (x, y, slice, sign) = match parts.as_slice() {
            [x, y, sign] => (x, y, None, sign),
            [x, y, slice, sign] => (x, y, Some(slice), sign),
            _ => return Err("expected X,Y,+ or X,Y,- or X,Y,K,+ or X,Y,K,-".to_owned()),
        };
        let number =
            |it: &str| it.parse::<f64>().map_err(|_invalid| format!("`{it}` is not a number"));
        let positive = match *sign {
            "+" => true,
            "-" => false,
            other => return Err(format!("`{other}` should be + or -")),
        };
        let slice_index = slice
            .map(|it| it.parse().map_err(|_invalid| format!("`{it}` is not a slice index")))
            .transpose()?;
        Ok(Self { point: Point { x: number(x)?, y: number(y)?, positive }, slice_index })
    }
}

/// `A..B`, inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RangeArg(pub(crate) [u32; 2]);

impl FromStr for RangeArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (first, last) = text.split_once("..").ok_or("expected A..B")?;
        let last = last.strip_prefix('=').unwrap_or(last);
        let index =
            |it: &str| it.trim().parse().map_err(|_invalid| format!("`{it}` is not a slice index"));
        Ok(Self([index(first)?, index(last)?]))
    }
}

/// Which way to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum DirectionArg {
    /// To both ends.
    Both,
    /// To rising indices.
    Forward,
    /// To falling indices.
    Backward,
}

/// What becomes of voxels that only one of two passes found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum CombineArg {
    /// They belong to the object.
    Union,
    /// They do not.
    Intersection,
}

/// The engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum EngineArg {
    /// The embedded engine: no weights, no graphics card.
    Graphcut,
}

impl EngineArg {
    /// The engine's name in the protocol.
    #[must_use]
    pub(crate) fn name(self) -> EngineName {
        match self {
            Self::Graphcut => EngineName::Graphcut,
        }
    }
}

/// Runs `voxloop segment`.
///
/// # Errors
/// If a file cannot be read or written, or the prompt does not fit the image.
#[expect(clippy::print_stdout, reason = "the outermost layer says what it wrote")]
pub(crate) fn run(args: &SegmentArgs) -> anyhow::Result<ExitCode> {
    let format = mask_format(&args.output)?;
    let started = Instant::now();
    let volume = read_volume(&args.image)?;
    let load_ms = milliseconds(started);
    let bar = Bar::new();
    let (mask, times) = segment(args, &volume, &bar)?;
    bar.0.finish_and_clear();
    let started = Instant::now();
    let output = File::create(&args.output)
        .with_context(|| format!("cannot write {}", args.output.display()))?;
    volume::write_mask(&mask, &volume.header, format, BufWriter::new(output))
        .with_context(|| format!("cannot write {}", args.output.display()))?;
    let write_ms = milliseconds(started);
    if let Some(path) = &args.timing {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let timing = json!({
            "load_ms": load_ms,
            "ms_2d": times.slice,
            "ms_3d": times.volume,
            "ms_uncertainty": times.uncertainty,
            "write_ms": write_ms,
            "threads": threads,
        });
        fs::write(path, format!("{timing:#}\n"))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let ml = volume::metrics::volume_ml(&mask, &volume.grid, 1);
    println!("{}: {} voxels, {ml:.2} ml", args.output.display(), mask.count(1));
    Ok(ExitCode::SUCCESS)
}

/// Milliseconds in the engine; none for a step that was not asked for.
struct Times {
    slice: f64,
    volume: Option<f64>,
    uncertainty: Option<f64>,
}

fn segment(args: &SegmentArgs, volume: &Volume, bar: &Bar) -> anyhow::Result<(Labelmap, Times)> {
    let prompts = prompts(args)?;
    let engine = args.engine.name();
    let slice = engine::segment_slice(engine, volume, &prompts[0], None)?;
    let mut times = Times { slice: slice.engine_ms, volume: None, uncertainty: None };
    let base = slice.on_grid(volume.shape());
    if args.two_d {
        return Ok((base, times));
    }
    let mut prompts = prompts;
    prompts[0].mask = true;
    let request = PropagationRequest {
        label: 1,
        axis: args.axis,
        prompts,
        direction: match args.direction {
            DirectionArg::Both => Direction::Both,
            DirectionArg::Forward => Direction::Forward,
            DirectionArg::Backward => Direction::Backward,
        },
        range: args.range.map(|it| it.0),
        combine: match args.combine {
            CombineArg::Union => Combine::Union,
            CombineArg::Intersection => Combine::Intersection,
        },
    };
    let uncertainty = if args.timing.is_some() { Uncertainty::Measure } else { Uncertainty::Skip };
    let propagation: Propagation =
        engine::propagate(engine, volume, &request, &base, uncertainty, bar)?;
    times.volume = Some(propagation.solve_ms);
    times.uncertainty = propagation.doubt.map(|_| propagation.uncertainty_ms);
    Ok((propagation.mask, times))
}

/// The key slice's prompt first, then one for each other slice with points.
fn prompts(args: &SegmentArgs) -> anyhow::Result<Vec<SlicePrompt>> {
    let on = |slice_index: u32| SlicePrompt {
        slice: SliceRef { axis: args.axis, slice_index },
        label: 1,
        bounds: None,
        points: Vec::new(),
        scribbles: Vec::new(),
        mask: false,
        absent: false,
    };
    let mut prompts = vec![SlicePrompt { bounds: args.bounds.map(|it| it.0), ..on(args.slice) }];
    for it in &args.point {
        let index = it.slice_index.unwrap_or(args.slice);
        let known = prompts.iter().position(|prompt| prompt.slice.slice_index == index);
        let at = known.unwrap_or_else(|| {
            prompts.push(on(index));
            prompts.len() - 1
        });
        prompts[at].points.push(it.point);
    }
    if args.bounds.is_none() && !prompts[0].points.iter().any(|it| it.positive) {
        bail!("slice {} needs --box or a positive --point", args.slice);
    }
    if args.two_d && prompts.len() > 1 {
        bail!("--two-d takes points on slice {} only", args.slice);
    }
    Ok(prompts)
}

/// Reads an image, naming the file in the error.
///
/// # Errors
/// If the file is missing or is no image that can be read.
pub(crate) fn read_volume(path: &Path) -> anyhow::Result<Volume> {
    let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
    volume::read(path, name, &ReadOptions::default())
        .with_context(|| format!("cannot read {}", path.display()))
}

fn mask_format(path: &Path) -> anyhow::Result<MaskFormat> {
    let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
    MaskFormat::of_file_name(name)
        .with_context(|| format!("{name}: a mask's name ends in .nii.gz, .nii or .nrrd"))
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

/// A progress bar on a terminal; nothing elsewhere.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::new(1);
        let style = ProgressStyle::with_template("{msg:12} {bar:30} {pos}/{len}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self(bar)
    }
}

impl engine::Control for Bar {
    fn progress(&self, stage: Stage, done: u32, total: u32) {
        self.0.set_message(match stage {
            Stage::Solving => "solving",
            Stage::Uncertainty => "uncertainty",
        });
        self.0.set_length(u64::from(total));
        self.0.set_position(u64::from(done));
    }

    fn partial(&self, _: &Labelmap) {}

    fn is_cancelled(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_boxes_and_ranges_are_read_as_written() {
        let on_slice: PointArg = "12,34.5,+".parse().unwrap();
        assert_eq!(on_slice.point, Point { x: 12.0, y: 34.5, positive: true });
        assert_eq!(on_slice.slice_index, None);
        let elsewhere: PointArg = "1,2,7,-".parse().unwrap();
        assert_eq!((elsewhere.slice_index, elsewhere.point.positive), (Some(7), false));
        assert_eq!("1,2,3,4".parse::<BoxArg>().unwrap().0, [1.0, 2.0, 3.0, 4.0]);
        assert_eq!("3..9".parse::<RangeArg>().unwrap().0, [3, 9]);
    }

    #[test]
    fn malformed_arguments_say_what_is_wrong() {
        assert!("1,2".parse::<PointArg>().unwrap_err().contains("X,Y,K,+"));
        assert!("1,2,up".parse::<PointArg>().unwrap_err().contains("+ or -"));
        assert!("1,2,3".parse::<BoxArg>().unwrap_err().contains("3 numbers"));
        assert!("a..4".parse::<RangeArg>().unwrap_err().contains('a'));
    }
}
