//! Valid inputs from which fuzzing starts, made anew each time.

use flate2::{Compression, write::GzEncoder};
use volume::{
    Affine, Grid, Labelmap, MaskFormat, SourceHeader, Volume, Voxels, nifti::NiftiVersion, rle,
    write_volume,
};

use super::checkpoint::{self, Tensor, archive, pickle};

const SHAPE: [usize; 3] = [5, 4, 3];

/// An input and its name.
pub type Seed = (String, Vec<u8>);

/// Small files of every kind, each packed in every way.
pub fn files() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (name, file) in nifti_files().into_iter().chain(nrrd_files()) {
        for mode in [0, 32, 64, 128, 1, 2, 3, 0xf0] {
            seeds.push((format!("{name}-{mode}"), [&[mode], file.as_slice()].concat()));
        }
    }
    // What lies inside may be gzip itself, and damaged.
    let packed = gzip(&nifti_files()[0].1);
    seeds.push(("gzip".to_owned(), [&[0], packed.as_slice()].concat()));
    seeds.push(("members".to_owned(), [&[0], packed.as_slice(), &packed, &[0; 20]].concat()));
    seeds
}

/// Every kind of header from a short run of numbers.
pub fn headers() -> Vec<Seed> {
    (0..32_u8)
        .map(|seed| {
            let bytes = (0..400_u32).map(|it| {
                let mixed = (it + 1).wrapping_mul(0x9e37_79b9).wrapping_mul(u32::from(seed) + 1);
                (mixed >> 24) as u8
            });
            (format!("{seed}"), [vec![seed, 0, 0, 0], bytes.collect()].concat())
        })
        .collect()
}

/// Small checkpoints whole and as their list of tensors, cut short, and tensors from numbers.
pub fn checkpoint() -> Vec<Seed> {
    let tensor = |name: &str, storage_type, storage, shape: &[i64], strides: &[i64]| Tensor {
        name: name.to_owned(),
        storage_type,
        storage,
        offset: 0,
        shape: shape.to_vec(),
        strides: strides.to_vec(),
    };
    let tensors = [
        tensor("no_mem_embed", "FloatStorage", 0, &[1, 1, 4], &[4, 4, 1]),
        tensor("turned", "FloatStorage", 0, &[2, 3], &[1, 2]),
        tensor("half", "HalfStorage", 1, &[3], &[1]),
        tensor("short", "BFloat16Storage", 1, &[], &[]),
        tensor("wide", "DoubleStorage", 0, &[2, 0], &[1, 1]),
    ];
    let list = pickle(&tensors);
    let file = archive(&list, &[vec![7; 64], vec![60; 6]]);
    let mut seeds = vec![
        ("whole".to_owned(), [&[0], file.as_slice()].concat()),
        ("cut".to_owned(), [&[0], &file[..file.len() / 2]].concat()),
        ("list".to_owned(), [&[1], list.as_slice()].concat()),
        ("loaded".to_owned(), [&[5], list.as_slice()].concat()),
        ("calls".to_owned(), b"\x01\x80\x02cos\nsystem\nX\x04\0\0\0true\x85R.".to_vec()),
    ];
    let numbers = headers()
        .into_iter()
        .take(16)
        .map(|(name, bytes)| (format!("tensors-{name}"), [&[2], &bytes[1..]].concat()));
    seeds.extend(numbers);
    seeds
}

/// The fixture's configuration as it is, in other forms, and with values changed.
pub fn model_config() -> Vec<Seed> {
    let text = checkpoint::MICRO;
    let small = text.replace("image_size: 128", "image_size: 64");
    let bomb = "a: &a [x, x]\nb: &b [*a, *a, *a, *a]\nc: [*b, *b, *b, *b]\n<<: *a\n";
    let mut seeds: Vec<Seed> =
        [(0, text), (0xfe, small.as_str()), (0, bomb), (0, "{model: {_target_: x}}"), (0, "")]
            .into_iter()
            .enumerate()
            .map(|(n, (mode, text))| (format!("{n}"), [&[mode], text.as_bytes()].concat()))
            .collect();
    let changed = headers()
        .into_iter()
        .take(16)
        .map(|(name, bytes)| (format!("changed-{name}"), [&[0xe1], &bytes[1..]].concat()));
    seeds.extend(changed);
    seeds
}

