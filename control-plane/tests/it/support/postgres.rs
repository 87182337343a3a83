//! PostgreSQL for tests: the one that `TALLYGATE_TEST_POSTGRES_URL` names (a superuser's URL), or one that is
//! started from the distribution's packages, shared by all tests of a run, and stopped after it.
//!
//! Test processes come and go (nextest starts one per test), so the server belongs to a small watchdog that
//! ends it once the last test *runner* that asked for it is gone.

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection as _};
use std::fs::{self, File};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr as _;

/// A database of one test.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) url: String,
    server: String,
    name: String,
}

impl Database {
    pub(crate) async fn create() -> Self {
        let server = server_url();
        let name = format!("tallygate_test_{:016x}", rand::random::<u64>());
        let mut connection = connect(&server).await;
        sqlx::query(AssertSqlSafe(format!("create database {name}")))
            .execute(&mut connection)
            .await
            .unwrap();
        Self {
            url: with_database(&server, &name),
            server,
            name,
        }
    }

    pub(crate) async fn remove(self) {
        let mut connection = connect(&self.server).await;
        let drop = format!("drop database if exists {} with (force)", self.name);
        sqlx::query(AssertSqlSafe(drop))
            .execute(&mut connection)
            .await
            .unwrap();
    }
}

async fn connect(url: &str) -> PgConnection {
    let options = PgConnectOptions::from_str(url).unwrap();
    PgConnection::connect_with(&options)
        .await
        .unwrap_or_else(|error| panic!("connecting to the tests' PostgreSQL: {error}"))
}

/// The same server, another database.
fn with_database(url: &str, name: &str) -> String {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let authority_end = base
        .find("://")
        .and_then(|at| base[at + 3..].find('/').map(|slash| at + 3 + slash))
        .unwrap_or(base.len());
    let query = if query.is_empty() {
        String::new()
    } else {
        format!("?{query}")
    };
    format!("{}/{name}{query}", &base[..authority_end])
}

fn server_url() -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "a setting of the tests, not of the program"
    )]
    let given = std::env::var("TALLYGATE_TEST_POSTGRES_URL");
    given.unwrap_or_else(|_| own_server())
}

/// Starts the shared server unless it runs, and asks the watchdog to keep it while our test runner lives.
fn own_server() -> String {
    let home = home();
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(home.join("runners"))
        .unwrap();
    let lock = File::create(home.join("lock")).unwrap();
    lock.lock().unwrap();
    let runner = std::os::unix::process::parent_id();
    fs::write(home.join("runners").join(runner.to_string()), "").unwrap();
    let socket = home.join("socket");
    if std::os::unix::net::UnixStream::connect(socket.join(".s.PGSQL.5432")).is_err() {
        start(&home);
    }
    format!(
        "postgres://postgres@localhost/postgres?host={}",
        socket.display()
    )
}

/// One per checkout, so that two checkouts do not stop each other's. Short: a socket's path may have 107 bytes.
fn home() -> PathBuf {
    let checkout = env!("CARGO_MANIFEST_DIR")
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    std::env::temp_dir().join(format!("tallygate-postgres-{checkout:016x}"))
}

fn start(home: &Path) {
    let programs = programs();
    for stale in ["data", "socket"] {
        let _ = fs::remove_dir_all(home.join(stale));
    }
    fs::create_dir(home.join("socket")).unwrap();
    fs::create_dir(home.join("data")).unwrap();
    fs::set_permissions(home.join("data"), fs::Permissions::from_mode(0o700)).unwrap();
    let root = is_root();
    if root {
        for directory in ["data", "socket"] {
            check(
                Command::new("chown")
                    .arg("postgres")
                    .arg(home.join(directory)),
            );
        }
    }
    let data = home.join("data");
    check(
        as_postgres(root, &programs.join("initdb"))
            .args([
                "--auth=trust",
                "--username=postgres",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
                "-D",
            ])
            .arg(&data),
    );
    // Nothing here outlives a test run, so nothing needs to reach the disk.
    let settings = format!(
        "-c fsync=off -c full_page_writes=off -c max_connections=300 -c listen_addresses= -c unix_socket_directories={}",
        home.join("socket").display()
    );
    check(
        as_postgres(root, &programs.join("pg_ctl"))
            .args(["start", "-w", "-t", "60", "-o", &settings, "-l"])
            .arg(data.join("server.log"))
            .arg("-D")
            .arg(&data),
    );
    watch(home, &programs, root);
}

/// Stops the server when no runner is left. Holds nothing of ours open, so runners do not wait for it.
fn watch(home: &Path, programs: &Path, root: bool) {
    const SCRIPT: &str = r#"
cd "$1" || exit 1
while sleep 1; do
    exec 9>lock
    flock 9
    for runner in runners/*; do
        kill -0 "${runner##*/}" 2>/dev/null || rm -f "$runner"
    done
    if [ -z "$(ls runners)" ]; then
        shift
        "$@" stop -m immediate -D "$PWD/data"
        rm -rf data socket
        exit 0
    fi
    exec 9>&-
done
"#;
    let stop = as_postgres(root, &programs.join("pg_ctl"));
    let started = Command::new("setsid")
        .args(["--fork", "sh", "-c", SCRIPT, "watchdog"])
        .arg(home)
        .arg(stop.get_program())
        .args(stop.get_args())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(started.success(), "setsid: {started}");
}

/// The newest installed.
fn programs() -> PathBuf {
    let version = |path: &Path| {
        let parent = path.parent()?.file_name()?.to_str()?;
        parent.parse::<u32>().ok()
    };
    let newest = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .filter(|bin| bin.join("initdb").exists())
        .max_by_key(|bin| version(bin));
    newest.unwrap_or_else(|| {
        panic!(
            "these tests need PostgreSQL: install it with `apt-get install postgresql`, \
             or name a server in TALLYGATE_TEST_POSTGRES_URL=postgres://superuser@host/postgres"
        )
    })
}

/// PostgreSQL refuses to run as root.
fn as_postgres(root: bool, program: &Path) -> Command {
    if !root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args([
            "--reuid=postgres",
            "--regid=postgres",
            "--clear-groups",
            "--",
        ])
        .arg(program);
    command
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

fn check(command: &mut Command) {
    let output = command
        .current_dir("/")
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
