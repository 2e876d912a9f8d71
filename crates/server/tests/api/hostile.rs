//! Hostile uploads: each is refused by the field that is wrong, and leaves no job, no blob and no
//! temporary file.

use axum::{
    body::{Body, Bytes},
    http::{Request, StatusCode, header},
};
use futures::stream;
use serde_json::json;
use server::settings::Settings;
use volume::{Affine, Grid, MaskFormat, SourceHeader, Volume, Voxels, write_volume};

use crate::support::{Answer, TestServer, phantom_file};

/// A NIfTI-1 file of 5 × 4 × 3 voxels, or an NRRD file.
fn file(format: MaskFormat) -> Vec<u8> {
    let grid = Grid { shape: [5, 4, 3], ras_from_voxel: Affine::IDENTITY };
    let header = SourceHeader::for_grid(&grid);
    let voxels = Voxels::I16((0..60).collect());
    let volume = Volume { grid, voxels, slope: 1.0, intercept: 0.0, n_frames: 1, frame: 0, header };
    let mut bytes = Vec::new();
    write_volume(&volume, format, &mut bytes).unwrap();
    bytes
}

fn nifti_with(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = file(MaskFormat::Nifti);
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

fn nrrd(line: &str) -> Vec<u8> {
    let text = format!(
        "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 2 2\nencoding: raw\n{line}\n\n12345678"
    );
    text.into_bytes()
}

async fn check_nothing_stays(server: &TestServer) {
    assert_eq!(server.n_files(), 0, "a file stays behind");
    assert_eq!(server.get("/api/v1/jobs").await.json()["jobs"], json!([]));
}

#[tokio::test]
async fn hostile_headers_are_refused_by_their_field() {
    let server = TestServer::start().await;
    let shorts = |values: &[i16]| values.iter().flat_map(|it| it.to_le_bytes()).collect::<Vec<_>>();
    let float = f32::to_le_bytes;
    let whole = file(MaskFormat::Nifti);
    for (bytes, field) in [
        (vec![], "file"),
        (vec![0x5c], "file"),
        (vec![0x1f, 0x8b], "file"),
        (whole[..300].to_vec(), "file: header"),
        (whole[..400].to_vec(), "file: voxels"),
        (nifti_with(344, b"nope"), "file: magic"),
        (nifti_with(42, &shorts(&[-5])), "file: dim[1]"),
        (nifti_with(44, &shorts(&[0])), "file: dim[2]"),
        (nifti_with(40, &shorts(&[7, 32767, 32767, 32767, 32767, 32767, 32767])), "file: dim"),
        (nifti_with(40, &shorts(&[3, 32767, 32767, 3])), "file: voxels"),
        (nifti_with(40, &shorts(&[3, 32767, 32767, 32767])), "file: dim"),
        (nifti_with(70, &shorts(&[128])), "file: datatype"),
        (nifti_with(280, &float(f32::NAN)), "file: srow"),
        (nifti_with(284, &float(f32::INFINITY)), "file: srow"),
        (nifti_with(280, &[0; 16]), "file: srow"),
        (nifti_with(108, &float(1e9)), "file: vox_offset"),
        (nrrd("data file: ../../etc/passwd"), "file: data file"),
        (nrrd("data file: /etc/passwd"), "file: data file"),
        (nrrd("data file: LIST\n/etc/passwd"), "file: data file"),
        (nrrd("data file: slice%03d.raw 1 99999 1"), "file: data file"),
        (nrrd("byte skip: 99"), "file: byte skip"),
        (nrrd("spacings: 0 1 1"), "file: spacings"),
        (nrrd("space origin: (nan,0,0)"), "file: space origin"),
        (nrrd("kinds: domain domain domain domain"), "file: kinds"),
    ] {
        let answer = server.upload("image.nii", &bytes, &[]).await;
        let said = String::from_utf8_lossy(&answer.bytes).into_owned();
        assert_eq!(answer.field(), field, "{said}");
        check_nothing_stays(&server).await;
    }
}

#[tokio::test]
async fn an_image_that_grows_past_the_limit_is_refused() {
    let settings = Settings { max_image_bytes: 40_000, ..Settings::default() };
    let server = TestServer::with(settings).await;
    let refused = server.upload("a.nii.gz", &phantom_file(), &[]).await;
    let said = refused.json()["error"]["message"].as_str().unwrap().to_owned();
    assert_eq!(refused.field(), "file: dim");
    assert!(said.contains("limit of 40000 (MAX_IMAGE)"), "{said}");
    check_nothing_stays(&server).await;
}

#[tokio::test]
async fn names_of_files_are_shown_and_never_paths() {
    let server = TestServer::start().await;
    for (name, shown) in [
        ("../../etc/passwd", "passwd"),
        ("/etc/cron.d/job.nii", "job.nii"),
        ("..", ".."),
        ("C:\\\\Users\\\\x\\\\a.nii", "a.nii"),
        ("", "image"),
        ("folder/", "image"),
    ] {
        let created = server.upload(name, &file(MaskFormat::Nifti), &[]).await;
        let created = created.expect(StatusCode::CREATED).json();
        assert_eq!(created["image"]["file_name"], shown, "{name:?}");
        let job = format!("/api/v1/jobs/{}", created["job_id"].as_str().unwrap());
        let image = server.get(&format!("{job}/image")).await.expect(StatusCode::OK);
        let disposition = image.headers[header::CONTENT_DISPOSITION].to_str().unwrap();
        assert!(!disposition.contains(['/', '\\', '\r', '\n']), "{disposition}");
        let gone = server.json(axum::http::Method::DELETE, &job, json!(null)).await;
        gone.expect(StatusCode::NO_CONTENT);
        check_nothing_stays(&server).await;
    }
    // No header may hold these.
    for name in ["a\0b", "a\u{1}b", "a\nb"] {
        let refused = server.upload(name, &file(MaskFormat::Nifti), &[]).await;
        assert_eq!(refused.field(), "file", "{name:?}");
        check_nothing_stays(&server).await;
    }
    let long = "n".repeat(100_000);
    let created = server.upload(&long, &file(MaskFormat::Nifti), &[]).await.json();
    assert_eq!(created["image"]["file_name"].as_str().unwrap().len(), 200);
}

/// Sends a form in pieces, as a network does.
async fn send_pieces(server: &TestServer, pieces: Vec<Vec<u8>>) -> Answer {
    let pieces = pieces.into_iter().map(|it| Ok::<_, std::io::Error>(Bytes::from(it)));
    let request = Request::post("/api/v1/jobs")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b")
        .body(Body::from_stream(stream::iter(pieces)))
        .unwrap();
    server.send(request).await
}

const FILE_PART: &[u8] =
    b"--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n";

#[tokio::test]
async fn forms_without_an_end_are_refused_in_bounded_memory() {
    let server = TestServer::start().await;
    let piece = vec![b'x'; 64 << 10];
    // Headers, a preamble and an unknown part that never end, up to 64 MiB.
    for start in [
        b"--b\r\ncontent-disposition: ".as_slice(),
        b"",
        b"--b\r\ncontent-disposition: form-data; name=\"other\"\r\n\r\n",
    ] {
        let pieces =
            std::iter::once(start.to_vec()).chain(std::iter::repeat_n(piece.clone(), 1000));
        let refused = send_pieces(&server, pieces.collect()).await;
        let said = refused.json()["error"]["message"].to_string();
        assert!(said.contains("bytes of the form"), "{said}");
        assert_eq!(refused.field(), "file");
        check_nothing_stays(&server).await;
    }
    // A file that breaks off.
    let torn = vec![FILE_PART.to_vec(), file(MaskFormat::NiftiGz)];
    assert_eq!(send_pieces(&server, torn).await.field(), "file");
    check_nothing_stays(&server).await;
    // The second file takes the first one's place, whose bytes go.
    let [first, second] = [file(MaskFormat::Nrrd), file(MaskFormat::NiftiGz)];
    let twice = [FILE_PART, &first, b"\r\n", FILE_PART, &second, b"\r\n--b--\r\n"];
    let created = send_pieces(&server, twice.map(<[u8]>::to_vec).to_vec()).await;
    created.expect(StatusCode::CREATED);
    assert_eq!(server.n_files(), 1);
}

#[tokio::test]
async fn a_body_over_a_mebibyte_is_too_large() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    let text = "x".repeat((1 << 20) + 1);
    for path in ["revisions", "initial-mask", "propagate"] {
        let refused = server.post(&format!("{job}/{path}"), json!({ "rle_base64": text })).await;
        let said = refused.expect(StatusCode::PAYLOAD_TOO_LARGE).json();
        assert_eq!(said["error"]["code"], "too_large");
        let message = said["error"]["message"].as_str().unwrap();
        assert!(message.contains("1048576 bytes (MAX_JSON)"), "{message}");
    }
    // As a form: many small fields count together, names included.
    let part =
        |n: u32| format!("--b\r\ncontent-disposition: form-data; name=\"{n:0200}\"\r\n\r\n\r\n");
    let form = (0..6_000).map(part).collect::<String>() + "--b--\r\n";
    let request = Request::post(format!("{job}/initial-mask"))
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b")
        .body(Body::from(form))
        .unwrap();
    server.send(request).await.expect(StatusCode::PAYLOAD_TOO_LARGE);
}

/// Infinity has no word in JSON: a job that held one could never be listed again.
#[tokio::test]
async fn intensities_past_what_a_double_holds_leave_a_job_that_can_be_read() {
    let server = TestServer::start().await;
    let grid = Grid { shape: [2, 1, 1], ras_from_voxel: Affine::IDENTITY };
    let header = SourceHeader::for_grid(&grid);
    let voxels = Voxels::F64(vec![f64::MIN, f64::MAX]);
    let volume =
        Volume { grid, voxels, slope: 1e30, intercept: 0.0, n_frames: 1, frame: 0, header };
    let mut bytes = Vec::new();
    write_volume(&volume, MaskFormat::Nifti, &mut bytes).unwrap();
    let created = server.upload("a.nii", &bytes, &[]).await.expect(StatusCode::CREATED).json();
    assert_eq!(created["image"]["intensity_range"], json!([f64::MIN, f64::MAX]));
    let listed = server.get("/api/v1/jobs").await.expect(StatusCode::OK).json();
    assert_eq!(listed["jobs"].as_array().unwrap().len(), 1);
}