/// Masks with runs of every length of number.
pub fn masks() -> Vec<Seed> {
    let mask = |shape: [usize; 3], label: fn(usize) -> u8| {
        let voxels = (0..shape.iter().product()).map(label).collect();
        rle::encode(&Labelmap::from_voxels(shape, voxels).unwrap())
    };
    vec![
        ("empty".to_owned(), mask([1, 1, 1], |_| 0)),
        ("blocks".to_owned(), mask(SHAPE, |it| u8::from(it / 7 % 2 == 1))),
        ("labels".to_owned(), mask(SHAPE, |it| u8::try_from(it * 5 % 256).unwrap())),
        ("long".to_owned(), mask([32, 32, 16], |it| u8::from(it == 9000))),
    ]
}

/// Prompts of every kind, from a short run of numbers.
pub fn prompts() -> Vec<Seed> {
    headers().into_iter().take(16).collect()
}

/// One request of every kind.
pub fn requests() -> Vec<Seed> {
    let box_prompt = r#"{"axis":2,"slice_index":3,"box":[2,2,9,9],"label":1}"#;
    let edit = rle::encode(&Labelmap::from_voxels([2, 1, 1], vec![1, 0]).unwrap());
    let edit = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, edit);
    let file = &nifti_files()[0].1;
    let form = "--b\r\ncontent-disposition: form-data; name=\"modality\"\r\n\r\nCT\r\n\
                --b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.nii\"\r\n\r\n";
    let form = [form.as_bytes(), file.as_slice(), b"\r\n--b--\r\n"].concat();
    let texts: [(u8, u8, Vec<u8>); 23] = [
        (0, 0, box_prompt.into()),
        (0, 1, "axis=2&slice_index=3&x1=1&y1=1&x2=8&y2=8".into()),
        (
            0,
            0,
            r#"{"axis":1,"slice_index":3,"points":[{"x":3,"y":4},{"x":1,"y":1,"positive":false,
            "slice_index":5}],"scribbles":[{"path":[[1,1],[5,4]],"radius":1.5,"positive":true}]}"#
                .into(),
        ),
        (1, 0, box_prompt.into()),
        (1, 0, r#"{"axis":2,"slice_index":1,"absent":true}"#.into()),
        (
            2,
            0,
            format!(
                r#"{{"parent":null,"box":[[1,1,1],[2,1,1]],"rle_base64":"{edit}",
                "confirmed":[{{"axis":2,"slice_index":1,"label":1}}]}}"#
            )
            .into(),
        ),
        (
            3,
            0,
            r#"{"direction":"forward","range":[0,5],"combine":"intersection","label":1}"#.into(),
        ),
        (4, 0, r##"{"labels":[{"value":1,"name":"a","color":"#ff0000"}]}"##.into()),
        (
            5,
            0,
            r#"{"agent_id":"00000000-0000-7000-8000-000000000001","name":"n","protocol":1,
            "kinds":["propagate"],"engines":["graphcut"],"wait_secs":0}"#
                .into(),
        ),
        (6, 0, r#"{"fence":1,"progress":{"done":1,"total":2},"wait_ms":0}"#.into()),
        (
            7,
            0,
            r#"{"fence":1,"output":{"mask":"00","extent":{"axis":2,"first":3,"last":3},
            "engine":{"name":"graphcut","version":"1"},"engine_ms":1.5}}"#
                .into(),
        ),
        (8, 0, r#"{"fence":1,"failure":{"class":"retryable","code":"c","message":"m"}}"#.into()),
        (9, 0, form),
        (10, 0, "slices/2/3.png?low=0&high=100&mask=true".into()),
        (10, 0, "result?type=3d".into()),
        (10, 0, "mask?box=1,1,1,2,1,1".into()),
        (11, 0, "17".into()),
        (12, 0, r#"{"head":null,"expected":null}"#.into()),
        (13, 0, r#"{"from":"draft","to":"in_review","head":null,"comment":"c"}"#.into()),
        (14, 0, r#"{"revision_id":"00000000-0000-7000-8000-000000000001","comment":"c"}"#.into()),
        (
            15,
            0,
            r##"{"name":"n","labels":[{"value":1,"name":"a","color":"#ff0000","opacity":0.5,"locked":true,
            "anatomy":{"category":{"scheme":"SCT","value":"123037004","meaning":"m"},
            "kind":{"scheme":"DCM","value":"1","meaning":"m"}}}]}"##
                .into(),
        ),
        (
            16,
            0,
            r#"{"parent":null,"label":1,"operation":{"kind":"grow","mm":2},"slice":{"axis":2,"slice_index":1}}"#
                .into(),
        ),
        (17, 0, "limit=1&before=00000000-0000-7000-8000-000000000001".into()),
    ];
    let named = texts.into_iter().enumerate();
    named
        .map(|(n, (route, kind, body))| (format!("{n}"), [vec![route, kind], body].concat()))
        .collect()
}

