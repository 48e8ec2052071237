//! A PostgreSQL of a test's own, in a folder of its own, that nobody reaches but through a socket in there. It has the
//! tables, and these who log in: alice, bob and mallory themselves, and `service`, a gateway.

use keyfold_client::stores::{POSTGRES_MIGRATION, PostgresStore};
use sqlx::{Connection as _, PgConnection};
use std::{
    env, fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// Tries to connect before it counts as broken, and the time between two.
const TRIES: u32 = 1_200;
const PAUSE: Duration = Duration::from_millis(50);

/// Ends when it is dropped.
pub(super) struct PostgresServer {
    folder: tempfile::TempDir,
    process: Child,
}

impl PostgresServer {
    /// `None` where PostgreSQL is not installed, which is no answer in continuous integration.
    pub(super) async fn start() -> Option<Self> {
        Self::start_with(&[]).await
    }

    /// Runs something before the migration.
    pub(super) async fn start_with(before: &[&'static str]) -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(env::var_os("CI").is_none(), "PostgreSQL is not installed");
            eprintln!("PostgreSQL is not installed, so there is nothing to see");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        // It refuses to run as root, so it belongs to somebody else there.
        let owner = is_root().then(|| number_of("postgres"));
        if let Some(owner) = owner {
            chown(folder.path(), Some(owner), None).unwrap();
        }
        let data = folder.path().join("data");
        lay_out(&programs, owner, &data);
        let mut server = command(&programs.join("postgres"), owner);
        server.arg("-D").arg(&data).arg("-k").arg(folder.path());
        server.args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=16MB"]);
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let process = server.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let server = Self { folder, process };
        let mut owner = server.first_connection().await;
        let people = [
            "create role alice login",
            "create role bob login",
            "create role mallory login",
            "create role service login",
        ];
        for statement in before.iter().chain(&people) {
            sqlx::raw_sql(*statement).execute(&mut owner).await.unwrap();
        }
        sqlx::raw_sql(POSTGRES_MIGRATION).execute(&mut owner).await.unwrap();
        // mallory too: to have been let in somewhere must not help elsewhere.
        sqlx::raw_sql("grant keyfold_member to alice, bob, mallory, service; grant keyfold_gateway to service")
            .execute(&mut owner)
            .await
            .unwrap();
        Some(server)
    }

    async fn first_connection(&self) -> PgConnection {
        for _ in 0..TRIES {
            match PgConnection::connect(&self.url("owner")).await {
                Ok(connection) => return connection,
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
        panic!("{}", fs::read_to_string(self.folder.path().join("log")).unwrap())
    }

    pub(super) fn url(&self, role: &str) -> String {
        format!("postgres://{role}@localhost/postgres?host={}", self.folder.path().display())
    }

    /// A connection as somebody, who may then type what he likes.
    pub(super) async fn connect(&self, role: &str) -> PgConnection {
        PgConnection::connect(&self.url(role)).await.unwrap()
    }

    /// Makes somebody a member, as the operator does.
    pub(super) async fn let_in(&self, scope: &str, user: &str, may_write: bool) {
        let member = sqlx::query("insert into keyfold_members values ($1, $2, $3) on conflict do nothing");
        let mut owner = self.connect("owner").await;
        member.bind(scope).bind(user).bind(may_write).execute(&mut owner).await.unwrap();
    }

    pub(super) async fn store(&self, role: &str, scope: &str) -> PostgresStore {
        PostgresStore::connect(&self.url(role), scope).await.unwrap()
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        // At once, with all that it has started.
        Command::new("kill").args(["-QUIT", &self.process.id().to_string()]).status().ok();
        self.process.wait().ok();
    }
}

/// Makes the folder of a database without anything in it: as a copy of the first that was made, which takes a tenth of
/// the time.
fn lay_out(programs: &Path, owner: Option<u32>, data: &Path) {
    let version =
        printed(&programs.join("postgres"), &["--version"]).replace(|letter: char| !letter.is_alphanumeric(), "-");
    let first = Path::new(env!("CARGO_TARGET_TMPDIR")).join(version);
    let lock = fs::File::create(first.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let copy = |from: &Path, to: &Path| {
        let copied = Command::new("cp").args(["-a", "--reflink=auto"]).arg(from).arg(to).status().unwrap();
        assert!(copied.success());
    };
    if first.exists() {
        drop(lock);
        return copy(&first, data);
    }
    let mut init = command(&programs.join("initdb"), owner);
    init.args(["-U", "owner", "-A", "trust", "-E", "UTF8", "--locale", "C", "--wal-segsize", "1", "--no-sync", "-D"]);
    let made = init.arg(data).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    // Under another name until it is whole.
    let draft = first.with_extension("new");
    fs::remove_dir_all(&draft).ok();
    copy(data, &draft);
    fs::rename(draft, first).unwrap();
}

/// Where the programs of the server are: in `PATH`, or where Debian puts them.
fn programs() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let debian = debian.filter_map(|version| Some(version.ok()?.path().join("bin")));
    env::split_paths(&path)
        .chain(debian)
        .find(|folder| ["initdb", "postgres"].iter().all(|name| folder.join(name).is_file()))
}

/// A program that ends with this test, whatever becomes of it, as somebody else if there is one.
fn command(program: &Path, owner: Option<u32>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "QUIT"]);
    if let Some(owner) = owner {
        command.args(["--reuid", &owner.to_string(), "--regid", &owner.to_string(), "--clear-groups"]);
    }
    command.arg("--").arg(program);
    command
}

fn is_root() -> bool {
    printed(Path::new("id"), &["-u"]) == "0"
}

fn number_of(user: &str) -> u32 {
    printed(Path::new("id"), &["-u", user]).parse().unwrap()
}

fn printed(program: &Path, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
