//! Blobs go to Azurite and come back.

use crate::azurite::Azurite;
use crate::files::{get_file, put_file};
use azure::blob::{BlobItem, SasPermissions, Version};
use bytes::Bytes;
use std::{collections::BTreeSet, time::Duration};

const HOUR: Duration = Duration::from_secs(3600);

/// Names that have gone wrong for somebody.
const NAMES: [&str; 10] = [
    "plain.txt",
    "with space.txt",
    "a/deep/path/x",
    "hash#percent%plus+question?.txt",
    "already%20encoded%2F.txt",
    "ünïcode/日本語.txt",
    ".hidden/.file",
    "quote'\"&<>.txt",
    " leading space",
    "semi;colon,at@equals=$.txt",
];

#[tokio::test]
async fn blobs_with_difficult_names_go_there_and_back() {
    let azurite = Azurite::start().await;
    let container = azurite.create_container("names").await;
    container.directories("").await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    for name in NAMES {
        container.put_bytes(name, Bytes::from(name)).await.unwrap();
        let (file, size) = (directory.path().join("down"), name.len() as u64);
        get_file(&container, name, size, &file).await.unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), name);
    }
    let listed: BTreeSet<_> =
        container.list("").await.unwrap().into_iter().map(|blob| blob.name).collect();
    assert_eq!(listed, NAMES.map(str::to_owned).into());
    let below = container.list("a/deep/").await.unwrap();
    let expected = BlobItem {
        name: "a/deep/path/x".into(),
        size: 13,
        // Of its content, which is its name.
        md5: Some(0x9113731e38e1c82c69573703cd3b4a90_u128.to_be_bytes()),
        is_directory_marker: false,
    };
    assert_eq!(below, [expected]);
    for name in NAMES {
        container.delete(name).await.unwrap();
        container.delete(name).await.unwrap();
    }
    assert_eq!(container.list("").await.unwrap(), []);
}

