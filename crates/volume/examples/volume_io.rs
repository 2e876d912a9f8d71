//! Reads volumes and writes masks on request, for the comparison with other libraries
//! (`tests/python`).
//!
//! Each line on standard input is a request in JSON, each line on standard output its answer:
//! - `{"command":"read","file":F,"frame":0,"raw":R}` writes the stored values to R (machine order);
//! - `{"command":"mask","source":F,"raw":R,"out":O}` writes the labels in R on F's grid to O;
//! - `{"command":"phantom","kind":"ct","shape":[64,64,24],"out":O,"labels":L,"sheet":S}` writes a
//!   phantom, its labels and a picture of both;
//! - `{"command":"measure","file":F,"raw":R}` answers what the labels in R measure on F;
//! - `{"command":"operate","source":F,"raw":R,"label":1,"kind":"grow","amount":2,"slice":[2,5],"out":O}`
//!   does something to an object and writes the labels to O;
//! - `{"command":"surface","source":F,"raw":R,"label":1,"n_smoothings":40,"max_triangles":N,"out":O}`
//!   writes an object's surface as STL;
//! - `{"command":"distances","source":F,"raw":R,"out":O}` writes squared distances to label 1 (f32);
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
    Grid, Labelmap, MaskFormat, ReadError, ReadOptions, SourceHeader, Volume, distance,
    measure::{self, Diameter, Measures},
    morphology::{self, OneSlice, Operation},
    phantom::{PhantomOptions, phantom},
    render,
    surface::{self, SurfaceOptions},
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
        "measure" | "operate" | "surface" | "distances" => of_objects(request),
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

/// What is asked about the objects in labels.
fn of_objects(request: &Value) -> Result<Value, Box<dyn Error>> {
    match text(request, "command") {
        "measure" => {
            let volume = read(request, "file")?;
            let labelmap = labelmap(request, &volume.header)?;
            let start = Instant::now();
            let measured = measure::measure(&labelmap, &volume);
            let ms = start.elapsed().as_secs_f64() * 1000.0;
            Ok(json!({"ms": ms, "objects": measured.iter().map(measures).collect::<Vec<_>>()}))
        }
        "operate" => {
            let source = source(request)?;
            let mut labelmap = labelmap(request, &source)?;
            let start = Instant::now();
            operate(request, &mut labelmap, &source.grid())?;
            let ms = start.elapsed().as_secs_f64() * 1000.0;
            fs::write(text(request, "out"), labelmap.voxels)?;
            Ok(json!({"ms": ms}))
        }
        "surface" => {
            let source = source(request)?;
            let labelmap = labelmap(request, &source)?;
            let options = SurfaceOptions {
                n_smoothings: serde_json::from_value(request["n_smoothings"].clone())?,
                max_triangles: serde_json::from_value(request["max_triangles"].clone())?,
            };
            let start = Instant::now();
            let mesh = surface::surface(&labelmap, &source.grid(), label(request)?, &options);
            let ms = start.elapsed().as_secs_f64() * 1000.0;
            surface::write_stl(&mesh, create(text(request, "out"))?)?;
            Ok(json!({"ms": ms, "n_triangles": mesh.triangles.len()}))
        }
        "distances" => {
            let source = source(request)?;
            let sites: Vec<bool> =
                labelmap(request, &source)?.voxels.iter().map(|it| *it == 1).collect();
            let grid = source.grid();
            let squared = distance::squared_distances(&sites, grid.shape, grid.spacing_mm());
            let bytes: Vec<u8> = squared.iter().flat_map(|it| it.to_ne_bytes()).collect();
            fs::write(text(request, "out"), bytes)?;
            Ok(json!({}))
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

fn source(request: &Value) -> Result<SourceHeader, ReadError> {
    Ok(volume::read_header(Path::new(text(request, "source")), "")?.source)
}

fn label(request: &Value) -> Result<u8, serde_json::Error> {
    serde_json::from_value(request["label"].clone())
}

fn operate(request: &Value, labelmap: &mut Labelmap, grid: &Grid) -> Result<(), Box<dyn Error>> {
    let amount = request["amount"].as_f64().unwrap_or_default();
    let operation = match text(request, "kind") {
        "grow" => Operation::Grow { mm: amount },
        "shrink" => Operation::Shrink { mm: amount },
        "smooth" => Operation::Smooth { mm: amount },
        "keep_largest" => Operation::KeepLargest,
        "remove_islands" => Operation::RemoveIslands { below_ml: amount },
        "fill_holes" => Operation::FillHoles,
        it => return Err(format!("unknown operation {it:?}").into()),
    };
    let slice: Option<[usize; 2]> = serde_json::from_value(request["slice"].clone())?;
    let slice = slice.map(|[axis, index]| OneSlice { axis, index });
    morphology::apply(labelmap, grid, label(request)?, operation, slice);
    Ok(())
}

fn measures(it: &Measures) -> Value {
    let line =
        |it: Diameter| json!({"mm": it.mm, "slice": it.slice_index, "from": it.from, "to": it.to});
    let intensities = it.intensities.map(|it| {
        json!({"mean": it.mean, "sd": it.sd, "min": it.min, "max": it.max, "median": it.median})
    });
    json!({
        "label": it.label,
        "n_voxels": it.n_voxels,
        "volume_ml": it.volume_ml,
        "surface_mm2": it.surface_mm2,
        "intensities": intensities,
        "first": it.first,
        "last": it.last,
        "centroid_mm": it.centroid_mm,
        "axis": it.axis,
        "longest": it.diameters.map(|it| line(it.longest)),
        "perpendicular": it.diameters.map(|it| line(it.perpendicular)),
        "areas": it.areas.iter().map(|it| it.area_mm2).collect::<Vec<_>>(),
    })
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
