//! S24, storage at rest, native: what a locked home holds, and what a process holds in memory that is done with it.

use hkdf::Hkdf;
use keyfold_client::{Algorithm, Client, Code, Value, Zeroizing, base64url};
use keyfold_core::{DeviceSeed, device::DeviceKeys};
use keyfold_testing::people::{Person, TestServer};
use redb::{ReadableDatabase, ReadableTable, TableDefinition};
use sha2::Sha256;
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
};

const RECORDS: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("records");
const PASSPHRASE: &str = "correct horse battery staple";
const FOLDER: &str = "S24_FOLDER";

/// What nobody may find, by name.
type Secrets = Vec<(String, Vec<u8>)>;

/// All records as they lie there, sealed.
fn records(home: &Path) -> Vec<(String, Vec<u8>)> {
    let mut builder = redb::Builder::new();
    builder.set_concurrency_mode(redb::ConcurrencyMode::MultiWriter);
    let db = builder.create(home.join("home.redb")).unwrap();
    let table = db.begin_read().unwrap().open_table(RECORDS).unwrap();
    let mut all = Vec::new();
    for record in table.iter().unwrap() {
        let (name, sealed) = record.unwrap();
        all.push((name.value().to_owned(), sealed.value().to_vec()));
    }
    all
}

/// The device's seed, what derives from it, and the opened keys of keychains; of a home without a lock.
fn secrets(home: &Path) -> Secrets {
    let seed = fs::read(home.join("device.key")).unwrap();
    let derived = ["signing", "wrapping", "storage"].map(|name| {
        let label = if name == "storage" { "KF1 device storage".to_owned() } else { format!("KF1 device {name} key") };
        let mut key = vec![0; 32];
        Hkdf::<Sha256>::new(Some(&[]), &seed).expand(&[label.as_bytes(), &[0]].concat(), &mut key).unwrap();
        (format!("the {name} key"), key)
    });
    let storage = DeviceKeys::derive(&DeviceSeed::from_slice(&seed).unwrap()).unwrap().storage;
    let rings = records(home).into_iter().filter(|(name, _)| name.starts_with("ring/"));
    let rings = rings.map(|(name, sealed)| (name.clone(), storage.open(name.as_bytes(), &sealed).unwrap().to_vec()));
    let mut secrets: Secrets = vec![("the seed".to_owned(), seed.clone())];
    secrets.extend(derived);
    let rings: Secrets = rings.collect();
    assert!(!rings.is_empty(), "keys of a keychain are among the records");
    secrets.extend(rings);
    secrets
}

fn found(secrets: &Secrets, bytes: &[u8]) -> Vec<String> {
    let is_in = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let forms = |secret: &[u8]| [secret.to_vec(), base64url(secret).into_bytes(), hex(secret).into_bytes()];
    secrets.iter().filter(|(_, s)| forms(s).iter().any(|form| is_in(form))).map(|(name, _)| name.clone()).collect()
}

