//! The program itself: what its commands print and refuse, and how `serve` starts and ends.

use crate::support::Kind;
use crate::support::client::send;
use crate::support::database::TestDatabase;
use serde_json::Value;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tallygate::db::Db;
use tallygate::run;
use tallygate::secrets::installation;
use tallygate::store::settings;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

/// Longer than anything here takes: a hang is a failure with a name.
const PATIENCE: Duration = Duration::from_secs(60);

struct Installation {
    database: TestDatabase,
    directory: TempDir,
}

struct Ran {
    success: bool,
    out: String,
    error: String,
}

impl Installation {
    async fn empty(kind: Kind) -> Self {
        let installation = Self {
            database: TestDatabase::empty(kind).await,
            directory: tempfile::tempdir().unwrap(),
        };
        if kind == Kind::Postgres {
            std::fs::write(installation.key(), "7".repeat(64)).unwrap();
        }
        installation
    }

    fn key(&self) -> std::path::PathBuf {
        self.directory.path().join("secret.key")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = program(self.directory.path(), args);
        command
            .env("TALLYGATE_DATABASE_URL", &self.database.url)
            .env("TALLYGATE_SECRET_KEY_FILE", self.key())
            .env("TALLYGATE_PORTAL_LISTEN", "127.0.0.1:0")
            .env("TALLYGATE_ADMIN_LISTEN", "127.0.0.1:0");
        command
    }

    async fn run(&self, args: &[&str]) -> Ran {
        finish(self.command(args)).await
    }

