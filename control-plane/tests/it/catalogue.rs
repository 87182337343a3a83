//! The catalogue as code: `apply`, `export` and `import openapi`, as programs that work on a running installation.

mod applying;
mod backends;
mod exporting;
mod importing;
mod refusing;
mod whole;

use crate::support::Test;
use serde_json::Value;
use std::path::Path;
use std::process::Stdio;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// The example that the documentation shows.
const EXAMPLE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../docs/catalogue.example.yaml"
);

/// What a command printed.
#[derive(Debug)]
struct Ran {
    status: i32,
    out: String,
    error: String,
}

/// Runs the program on a running installation, with something on its standard input.
async fn run(t: &Test, args: &[&str], input: &str) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tallygate"));
    command
        .args(args)
        .env_clear()
        .env("TALLYGATE_ADMIN_URL", &t.admin)
        .env("TALLYGATE_ACCESS_TOKEN", &t.token)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that refuses its arguments reads nothing.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    Ran {
        status: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        error: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Applies a text.
async fn apply(t: &Test, yaml: &str, more: &[&str]) -> Ran {
    run(t, &[&["apply", "-f", "-"], more].concat(), yaml).await
}

async fn export(t: &Test, more: &[&str]) -> String {
    run(t, &[&["export"], more].concat(), "")
        .await
        .expect(0)
        .out
}

impl Ran {
    #[track_caller]
    fn expect(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{}\n{}", self.out, self.error);
        self
    }

    /// Itself, when both outputs together say all of this.
    #[track_caller]
    fn says(self, words: &[&str]) -> Self {
        let all = format!("{}{}", self.out, self.error);
        for word in words {
            assert!(all.contains(word), "{word:?} is not in\n{all}");
        }
        self
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap()
    }
}

/// Compares with what is committed; `TALLYGATE_BLESS=1` writes it instead.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "not a setting of the program")]
fn committed(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    if std::env::var_os("TALLYGATE_BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == text,
        "{file} is stale: run this test with TALLYGATE_BLESS=1"
    );
}
