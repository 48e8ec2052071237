//! Files: encrypted by one, decrypted by another, cut, altered, signed, in part.

use keyfold_client::{Cancel, Code, DecryptOptions, EncryptOptions, Input, PathOptions, ShareKeys, ShareOptions};
use keyfold_testing::people::{Person, TestServer};
use std::{
    fs,
    io::Write,
    path::Path,
    sync::{Arc, Mutex},
};

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

async fn two() -> (TestServer, Person, Person) {
    let server = TestServer::start().await;
    let (alice, bob) = (Person::signed_up("alice", &server).await, Person::signed_up("bob", &server).await);
    alice.keychain("notes").await;
    alice.client.share("notes", &["bob"], ShareKeys::Latest, ShareOptions::default()).await.unwrap();
    (server, alice, bob)
}

fn content(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i % 251) as u8).collect()
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_file_with_a_name_comes_back_and_says_who_wrote_it() {
    let (_server, alice, bob) = two().await;
    let (plain, sealed, back) = (alice.folder().join("a.txt"), alice.folder().join("a.kf"), bob.folder().join("a.txt"));
    let content = content(3 * 1_048_576 + 17);
    fs::write(&plain, &content).unwrap();
    let options = EncryptOptions {
        sign: true,
        name: Some("a.txt".into()),
        media_type: Some("text/plain".into()),
        modified: Some(1_234),
        context: Some(b"here".to_vec()),
        ..Default::default()
    };
    let report = alice.client.encrypt_path(&["notes"], &plain, &sealed, options, PathOptions::default()).await.unwrap();
    assert_eq!((report.bytes, report.stale), (content.len() as u64, false));
    let overhead = fs::metadata(&sealed).unwrap().len() - content.len() as u64;
    assert!(overhead < 2_000, "{overhead}");
    let options = DecryptOptions { context: Some(b"here".to_vec()), ..Default::default() };
    let report = bob.client.decrypt_path(&sealed, &back, options, PathOptions::default()).await.unwrap();
    assert_eq!(fs::read(&back).unwrap(), content);
    assert_eq!(report.signed_by.unwrap().user_id, "alice");
    assert_eq!((report.name.as_deref(), report.modified, report.current), (Some("a.txt"), Some(1_234), Some(true)));
    let elsewhere = bob.client.decrypt_path(
        &sealed,
        &back,
        DecryptOptions::default(),
        PathOptions { replace: true, ..Default::default() },
    );
    assert_eq!(elsewhere.await.unwrap_err().code, Code::Unauthentic);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_cut_altered_or_is_none_leaves_no_output() {
    let (_server, alice, bob) = two().await;
    let (plain, sealed) = (alice.folder().join("a"), alice.folder().join("a.kf"));
    fs::write(&plain, content(2 * 1_048_576)).unwrap();
    alice
        .client
        .encrypt_path(&["notes"], &plain, &sealed, EncryptOptions::default(), PathOptions::default())
        .await
        .unwrap();
    let good = fs::read(&sealed).unwrap();
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let mut head = good.clone();
    head[100] ^= 1;
    let cases: [(&str, &[u8], &[Code]); 6] = [
        ("cut within a segment", &good[..good.len() - 100], &[Code::Unauthentic, Code::Truncated]),
        ("cut within the head", &good[..50], &[Code::Truncated]),
        ("altered at the end", &flipped, &[Code::Unauthentic]),
        ("altered head", &head, &[Code::Unauthentic, Code::NoSlot, Code::NotCanonical, Code::Malformed]),
        ("no envelope", b"something else", &[Code::NotAnEnvelope]),
        ("empty", b"", &[Code::NotAnEnvelope]),
    ];
    bob.client.sync().await.unwrap();
    let before = names(bob.folder());
    for (case, bytes, codes) in cases {
        let broken = alice.folder().join("broken.kf");
        fs::write(&broken, bytes).unwrap();
        let to = bob.folder().join("out");
        let error =
            bob.client.decrypt_path(&broken, &to, DecryptOptions::default(), PathOptions::default()).await.unwrap_err();
        assert!(codes.contains(&error.code), "{case}: {error}");
        assert_eq!(names(bob.folder()), before, "{case}");
    }
    let out = bob.folder().join("out");
    fs::write(&out, "mine").unwrap();
    let exists = bob.client.decrypt_path(&sealed, &out, DecryptOptions::default(), PathOptions::default());
    assert_eq!(exists.await.unwrap_err().code, Code::OutputExists);
    assert_eq!(fs::read(&out).unwrap(), b"mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_is_that_part_of_the_whole_from_a_file_and_from_a_stream() {
    let (_server, alice, bob) = two().await;
    let content = content(5 * 65_536 + 1_000);
    for padded in [false, true] {
        let sealed = Shared::default();
        let options = EncryptOptions { padded, ..Default::default() };
        let input = Input::stream(std::io::Cursor::new(content.clone()));
        alice.client.encrypt_file(&["notes"], input, sealed.clone(), options).await.unwrap();
        let sealed = sealed.0.lock().unwrap().clone();
        let path = bob.folder().join("sealed");
        fs::write(&path, &sealed).unwrap();
        let len = content.len() as u64;
        for range in [0..0, 0..1, 65_530..65_540, 100..200_000, len - 1..u64::MAX, len..len + 5, 0..u64::MAX] {
            let expected = &content[range.start.min(len) as usize..range.end.min(len) as usize];
            for streamed in [false, true] {
                let out = Shared::default();
                let input = if streamed {
                    Input::stream(std::io::Cursor::new(sealed.clone()))
                } else {
                    Input::from(fs::File::open(&path).unwrap())
                };
                let options = DecryptOptions { range: Some(range.clone()), ..Default::default() };
                let report = bob.client.decrypt_file(input, out.clone(), options).await.unwrap();
                assert!(*out.0.lock().unwrap() == expected, "{range:?} {streamed} {padded}");
                assert_eq!(report.bytes, expected.len() as u64);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_come_and_go_and_decide_who_opens_the_file() {
    let (server, alice, bob) = two().await;
    let carol = Person::signed_up("carol", &server).await;
    alice.keychain("team").await;
    alice.client.share("team", &["carol"], ShareKeys::Latest, ShareOptions::default()).await.unwrap();
    let (plain, sealed) = (alice.folder().join("a"), alice.folder().join("a.kf"));
    fs::write(&plain, content(200_000)).unwrap();
    alice
        .client
        .encrypt_path(&["notes"], &plain, &sealed, EncryptOptions::default(), PathOptions::default())
        .await
        .unwrap();
    let body = fs::read(&sealed).unwrap();
    let opens = async |person: &Person| {
        let out = Shared::default();
        let opened =
            person.client.decrypt_file(fs::File::open(&sealed).unwrap(), out.clone(), DecryptOptions::default()).await;
        opened.map(|_| assert!(*out.0.lock().unwrap() == content(200_000)))
    };
    assert!(opens(&bob).await.is_ok());
    assert_eq!(opens(&carol).await.unwrap_err().code, Code::NoSlot);
    alice.client.add_slot(&sealed, "team", None).await.unwrap();
    assert!(opens(&bob).await.is_ok() && opens(&carol).await.is_ok());
    let slots = alice.client.slots(&sealed).await.unwrap();
    let mut purposes: Vec<_> = slots.iter().map(|slot| slot.purpose.clone().unwrap()).collect();
    purposes.sort();
    assert_eq!(purposes, ["notes", "team"]);
    assert_eq!(carol.client.slots(&sealed).await.unwrap().iter().filter(|slot| slot.purpose.is_some()).count(), 1);
    alice.client.remove_slot(&sealed, "notes", None).await.unwrap();
    assert_eq!(opens(&bob).await.unwrap_err().code, Code::NoSlot);
    assert!(opens(&carol).await.is_ok());
    assert_eq!(alice.client.remove_slot(&sealed, "notes", None).await.unwrap_err().code, Code::NoSlot);
    let after = fs::read(&sealed).unwrap();
    assert_eq!(after[after.len() - 200_000..], body[body.len() - 200_000..], "the body was not touched");
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_of_a_file_with_a_context_come_and_go_with_that_context_only() {
    let (_server, alice, _bob) = two().await;
    alice.keychain("team").await;
    let (plain, sealed) = (alice.folder().join("a"), alice.folder().join("a.kf"));
    fs::write(&plain, content(1_000)).unwrap();
    let options = EncryptOptions { context: Some(b"row 7".to_vec()), ..Default::default() };
    alice.client.encrypt_path(&["notes"], &plain, &sealed, options, PathOptions::default()).await.unwrap();
    assert_eq!(alice.client.add_slot(&sealed, "team", None).await.unwrap_err().code, Code::Unauthentic);
    alice.client.add_slot(&sealed, "team", Some(b"row 7")).await.unwrap();
    assert_eq!(alice.client.slots(&sealed).await.unwrap().len(), 2);
    alice.client.remove_slot(&sealed, "notes", Some(b"row 7")).await.unwrap();
    assert_eq!(alice.client.slots(&sealed).await.unwrap().len(), 1);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_slot_is_edited_where_a_link_leads_and_a_file_with_two_names_is_left_alone() {
    let (_server, alice, _bob) = two().await;
    alice.keychain("team").await;
    let (plain, sealed, link) = (alice.folder().join("a"), alice.folder().join("a.kf"), alice.folder().join("link.kf"));
    fs::write(&plain, content(1_000)).unwrap();
    let (options, path) = (EncryptOptions::default(), PathOptions::default());
    alice.client.encrypt_path(&["notes"], &plain, &sealed, options, path).await.unwrap();
    std::os::unix::fs::symlink("a.kf", &link).unwrap();
    alice.client.add_slot(&link, "team", None).await.unwrap();
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert_eq!(alice.client.slots(&sealed).await.unwrap().len(), 2);
    fs::hard_link(&sealed, alice.folder().join("b.kf")).unwrap();
    assert_eq!(alice.client.remove_slot(&sealed, "team", None).await.unwrap_err().code, Code::Unsupported);
    assert_eq!(alice.client.slots(&sealed).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_of_a_signed_file_says_that_the_signature_is_unchecked() {
    let (_server, alice, bob) = two().await;
    for sign in [false, true] {
        let sealed = Shared::default();
        let input = Input::stream(std::io::Cursor::new(content(200_000)));
        let options = EncryptOptions { sign, ..Default::default() };
        alice.client.encrypt_file(&["notes"], input, sealed.clone(), options).await.unwrap();
        let path = bob.folder().join("sealed");
        fs::write(&path, &*sealed.0.lock().unwrap()).unwrap();
        for range in [None, Some(5..10)] {
            let options = DecryptOptions { range: range.clone(), ..Default::default() };
            let input = fs::File::open(&path).unwrap();
            let report = bob.client.decrypt_file(input, Shared::default(), options).await.unwrap();
            assert_eq!(report.signature_unchecked, sign && range.is_some(), "{sign} {range:?}");
            assert_eq!(report.signed_by.is_some(), sign && range.is_none(), "{sign} {range:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_of_a_file_that_was_read_from_is_counted_from_there() {
    use std::io::Seek;
    let (_server, alice, bob) = two().await;
    let (sealed, content) = (Shared::default(), content(200_000));
    let input = Input::stream(std::io::Cursor::new(content.clone()));
    alice.client.encrypt_file(&["notes"], input, sealed.clone(), EncryptOptions::default()).await.unwrap();
    let path = bob.folder().join("sealed");
    fs::write(&path, [b"something before", sealed.0.lock().unwrap().as_slice()].concat()).unwrap();
    let mut input = fs::File::open(&path).unwrap();
    input.seek(std::io::SeekFrom::Start(16)).unwrap();
    let out = Shared::default();
    let options = DecryptOptions { range: Some(65_530..140_000), ..Default::default() };
    bob.client.decrypt_file(input, out.clone(), options).await.unwrap();
    assert!(*out.0.lock().unwrap() == content[65_530..140_000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_is_cancelled_or_dropped_stops_and_leaves_nothing() {
    let (_server, alice, _bob) = two().await;
    let before = names(alice.folder());
    let cancel = Cancel::default();
    let stop = cancel.clone();
    let options = EncryptOptions {
        cancel,
        progress: Some(Arc::new(move |bytes| {
            if bytes > 5_000_000 {
                stop.cancel()
            }
        })),
        ..Default::default()
    };
    let endless = Path::new("/dev/zero");
    let to = alice.folder().join("out");
    let cancelled = alice.client.encrypt_path(&["notes"], endless, &to, options, PathOptions::default()).await;
    assert_eq!(cancelled.unwrap_err().code, Code::Cancelled);
    assert_eq!(names(alice.folder()), before);
    let client = alice.client.clone();
    let task = tokio::spawn({
        let to = to.clone();
        async move { client.encrypt_path(&["notes"], endless, &to, EncryptOptions::default(), PathOptions::default()).await }
    });
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(names(alice.folder()), before);
    // The home is free again.
    alice.client.keychains().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_says_so() {
    let (_server, alice, _bob) = two().await;
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let input = Input::stream(std::io::Cursor::new(content(3_000_000)));
    let error = alice.client.encrypt_file(&["notes"], input, full, EncryptOptions::default()).await.unwrap_err();
    assert_eq!(error.code, Code::StorageFull);
    let unknown = alice
        .client
        .encrypt_path(
            &["other"],
            Path::new("/dev/null"),
            &alice.folder().join("o"),
            EncryptOptions::default(),
            PathOptions::default(),
        )
        .await;
    assert_eq!(unknown.unwrap_err().code, Code::UnknownKeychain);
}