    /// A running server, its admin address, and the rest of what it logs.
    async fn serve(&self) -> (Child, String, Lines<BufReader<ChildStderr>>) {
        let mut child = self
            .command(&["serve"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let serving = wait_for(&mut log, "serving").await;
        let admin = format!("http://{}", serving["admin"].as_str().unwrap());
        (child, admin, log)
    }
}

fn program(directory: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tallygate"));
    command
        .args(args)
        .current_dir(directory)
        .env_clear()
        .kill_on_drop(true);
    command
}

async fn finish(mut command: Command) -> Ran {
    let output = tokio::time::timeout(PATIENCE, command.output())
        .await
        .unwrap()
        .unwrap();
    Ran {
        success: output.status.success(),
        out: String::from_utf8(output.stdout).unwrap(),
        error: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The first log line with a message, as JSON (the log is no terminal).
async fn wait_for(log: &mut Lines<BufReader<ChildStderr>>, message: &str) -> Value {
    let find = async {
        while let Some(line) = log.next_line().await.unwrap() {
            let line: Value = serde_json::from_str(&line).unwrap();
            if line["message"].as_str().unwrap().contains(message) {
                return line;
            }
        }
        panic!("the log ended without {message:?}")
    };
    tokio::time::timeout(PATIENCE, find).await.unwrap()
}

/// What follows a label in what `provider create` prints.
fn printed<'a>(out: &'a str, label: &str) -> &'a str {
    let line = out.lines().find_map(|line| line.trim().strip_prefix(label));
    line.unwrap_or_else(|| panic!("no {label} in {out}")).trim()
}

async fn create_provider(installation: &Installation) -> String {
    let ran = installation
        .run(&[
            "provider",
            "create",
            "--name",
            "Acme",
            "--email",
            "api@acme.example",
        ])
        .await;
    assert!(ran.success, "{}", ran.error);
    assert_eq!(printed(&ran.out, "provider key").len(), 32);
    assert!(printed(&ran.out, "console login").starts_with("admin / "));
    printed(&ran.out, "access token").to_owned()
}

async fn story(kind: Kind) {
    let installation = Installation::empty(kind).await;
    let token = create_provider(&installation).await;
    let again = installation
        .run(&[
            "provider",
            "create",
            "--name",
            "Acme",
            "--email",
            "api@acme.example",
        ])
        .await;
    assert!(
        !again.success && again.error.contains("has a provider already"),
        "{}",
        again.error
    );

    let (mut child, admin, mut log) = installation.serve().await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let healthy = installation
        .run(&["healthcheck", &format!("{admin}/readyz")])
        .await;
    assert!(healthy.success, "{}", healthy.error);
    let read_only = installation
        .run(&[
            "token",
            "create",
            "--name",
            "reader",
            "--scopes",
            "account_management,stats",
        ])
        .await;
    let of_user = [
        "token", "create", "--name", "x", "--scopes", "stats", "--user",
    ];
    let admins = installation.run(&[&of_user[..], &["admin"]].concat()).await;
    assert_eq!(admins.out.trim().len(), 96, "{}", admins.error);
    let nobodys = installation.run(&[&of_user[..], &["ann"]].concat()).await;
    assert!(
        !nobodys.success && nobodys.error.contains("no user called ann"),
        "{}",
        nobodys.error
    );
    let services = |token: &str| {
        http.get(format!("{admin}/admin/api/services.json"))
            .basic_auth("", Some(token))
    };
    send(services(read_only.out.trim())).await.expect(200);
    send(services(&token)).await.expect(200);
    let make = http
        .post(format!("{admin}/admin/api/gateways.json"))
        .basic_auth("", Some(&token))
        .form(&[("name", "g"), ("environment", "production")]);
    let gateway = send(make).await.expect(201);
    let gateway = gateway.at("/gateway/token").as_str().unwrap().to_owned();

    // A gateway waits for news. The end comes first, and the call is answered, not cut off.
    let snapshot = |after: &str, wait: u32| {
        http.get(format!(
            "{admin}/gateway/v1/snapshot?after={after}&wait={wait}"
        ))
        .header("accept", "application/json")
        .bearer_auth(&gateway)
    };
    let first = send(snapshot("0", 0)).await.expect(200);
    let next = first.at("/v3/next");
    let after = format!(
        "{}.{}.{}",
        next["products"], next["applications"], next["application"]
    );
    let waiting = tokio::spawn(send(snapshot(&after, 30)));
    let waits = async {
        loop {
            let metrics = send(http.get(format!("{admin}/metrics"))).await.expect(200);
            // The waiting one, and this one.
            if metrics
                .text
                .contains("tallygate_http_requests_in_flight 2\n")
            {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, waits).await.unwrap();
    let pid = child.id().unwrap().to_string();
    let kill = Command::new("kill")
        .args(["-TERM", &pid])
        .status()
        .await
        .unwrap();
    assert!(kill.success());
    wait_for(&mut log, "stopping").await;
    let status = tokio::time::timeout(PATIENCE, child.wait())
        .await
        .unwrap()
        .unwrap();
    assert!(status.success(), "{status}");
    let reply = waiting.await.unwrap().expect(200);
    assert_eq!(reply.at("/v3/complete"), true);
    let gone = installation
        .run(&["healthcheck", &format!("{admin}/readyz")])
        .await;
    assert!(!gone.success, "{}", gone.out);
    installation.database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_begins_serves_and_ends_on_sqlite() {
    story(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_begins_serves_and_ends_on_postgres() {
    story(Kind::Postgres).await;
}

async fn the_key(kind: Kind) {
    let installation = Installation::empty(kind).await;
    let token = create_provider(&installation).await;
    let key = std::fs::read(installation.key()).unwrap();
    let db = Db::connect(&installation.database.url, 2).await.unwrap();
    let check = async || {
        let mut tx = db.read().await.unwrap();
        settings::text(&mut tx, installation::CHECK).await.unwrap()
    };
    let refused = async |words: &[&str]| {
        let ran = installation.run(&["serve"]).await;
        assert!(!ran.success);
        for word in words {
            assert!(ran.error.contains(word), "{word}: {}", ran.error);
        }
    };
    assert!(check().await.is_some());
    let file = installation.key().display().to_string();

    std::fs::remove_file(installation.key()).unwrap();
    refused(&[&file, "is missing"]).await;
    assert!(!installation.key().exists(), "a new key opens nothing");
    std::fs::write(installation.key(), "8".repeat(64)).unwrap();
    refused(&[&file, "another key"]).await;

    // Made before keys were checked: known by what it sealed.
    let mut tx = db.begin().await.unwrap();
    run!(&mut tx, |c| sqlx::query(
        "delete from setting where name = $1"
    )
    .bind(installation::CHECK)
    .execute(c))
    .unwrap();
    tx.commit().await.unwrap();
    std::fs::write(installation.key(), &key).unwrap();
    let (mut child, admin, _log) = installation.serve().await;
    assert!(check().await.is_some());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let make = http
        .post(format!("{admin}/admin/api/services.json"))
        .basic_auth("", Some(&token))
        .form(&[("name", "Mail")]);
    send(make).await.expect(201);
    child.kill().await.unwrap();
    let mut tx = db.begin().await.unwrap();
    run!(&mut tx, |c| sqlx::query(
        "delete from setting where name = $1"
    )
    .bind(installation::CHECK)
    .execute(c))
    .unwrap();
    tx.commit().await.unwrap();
    std::fs::write(installation.key(), "8".repeat(64)).unwrap();
    refused(&[&file, "another key"]).await;
    assert_eq!(check().await, None);
    db.close().await;
    installation.database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_key_it_was_made_with_opens_a_sqlite_installation() {
    the_key(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_key_it_was_made_with_opens_a_postgres_installation() {
    the_key(Kind::Postgres).await;
}

#[tokio::test]
async fn an_empty_installation_says_how_to_begin() {
    let installation = Installation::empty(Kind::Sqlite).await;
    let token = installation
        .run(&["token", "create", "--name", "x", "--scopes", "stats"])
        .await;
    assert!(
        !token.success && token.error.contains("tallygate migrate"),
        "{}",
        token.error
    );
    let refused = installation.run(&["serve", "--no-migrate"]).await;
    assert!(
        !refused.success && refused.error.contains("tallygate migrate"),
        "{}",
        refused.error
    );
    assert!(installation.run(&["migrate"]).await.success);
    let token = installation
        .run(&["token", "create", "--name", "x", "--scopes", "stats"])
        .await;
    assert!(
        !token.success && token.error.contains("tallygate provider create"),
        "{}",
        token.error
    );
    let mut child = installation
        .command(&["serve", "--no-migrate"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let hint = wait_for(&mut log, "no provider").await;
    assert!(
        hint["message"]
            .as_str()
            .unwrap()
            .contains("tallygate provider create"),
        "{hint}"
    );
    child.kill().await.unwrap();
}

#[tokio::test]
async fn bad_settings_are_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    for (name, value) in [
        ("TALLYGATE_DATABASE_URL", "mysql://x"),
        ("TALLYGATE_DATABASE_URL", "sqlite::memory:"),
        ("TALLYGATE_DATABASE_CONNECTIONS", "0"),
        ("TALLYGATE_PORTAL_LISTEN", "localhost"),
        ("TALLYGATE_ADMIN_LISTEN", "127.0.0.1:99999"),
        ("TALLYGATE_PORTAL_URL", "portal.example"),
        ("TALLYGATE_ADMIN_URL", "ftp://x"),
        ("TALLYGATE_LOG", "info,=,"),
        ("TALLYGATE_LOG_FORMAT", "xml"),
    ] {
        let mut command = program(directory.path(), &["serve"]);
        command.env(name, value);
        let ran = finish(command).await;
        assert!(!ran.success, "{name}={value}");
        assert!(ran.error.contains(name), "{name}={value}: {}", ran.error);
    }
    let mut command = program(directory.path(), &["migrate"]);
    command.env(
        "TALLYGATE_DATABASE_URL",
        "postgres://nobody@127.0.0.1:1/nothing",
    );
    let ran = finish(command).await;
    assert!(
        !ran.success && ran.error.contains("TALLYGATE_DATABASE_URL"),
        "{}",
        ran.error
    );
}

#[tokio::test]
async fn postgres_wants_the_key_to_be_named() {
    let installation = Installation::empty(Kind::Postgres).await;
    let mut command = installation.command(&[
        "provider",
        "create",
        "--name",
        "A",
        "--email",
        "a@b.example",
    ]);
    command.env_remove("TALLYGATE_SECRET_KEY_FILE");
    let ran = finish(command).await;
    assert!(
        !ran.success && ran.error.contains("TALLYGATE_SECRET_KEY_FILE"),
        "{}",
        ran.error
    );
    installation.database.remove().await;
}

async fn a_restore(kind: Kind) {
    let installation = Installation::empty(kind).await;
    let refused = installation.run(&["restore", "--epoch", "7"]).await;
    assert!(!refused.success, "the epoch is not for people to choose");
    create_provider(&installation).await;
    let epoch = async || {
        let db = installation.database.connect().await;
        let epoch: i64 =
            tallygate::on!(db, |c| sqlx::query_scalar("select epoch from ledger_epoch")
                .fetch_one(c))
            .unwrap();
        db.close().await;
        epoch
    };
    let before = epoch().await;
    let ran = installation.run(&["restore"]).await;
    assert!(ran.success, "{}", ran.error);
    let after = epoch().await;
    assert_ne!(after, before);
    for text in [
        &format!("{after} (before: {before})"),
        "0 leases of 0 gateway processes",
        "last report     never",
        "is lost",
        "For 30 seconds",
        "tallygate serve",
    ] {
        assert!(ran.out.contains(text), "{text} in {}", ran.out);
    }
    installation.database.remove().await;
}

#[tokio::test]
async fn a_restored_sqlite_database_begins_a_new_epoch() {
    a_restore(Kind::Sqlite).await;
}

#[tokio::test]
async fn a_restored_postgres_database_begins_a_new_epoch() {
    a_restore(Kind::Postgres).await;
}
