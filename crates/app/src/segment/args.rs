//! Arguments of `voxloop segment`.

use std::{path::PathBuf, str::FromStr};

use protocol::prompt::{Combine, Direction, Point};
use volume::MaskFormat;

use crate::{config::parse_bytes, engine_args::EngineArgs};

/// Arguments of `voxloop segment`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct SegmentArgs {
    /// NIfTI or NRRD file. With --out any number of files, folders and globs.
    ///
    /// Folders are searched to the bottom for *.nii, *.nii.gz and *.nrrd, but for hidden files.
    /// Put globs in quotes, so that they need not fit a command line: "scans/**/ct*.nii.gz".
    #[arg(required = true, value_name = "IMAGE")]
    pub(crate) inputs: Vec<PathBuf>,
    /// Stored axis across the slices: 0, 1 or 2.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(0..=2))]
    pub(crate) axis: u8,
    /// Slice that the box lies on, and the points that name none, counted from 0. Not needed where
    /// there are only points and each names its slice.
    #[arg(long)]
    pub(crate) slice: Option<u32>,
    /// Box around the object, in voxels of the slice, inclusive.
    #[arg(long = "box", value_name = "X1,Y1,X2,Y2")]
    pub(crate) bounds: Option<BoxArg>,
    /// Point inside (+) or outside (-) the object, on --slice or on slice K; may be given several
    /// times.
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
    /// Keep only the largest connected part of the object.
    #[arg(long, conflicts_with = "two_d")]
    pub(crate) largest_component: bool,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
    /// Only the slice itself; the mask still has the image's whole grid.
    #[arg(long)]
    pub(crate) two_d: bool,
    /// Mask to write: .nii.gz, .nii or .nrrd.
    #[arg(short, long, value_name = "MASK", required_unless_present = "out")]
    pub(crate) output: Option<PathBuf>,
    /// Also write what medsam2 says of every voxel, above 0 in the object: float32 in the order
    /// `[slice][y][x]`, the visited slices ascending.
    #[arg(long, value_name = "FILE.npy", help_heading = "MedSAM2")]
    pub(crate) logits: Option<PathBuf>,
    /// Also write how long each step took, and measure uncertainty.
    #[arg(long, value_name = "FILE.json")]
    pub(crate) timing: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) many: ManyArgs,
}

/// Arguments that only a batch has.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Many images")]
pub(crate) struct ManyArgs {
    /// Folder for the masks, NAME.mask.nii.gz each, and manifest.jsonl, which says of every mask
    /// what it was made from. Run again to go on where a run ended.
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with_all = ["output", "axis", "slice", "bounds", "point", "range", "timing", "logits"]
    )]
    pub(crate) out: Option<PathBuf>,
    /// What to look for: JSON (image name → list of prompts as in the API) or CSV (columns
    /// `image,label,axis,slice_index,x1,y1,x2,y2`). Images that it does not name are looked up in
    /// NAME.prompts.json beside them.
    #[arg(long, value_name = "FILE", requires = "out")]
    pub(crate) prompts: Option<PathBuf>,
    /// Leave out files and folders that match; may be given several times.
    #[arg(long, value_name = "GLOB", requires = "out")]
    pub(crate) exclude: Vec<String>,
    /// Format of the masks.
    #[arg(long, value_enum, default_value_t = FormatArg::NiiGz, requires = "out")]
    pub(crate) format: FormatArg,
    /// Also measure how sure each mask is; takes several times as long.
    #[arg(long, requires = "out")]
    pub(crate) uncertainty: bool,
    /// Images at once; one for each processor by default.
    #[arg(long, value_name = "N", requires = "out", value_parser = parse_jobs)]
    pub(crate) jobs: Option<usize>,
    /// Memory for the images at work, such as 8G; half of what is free by default. An image that
    /// needs more goes alone.
    #[arg(long, value_name = "SIZE", requires = "out", value_parser = parse_bytes)]
    pub(crate) memory: Option<u64>,
    #[command(flatten)]
    pub(crate) again: AgainArgs,
    #[command(flatten)]
    pub(crate) say: SayArgs,
}

/// What a further run does again.
#[derive(Debug, clap::Args)]
pub(crate) struct AgainArgs {
    /// Segment everything again, and overwrite masks that somebody changed.
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
    /// Read every image to see whether it changed, rather than believe its size and time.
    #[arg(long, requires = "out")]
    pub(crate) checksum: bool,
}

/// What is said, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct SayArgs {
    /// No progress on stderr; what failed is still listed.
    #[arg(long, requires = "out")]
    pub(crate) quiet: bool,
    /// One JSON object a line on stdout instead of text.
    #[arg(long, requires = "out")]
    pub(crate) json: bool,
}

const EXAMPLES: &str = "\
Examples:
  voxloop segment ct.nii.gz --slice 40 --box 120,95,160,130 -o mask.nii.gz
  voxloop segment ct.nii.gz --point 140,110,38,+ --point 142,108,45,+ -o mask.nii.gz
  voxloop segment scans --prompts boxes.csv --out masks
  voxloop segment \"scans/**/ct.nii.gz\" --prompts prompts.json --out masks --jobs 4 --memory 8G

Exit code with --out: 0 all done, 1 some failed (listed at the end), 2 wrong use, 130 interrupted.";

/// Formats of masks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum FormatArg {
    /// NIfTI in gzip.
    #[value(name = "nii.gz")]
    NiiGz,
    /// NIfTI.
    Nii,
    /// NRRD.
    Nrrd,
}

impl FormatArg {
    pub(crate) fn format(self) -> MaskFormat {
        match self {
            Self::NiiGz => MaskFormat::NiftiGz,
            Self::Nii => MaskFormat::Nifti,
            Self::Nrrd => MaskFormat::Nrrd,
        }
    }
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
    pub(crate) point: Point,
    pub(crate) slice_index: Option<u32>,
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

impl From<DirectionArg> for Direction {
    fn from(arg: DirectionArg) -> Self {
        match arg {
            DirectionArg::Both => Self::Both,
            DirectionArg::Forward => Self::Forward,
            DirectionArg::Backward => Self::Backward,
        }
    }
}

/// What becomes of voxels that only one of two passes found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum CombineArg {
    /// They belong to the object.
    Union,
    /// They do not.
    Intersection,
}

impl From<CombineArg> for Combine {
    fn from(arg: CombineArg) -> Self {
        match arg {
            CombineArg::Union => Self::Union,
            CombineArg::Intersection => Self::Intersection,
        }
    }
}

/// A number of files at once.
pub(crate) fn parse_jobs(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|it| *it > 0).ok_or_else(|| "expected 1 or more".to_owned())
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
