//! Reads volumes and writes masks on request, for the comparison with other libraries
//! (`tests/python`).
//!
//! Each line on standard input is a request in JSON, each line on standard output its answer:
//! - `{"command":"read","file":F,"frame":0,"raw":R}` writes the stored values to R (machine order);
//! - `{"command":"mask","source":F,"raw":R,"out":O}` writes the labels in R on F's grid to O;
//! - `{"command":"phantom","kind":"ct","shape":[64,64,24],"out":O,"labels":L,"sheet":S}` writes a
//!   phantom, its labels and a picture of both;
//! - `{"command":"time_read","file":F}` and `{"command":"time_mask",…}` answer how long it took.
//!
//! An answer is the header, or `{"error":…,"field":…}`.

use std::{
    error::Error,
    fs::{self, File},
    io::{self, BufRead, BufWriter, Write},
    path::Path,
    time::Instant,
};

use serde_json::{Value, json};
use volume::{
    Labelmap, MaskFormat, ReadError, ReadOptions, SourceHeader, Volume,
    phantom::{PhantomOptions, phantom},
    render,
};

fn main() -> Result<(), Box<dyn Error>> {
    for line in io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        let answer = answer(&request).unwrap_or_else(|error| {
            let field = error.downcast_ref::<ReadError>().and_then(ReadError::field);
            json!({"error": error.to_string(), "field": field})
        });
        let mut out = io::stdout().lock();
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

fn answer(request: &Value) -> Result<Value, Box<dyn Error>> {
    match text(request, "command") {
        "read" => {
            let volume = read(request, "file")?;
            fs::write(text(request, "raw"), volume.voxels.as_bytes())?;
            Ok(describe(&volume))
        }
        "mask" => {
            let source = volume::read_header(Path::new(text(request, "source")), "")?.source;
            write_mask(request, &labelmap(request, &source)?, &source)?;
            Ok(json!({}))
        }
        "time_read" => {
            let start = Instant::now();
            let volume = read(request, "file")?;
            let ms = start.elapsed().as_secs_f64() * 1000.0;
            let start = Instant::now();
            let range = volume.intensity_range();
            let range_ms = start.elapsed().as_secs_f64() * 1000.0;
            let start = Instant::now();
            let percentiles = volume.percentiles(&[0.5, 99.5]);
            let percentiles_ms = start.elapsed().as_secs_f64() * 1000.0;
            Ok(json!({
                "ms": ms,
                "range": range,
                "range_ms": range_ms,
                "percentiles": percentiles,
                "percentiles_ms": percentiles_ms,
                "peak_kib": peak_kib(),
            }))
        }
        "time_mask" => {
            let source = volume::read_header(Path::new(text(request, "source")), "")?.source;
            let labelmap = labelmap(request, &source)?;
            let start = Instant::now();
            write_mask(request, &labelmap, &source)?;
            Ok(json!({"ms": start.elapsed().as_secs_f64() * 1000.0}))
        }
        "phantom" => {
            let options = options(request)?;
            let start = Instant::now();
            let phantom = phantom(&options);
            let ms = start.elapsed().as_secs_f64() * 1000.0;
            let out = create(text(request, "out"))?;
            volume::write_volume(&phantom.volume, format_of(text(request, "out"))?, out)?;
            if let Some(labels) = request["labels"].as_str() {
                let header = &phantom.volume.header;
                let out = create(labels)?;
                volume::write_mask(&phantom.labelmap, header, format_of(labels)?, out)?;
            }
            if let Some(sheet) = request["sheet"].as_str() {
                fs::write(sheet, render::contact_sheet(&phantom.volume, &phantom.labelmap)?)?;
            }
            Ok(json!({"ms": ms}))
        }
        it => Err(format!("unknown command {it:?}").into()),
    }
}

fn text<'a>(request: &'a Value, key: &str) -> &'a str {
    request[key].as_str().unwrap_or_default()
}

fn read(request: &Value, key: &str) -> Result<Volume, ReadError> {
    let frame = request["frame"].as_u64().and_then(|it| u32::try_from(it).ok()).unwrap_or(0);
    let path = Path::new(text(request, key));
    volume::read(path, text(request, key), &ReadOptions { frame, ..ReadOptions::default() })
}

fn labelmap(request: &Value, source: &SourceHeader) -> Result<Labelmap, Box<dyn Error>> {
    Ok(Labelmap::from_voxels(source.grid().shape, fs::read(text(request, "raw"))?)?)
}

fn write_mask(
    request: &Value,
    labelmap: &Labelmap,
    source: &SourceHeader,
) -> Result<(), Box<dyn Error>> {
    let out = text(request, "out");
    Ok(volume::write_mask(labelmap, source, format_of(out)?, create(out)?)?)
}

fn format_of(out: &str) -> Result<MaskFormat, Box<dyn Error>> {
    Ok(MaskFormat::of_file_name(out).ok_or("the name of an image needs an extension")?)
}

fn create(out: &str) -> io::Result<BufWriter<File>> {
    Ok(BufWriter::new(File::create(out)?))
}

fn options(request: &Value) -> Result<PhantomOptions, Box<dyn Error>> {
    let shape: [usize; 3] = serde_json::from_value(request["shape"].clone())?;
    let options = match text(request, "kind") {
        "mr" => PhantomOptions::mr(shape),
        _ => PhantomOptions::ct(shape),
    };
    let codes = request["codes"].as_str().map_or(Ok(options.codes), str::parse)?;
    Ok(PhantomOptions { codes, seed: request["seed"].as_u64().unwrap_or(1), ..options })
}

fn describe(volume: &Volume) -> Value {
    json!({
        "shape": volume.grid.shape,
        "affine": volume.grid.ras_from_voxel.rows,
        "codes": volume.axis_codes().to_string(),
        "type": volume.voxels.voxel_type().name(),
        "slope": volume.slope,
        "intercept": volume.intercept,
        "n_frames": volume.n_frames,
    })
}

/// Most memory that this process ever held, where the system tells.
fn peak_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
