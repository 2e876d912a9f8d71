//! Files that people take away: masks, surfaces, tables, the whole case, thumbnails.

use std::io::{Cursor, Read};

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use serde_json::{Value, json};
use server::blobs;
use volume::{Labelmap, ReadOptions};

use crate::{
    measures::with_block,
    support::{Answer, TestServer, block},
};

async fn export(server: &TestServer, job: &str, file: &str) -> Answer {
    server.get(&format!("{job}/export/{file}")).await.expect(StatusCode::OK)
}

fn file_name(answer: &Answer) -> String {
    answer.headers[header::CONTENT_DISPOSITION].to_str().unwrap().to_owned()
}

fn labels_of(bytes: &[u8], name: &str) -> Labelmap {
    let mask = volume::read_bytes(bytes, name, &ReadOptions::default()).unwrap();
    Labelmap::from_volume(&mask).unwrap()
}

async fn name_object(server: &TestServer, job: &str, name: &str, color: &str) {
    let labels = json!({ "labels": [{ "value": 1, "name": name, "color": color }] });
    server.json(Method::PUT, &format!("{job}/labels"), labels).await.expect(StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn masks_are_written_in_both_formats_and_of_any_revision() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    server.get(&format!("{job}/export/mask.nii.gz")).await.expect(StatusCode::CONFLICT);
    server.get(&format!("{job}/export/mask.mha")).await.expect(StatusCode::NOT_FOUND);
    let job = with_block(&server).await;
    let drawn = block(1, [4, 9], [4, 8], [4, 7]);
    for name in ["mask.nii.gz", "mask.nrrd"] {
        let file = export(&server, &job, name).await;
        assert_eq!(labels_of(&file.bytes, name), drawn);
        assert!(file_name(&file).contains(&format!("phantom-{name}")));
    }
    let revisions = server.get(&format!("{job}/revisions")).await.json();
    let first = revisions["revisions"][0]["revision_id"].as_str().unwrap();
    let file = export(&server, &job, &format!("mask.nrrd?revision={first}")).await;
    assert_eq!(labels_of(&file.bytes, "m.nrrd").count(1), 20);
}

#[tokio::test]
async fn a_surface_is_named_after_its_object() {
    let server = TestServer::start().await;
    let job = with_block(&server).await;
    name_object(&server, &job, "Niere links", "#102030").await;
    let file = export(&server, &job, "surface.stl").await;
    assert!(file_name(&file).contains("phantom-object-001-Niere-links.stl"));
    let n = u32::from_le_bytes(file.bytes[80..84].try_into().unwrap()) as usize;
    assert_eq!(file.bytes.len(), 84 + 50 * n);
    let nothing = server.get(&format!("{job}/export/surface.stl?label=7")).await;
    nothing.expect(StatusCode::CONFLICT);
}

#[tokio::test]
async fn the_table_has_a_line_for_each_object_and_says_what_the_json_says() {
    let server = TestServer::start().await;
    let job = with_block(&server).await;
    name_object(&server, &job, "=1+1, \"links\"", "#102030").await;
    let table = export(&server, &job, "measurements.csv").await;
    assert_eq!(table.headers[header::CONTENT_TYPE], "text/csv");
    let mut reader = csv::Reader::from_reader(table.bytes.as_slice());
    let names = reader.headers().unwrap().clone();
    let lines: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(lines.len(), 1);
    let field = |name: &str| &lines[0][names.iter().position(|it| it == name).unwrap()];
    assert_eq!(field("object"), "'=1+1, \"links\"");
    let measured = export(&server, &job, "measurements.json").await.json();
    let object = &measured["objects"][0];
    for (name, value) in [
        ("volume_ml", &object["volume_ml"]),
        ("longest_mm", &object["longest"]["mm"]),
        ("perpendicular_to_y", &object["perpendicular"]["to"][1]),
        ("last_k", &object["last"][2]),
        ("centroid_s_mm", &object["centroid_mm"][2]),
        ("median", &object["median"]),
    ] {
        assert_eq!(field(name).parse::<f64>().unwrap(), value.as_f64().unwrap(), "{name}");
    }
    assert_eq!(field("intensity_unit"), "HU");
}

fn unzip(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    (0..archive.len())
        .map(|it| {
            let mut file = archive.by_index(it).unwrap();
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            (file.name().unwrap().into_owned(), bytes)
        })
        .collect()
}

#[tokio::test]
async fn a_case_holds_everything_and_says_where_it_comes_from() {
    let server = TestServer::start().await;
    let job = with_block(&server).await;
    let hidden = json!({
        "labels": [{ "value": 1, "name": "../간/S5", "color": "#0a0b0c", "visible": false }]
    });
    server.json(Method::PUT, &format!("{job}/labels"), hidden).await.expect(StatusCode::NO_CONTENT);
    let answer = export(&server, &job, "case.zip").await;
    assert_eq!(answer.headers[header::CONTENT_LENGTH], answer.bytes.len().to_string());
    let files = unzip(&answer.bytes);
    let names: Vec<_> = files.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(
        names,
        [
            "README.txt",
            "mask.nii.gz",
            "mask.nrrd",
            "measurements.csv",
            "measurements.json",
            "surfaces/object-001-간-S5.stl",
            "pictures/object-001-간-S5.png",
            "provenance.json",
        ]
    );
    let of = |name: &str| &files.iter().find(|it| it.0 == name).unwrap().1;
    assert_eq!(labels_of(of("mask.nrrd"), "m.nrrd"), labels_of(of("mask.nii.gz"), "m.nii.gz"));
    let provenance: Value = serde_json::from_slice(of("provenance.json")).unwrap();
    assert_eq!(provenance["history"].as_array().unwrap().len(), 2);
    assert_eq!(provenance["history"][1], provenance["revision"]);
    assert_eq!(provenance["history"][0]["author"]["engine"]["name"], "graphcut");
    assert_eq!(provenance["prompts"][0]["box"], json!([3.0, 3.0, 12.0, 12.0]));
    for listed in provenance["files"].as_array().unwrap() {
        let bytes = of(listed["name"].as_str().unwrap());
        assert_eq!(listed["sha256"], blobs::digest(bytes).to_string());
    }
    assert_eq!(provenance["files"].as_array().unwrap().len(), names.len() - 1);
    let picture = of("pictures/object-001-간-S5.png");
    let mut png = png::Decoder::new(Cursor::new(picture)).read_info().unwrap();
    let mut pixels = vec![0; png.output_buffer_size().unwrap()];
    png.next_frame(&mut pixels).unwrap();
    // Stored along LPS, so that the picture is upright as it is: the outline's first pixel.
    assert_eq!(pixels[3 * (40 * 4 + 4)..][..3], [10, 11, 12]);
}

#[tokio::test]
async fn the_image_comes_along_when_it_is_asked_for() {
    let server = TestServer::start().await;
    let job = with_block(&server).await;
    let image = server.get(&format!("{job}/image")).await.bytes;
    let files = unzip(&export(&server, &job, "case.zip?image=true").await.bytes);
    let found = files.iter().find(|it| it.0 == "image/source-phantom.nii.gz").unwrap();
    assert_eq!(found.1, image);
}

async fn thumbnail(server: &TestServer, job: &str) -> (u32, Vec<u8>) {
    let answer = server.get(&format!("{job}/thumbnail.png")).await.expect(StatusCode::OK);
    assert_eq!(answer.headers[header::CONTENT_TYPE], "image/png");
    let mut png = png::Decoder::new(Cursor::new(answer.bytes)).read_info().unwrap();
    let mut pixels = vec![0; png.output_buffer_size().unwrap()];
    png.next_frame(&mut pixels).unwrap();
    (png.info().width, pixels)
}

#[tokio::test]
async fn a_thumbnail_follows_mask_and_colours() {
    let server = TestServer::start().await;
    let job = server.open_phantom().await;
    let (width, grey) = thumbnail(&server, &job).await;
    assert_eq!(grey.len() % width as usize, 0, "grey: a byte for each pixel");
    let job = with_block(&server).await;
    name_object(&server, &job, "a", "#00ff00").await;
    let green = thumbnail(&server, &job).await.1;
    assert!(green.chunks_exact(3).any(|it| it == [0, 255, 0]));
    name_object(&server, &job, "a", "#0000ff").await;
    let blue = thumbnail(&server, &job).await.1;
    assert!(blue.chunks_exact(3).any(|it| it == [0, 0, 255]));
    assert!(!blue.chunks_exact(3).any(|it| it == [0, 255, 0]));
}

#[tokio::test]
async fn a_thumbnail_that_a_browser_has_is_not_sent_again_until_it_changes() {
    let server = TestServer::start().await;
    let job = with_block(&server).await;
    let path = format!("{job}/thumbnail.png?v=1");
    let first = server.get(&path).await.expect(StatusCode::OK);
    let etag = first.headers[header::ETAG].clone();
    let again = async || {
        let request = Request::get(&path).header(header::IF_NONE_MATCH, &etag);
        server.send(request.body(Body::empty()).unwrap()).await
    };
    let same = again().await.expect(StatusCode::NOT_MODIFIED);
    assert_eq!((same.bytes.len(), &same.headers[header::ETAG]), (0, &etag));
    // Another colour is another picture of the same mask.
    name_object(&server, &job, "a", "#0000ff").await;
    let other = again().await.expect(StatusCode::OK);
    assert_ne!((other.bytes, &other.headers[header::ETAG]), (first.bytes, &etag));
}