/// Everything that lies in a folder.
fn files(home: &Path) -> Vec<u8> {
    fs::read_dir(home).unwrap().flat_map(|file| fs::read(file.unwrap().path()).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn s24_no_secret_lies_in_a_locked_home() {
    let server = TestServer::start().await;
    let alice = Person::signed_up("alice", &server).await;
    alice.client.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    let sealed = alice.client.encrypt_value("notes", &Value::Text("hello".to_owned()), None).await.unwrap();
    let home = alice.home();
    let secrets = secrets(&home);
    assert_eq!(found(&secrets, &files(&home)), ["the seed"], "the file of the seed, and nothing else");
    let seed = secrets[0].1.clone();

    let watching = alice.again();
    watching.whoami().await.unwrap();
    alice.client.lock(PASSPHRASE).await.unwrap();
    assert!(found(&secrets, &files(&home)).is_empty());
    assert!(!home.join("device.key").exists());
    // Whoever kept the seed from before opens no record.
    let storage = DeviceKeys::derive(&DeviceSeed::from_slice(&seed).unwrap()).unwrap().storage;
    for (name, sealed) in records(&home) {
        assert!(storage.open(name.as_bytes(), &sealed).is_none(), "{name}");
    }
    // This client goes on; others need the passphrase, and who had it open notices.
    assert_eq!(alice.client.decrypt_value(&sealed, None).await.unwrap().value, Value::Text("hello".to_owned()));
    assert_eq!(watching.whoami().await.unwrap_err().code, Code::Locked);
    let again = alice.again();
    assert!(again.is_locked().unwrap() && again.has_lock().unwrap());
    assert_eq!(again.decrypt_value(&sealed, None).await.unwrap_err().code, Code::Locked);
    for wrong in ["correct horse battery stapl", "", "Correct horse battery staple"] {
        assert_eq!(again.unlock(wrong).unwrap_err().code, Code::WrongSecret, "{wrong:?}");
    }
    again.unlock(PASSPHRASE).unwrap();
    assert_eq!(again.decrypt_value(&sealed, None).await.unwrap().value, Value::Text("hello".to_owned()));
    again.create_keychain("photos", Algorithm::SecretBox).await.unwrap();

    // Left by a crash, or put back by a thief: it opens nothing, and goes.
    fs::write(home.join("device.key"), &seed).unwrap();
    assert_eq!(alice.again().whoami().await.unwrap_err().code, Code::Locked);
    assert!(!home.join("device.key").exists());

    // Another passphrase: the former one is none, and who was unlocked by it is locked.
    assert_eq!(alice.again().lock("another passphrase").await.unwrap_err().code, Code::Locked);
    assert_eq!(again.lock("short").await.unwrap_err().code, Code::BadText);
    again.lock("another passphrase").await.unwrap();
    assert_eq!(alice.client.whoami().await.unwrap_err().code, Code::Locked);
    assert_eq!(alice.client.unlock(PASSPHRASE).unwrap_err().code, Code::WrongSecret);
    assert!(found(&secrets, &files(&home)).is_empty());

    again.remove_lock().await.unwrap();
    assert_eq!(alice.client.keychains().await.unwrap().len(), 2, "everybody goes on");
    assert_eq!(fs::read(home.join("device.key")).unwrap(), seed);
    // Whoever forgot it may remove the device.
    again.lock(PASSPHRASE).await.unwrap();
    alice.again().logout(true).await.unwrap();
    assert_eq!(alice.again().whoami().await.unwrap_err().code, Code::NoHome);
}

/// All that a process has in memory and may write to.
fn memory(child: &Child) -> Vec<Vec<u8>> {
    use std::os::unix::fs::FileExt;
    let maps = fs::read_to_string(format!("/proc/{}/maps", child.id())).unwrap();
    let mem = fs::File::open(format!("/proc/{}/mem", child.id())).unwrap();
    let areas = maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|mode| mode.starts_with("rw")));
    let areas = areas.filter_map(|line| {
        let (from, to) = line.split_once(' ')?.0.split_once('-')?;
        let [from, to] = [from, to].map(|at| u64::from_str_radix(at, 16).unwrap());
        let mut area = vec![0; (to - from) as usize];
        // What was mapped and given back meanwhile cannot be read.
        mem.read_exact_at(&mut area, from).ok().map(|()| area)
    });
    areas.collect()
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn s24_a_process_that_dropped_its_client_holds_no_secret_in_memory() {
    let server = TestServer::start().await;
    let alice = Person::signed_up("alice", &server).await;
    alice.client.create_keychain("notes", Algorithm::SecretBox).await.unwrap();
    let mut secrets = secrets(&alice.home());
    alice.client.lock(PASSPHRASE).await.unwrap();
    secrets.push(("the passphrase".to_owned(), PASSPHRASE.as_bytes().to_vec()));
    fs::write(alice.folder().join("passphrase"), PASSPHRASE).unwrap();

    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "--exact",
        "s24_storage_at_rest::a_process_that_uses_a_locked_home",
        "--ignored",
        "--nocapture",
        "--test-threads=1",
    ]);
    command.env(FOLDER, alice.folder()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut until = |word: &str| while !said.next().expect("it goes on").unwrap().ends_with(word) {};
    let held = |child: &Child| -> Vec<String> {
        let mut names: Vec<_> = memory(child).iter().flat_map(|area| found(&secrets, area)).collect();
        names.sort();
        names.dedup();
        names
    };
    until("in use");
    assert!(held(&child).contains(&"the signing key".to_owned()), "nothing is found even while it is there");
    child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    until("dropped");
    assert_eq!(held(&child), [""; 0]);
    child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
#[ignore = "another test runs it, in a process of its own"]
fn a_process_that_uses_a_locked_home() {
    let folder = std::path::PathBuf::from(std::env::var_os(FOLDER).unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let passphrase = Zeroizing::new(fs::read_to_string(folder.join("passphrase")).unwrap());
    let client = Client::open(&folder.join("home")).unwrap();
    client.unlock(&passphrase).unwrap();
    drop(passphrase);
    runtime.block_on(async {
        let sealed = client.encrypt_value("notes", &Value::Text("hello".to_owned()), None).await.unwrap();
        client.decrypt_value(&sealed, None).await.unwrap();
        client.sync().await.unwrap();
    });
    let wait = || {
        std::io::stdin().lock().read_line(&mut String::new()).unwrap();
    };
    println!("in use");
    wait();
    drop(client);
    drop(runtime);
    println!("dropped");
    wait();
}