fn volume(voxels: Voxels, version: NiftiVersion) -> Volume {
    let linear = [[-0.7, 0.1, 0.0], [0.1, -0.7, 0.2], [0.0, 0.1, 3.0]];
    let grid = Grid { shape: SHAPE, ras_from_voxel: Affine::new(linear, [10.0, -20.0, 30.0]) };
    let mut header = SourceHeader::for_grid(&grid);
    if let SourceHeader::Nifti(nifti) = &mut header {
        nifti.version = version;
    }
    Volume { grid, voxels, slope: 1.0, intercept: 0.0, n_frames: 1, frame: 0, header }
}

fn nifti_files() -> Vec<Seed> {
    let n = SHAPE.iter().product::<usize>();
    let shorts = Voxels::I16((0..).take(n).collect());
    let floats = Voxels::F32((0..60_u8).map(|it| f32::from(it) - 30.5).collect());
    let bytes = Voxels::U8((0..).take(n).collect());
    let mut files = Vec::new();
    for (name, voxels) in [("i16", shorts), ("f32", floats), ("u8", bytes)] {
        for version in [NiftiVersion::One, NiftiVersion::Two] {
            let mut file = Vec::new();
            write_volume(&volume(voxels.clone(), version), MaskFormat::Nifti, &mut file).unwrap();
            files.push((format!("{name}-{version:?}"), file));
        }
    }
    let mut from_qform = files[0].1.clone();
    from_qform[254] = 0;
    files.push(("qform".to_owned(), from_qform));
    let mut from_pixdim = files[0].1.clone();
    (from_pixdim[252], from_pixdim[254]) = (0, 0);
    files.push(("pixdim".to_owned(), from_pixdim));
    let mut frames = files[0].1.clone();
    (frames[40], frames[48]) = (4, 2);
    let voxels = frames[352..].to_vec();
    frames.extend(voxels);
    files.push(("frames".to_owned(), frames));
    files
}

fn nrrd_files() -> Vec<Seed> {
    let common = "space: left-posterior-superior\nspace origin: (1,-2,3.5)\nendian: little\n";
    let texts = [
        "type: short\ndimension: 3\nsizes: 5 4 3\nspace directions: (1,0,0) (0,1,0) (0,0,2.5)\n\
         encoding: raw\n",
        "type: double\ndimension: 4\nsizes: 2 3 2 2\nkinds: vector domain domain domain\n\
         space directions: none (1,0,0) (0,1,0) (0,0,1)\nencoding: raw\n",
        "type: uchar\ndimension: 4\nsizes: 3 2 2 2\nspace directions: (1,0,0) (0,1,0) (0,0,1) none\n\
         byte skip: -1\nencoding: raw\n",
        "type: uint16\ndimension: 2\nsizes: 6 5\nspacings: 0.5 0.25\nencoding: raw\n",
        "type: short\ndimension: 3\nsizes: 5 4 3\nspace directions: (1,0,0) (0,1,0) (0,0,1)\n\
         key:=value\n# comment\nencoding: gzip\n",
        "type: short\ndimension: 3\nsizes: 5 4 3\ndata file: ../other.raw\nencoding: raw\n",
    ];
    let named = texts.iter().enumerate().map(|(n, text)| {
        let head = format!("NRRD0004\n{text}{common}\n");
        (format!("nrrd-{n}"), [head.as_bytes(), &[7; 120]].concat())
    });
    named.collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}