#[tokio::test]
async fn directories_are_listed_and_not_what_is_in_them() {
    let azurite = Azurite::start().await;
    let container = azurite.create_container("directories").await;
    for name in ["run-1/a", "run-1/in/b", "run-1x", "run-2/ünï code/c", "run-2.txt", "other/d"] {
        container.put_bytes(name, Bytes::new()).await.unwrap();
    }
    assert_eq!(container.directories("run-").await.unwrap(), ["run-1/", "run-2/"]);
    assert_eq!(container.directories("none").await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_conditional_write_replaces_only_the_version_that_was_read() {
    let azurite = Azurite::start().await;
    let container = azurite.create_container("conditions").await;
    let put = async |text: &'static str, version: Option<&Version>| {
        container.put_bytes_if("state", Bytes::from(text), version).await.unwrap()
    };
    assert_eq!(container.get_bytes("state", 100).await.unwrap(), None);
    let first = put("one", None).await.expect("there is no such blob");
    assert_eq!(put("another first", None).await, None);
    let (read, version) = container.get_bytes("state", 100).await.unwrap().unwrap();
    assert_eq!((&read[..], &version), (&b"one"[..], &first));
    let second = put("two", Some(&first)).await.expect("it is as it was read");
    assert_eq!(put("late", Some(&first)).await, None);
    assert_eq!(
        container.get_bytes("state", 2).await.unwrap().unwrap(),
        ("tw".into(), second.clone())
    );
    container.delete("state").await.unwrap();
    assert_eq!(put("to a blob that is gone", Some(&second)).await, None);
    assert_eq!(container.get_bytes("state", 100).await.unwrap(), None);
}

#[tokio::test]
async fn many_blobs_are_deleted_in_batches_and_those_that_are_gone_do_not_matter() {
    let azurite = Azurite::start().await;
    let container = azurite.create_container("batches").await;
    let names: Vec<_> = (0..300).map(|n| format!("{n}/{}", NAMES[n % NAMES.len()])).collect();
    for name in names.iter().step_by(2).chain([&"other".to_owned()]) {
        container.put_bytes(name, Bytes::new()).await.unwrap();
    }
    container.delete_all(&names).await.unwrap();
    container.delete_all(&names[..3]).await.unwrap();
    container.delete_all(&[]).await.unwrap();
    let left = container.list("").await.unwrap();
    assert_eq!(left.iter().map(|blob| &*blob.name).collect::<Vec<_>>(), ["other"]);
}

#[tokio::test]
async fn a_blob_may_be_empty() {
    let azurite = Azurite::start().await;
    let container = azurite.create_container("empty").await;
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("source");
    std::fs::write(&source, "").unwrap();
    assert_eq!(put_file(&container, "empty", &source).await.unwrap(), 0);
    let target = directory.path().join("target");
    get_file(&container, "empty", 0, &target).await.unwrap();
    assert_eq!(std::fs::read(&target).unwrap(), b"");
    assert_eq!(container.get_range("empty", 0, 10).await.unwrap().unwrap(), "");
}

#[tokio::test]
async fn a_range_is_as_short_as_wanted_and_ends_with_the_blob() {
    let azurite = Azurite::start().await;
    let container = azurite.create_container("ranges").await;
    container.put_bytes("log", Bytes::from_static(b"0123456789")).await.unwrap();
    let range = async |from, max| container.get_range("log", from, max).await.unwrap();
    assert_eq!(range(0, 3).await.unwrap(), "012");
    assert_eq!(range(7, 100).await.unwrap(), "789");
    assert_eq!(range(10, 100).await.unwrap(), "");
    assert_eq!(container.get_range("no such log", 0, 3).await.unwrap(), None);
}

#[tokio::test]
async fn a_large_file_goes_in_blocks_and_comes_back_the_same() {
    let azurite = Azurite::start().await;
    let container = azurite.create_container("large").await;
    let directory = tempfile::tempdir().unwrap();
    let (source, target) = (directory.path().join("source"), directory.path().join("target"));
    for size in [4 << 20, (4 << 20) + 1, 8 << 20, 21_234_567_usize] {
        let content: Vec<u8> = (0..size).map(|i| (i ^ (i >> 8) ^ (i >> 16)) as u8).collect();
        std::fs::write(&source, &content).unwrap();
        let size = size as u64;
        assert_eq!(put_file(&container, "large", &source).await.unwrap(), size);
        get_file(&container, "large", size, &target).await.unwrap();
        assert!(std::fs::read(&target).unwrap() == content, "{size} bytes differ");
        for said in [0, size - 1, size + 1, u64::MAX] {
            let error = get_file(&container, "large", said, &target).await.unwrap_err();
            assert!(error.to_string().contains(&format!("has not the {said} bytes")), "{error}");
        }
    }
}

#[tokio::test]
async fn signed_urls_allow_what_they_say_and_no_more() {
    let azurite = Azurite::start().await;
    let container = azurite.create_container("signed").await;
    let http = azure::http_client().unwrap();
    let grants = container.grants(HOUR).await.unwrap();
    for name in NAMES {
        container.put_bytes(name, Bytes::from(name)).await.unwrap();
        let url = grants.url(Some(name), SasPermissions::READ).unwrap();
        let answer = http.get(url.clone()).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{name}");
        assert_eq!(answer.text().await.unwrap(), name);
        assert_eq!(http.delete(url).send().await.unwrap().status(), 403);
    }
    let list = grants.url(None, SasPermissions::READ_LIST).unwrap().to_string();
    let listed = http.get(format!("{list}&restype=container&comp=list")).send().await.unwrap();
    assert!(listed.text().await.unwrap().contains("<Name>plain.txt</Name>"));
    let write = grants.url(None, SasPermissions::WRITE).unwrap().to_string();
    for (url, status) in [(&write, 201), (&write, 201), (&list, 403)] {
        let url = url.replace("/signed?", "/signed/out/new%20file.txt?");
        let put = http.put(url).header("x-ms-blob-type", "BlockBlob").body("new");
        assert_eq!(put.send().await.unwrap().status(), status);
    }
    assert_eq!(container.get_range("out/new file.txt", 0, 9).await.unwrap().unwrap(), "new");
    let grants = container.grants(Duration::ZERO).await.unwrap();
    let expired = grants.url(Some(NAMES[0]), SasPermissions::READ).unwrap();
    assert_eq!(http.get(expired).send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn a_container_that_does_not_exist_is_named() {
    let azurite = Azurite::start().await;
    let container = azurite.container("missing");
    let error = container.directories("").await.unwrap_err();
    assert_eq!((error.status(), error.code()), (Some(404), Some("ContainerNotFound")));
    assert!(error.request_id().is_some());
    let expected = format!(
        "cannot list the blobs in container 'missing' at {}: 404 ContainerNotFound: ",
        azurite.endpoint
    );
    assert!(error.to_string().starts_with(&expected), "{error}");
    let error = container.get_range("log", 0, 9).await.unwrap_err();
    assert_eq!(error.code(), Some("ContainerNotFound"));
}

#[tokio::test]
async fn a_wrong_key_is_refused_with_the_services_reason() {
    let azurite = Azurite::start().await;
    azurite.create_container("locked").await;
    let account =
        azure::blob::StorageAccount::from_parts(&azurite.endpoint, "acct", "d3Jvbmc=").unwrap();
    let http = azure::http_client().unwrap();
    let container =
        azure::blob::BlobContainer::new(account, "locked", http, azure::RetryPolicy::default())
            .unwrap();
    let error = container.directories("").await.unwrap_err();
    assert_eq!(error.status(), Some(403), "{error}");
}
