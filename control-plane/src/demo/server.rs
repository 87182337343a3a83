//! The demo's control plane: `tallygate serve` as a child, with all it needs on its command line, so
//! that whoever kills it can start the same one again by hand.

use super::Demo;
use super::child::{Child, Group};
use super::mail::Sink;
use crate::config::DatabaseConfig;
use anyhow::Context as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::process::Command;
use tokio::time::sleep;

/// On a new database the schema is made first.
const START: Duration = Duration::from_secs(30);

// === impl Demo ===

impl Demo {
    pub(super) fn database_file(&self) -> PathBuf {
        self.dir.join("tallygate.db")
    }

    pub(super) fn database(&self) -> DatabaseConfig {
        DatabaseConfig {
            database_url: format!("sqlite://{}", self.database_file().display()),
            database_connections: 8,
            secret_key_file: None,
        }
    }

    fn serve_arguments(&self, mail: Option<&Sink>) -> anyhow::Result<Vec<String>> {
        let program = std::env::current_exe().context("finding this program's own path")?;
        let mut words = vec![
            program.display().to_string(),
            "serve".to_owned(),
            format!("--database-url={}", self.database().database_url),
            format!("--portal-listen={}", self.ports.address(self.ports.portal)),
            format!("--admin-listen={}", self.ports.address(self.ports.admin)),
            format!("--portal-url={}", self.ports.url(self.ports.portal)),
            format!("--admin-url={}", self.ports.url(self.ports.admin)),
            format!(
                "--staging-gateway-url={}",
                self.ports.url(self.ports.staging)
            ),
            format!(
                "--production-gateway-url={}",
                self.ports.url(self.ports.gateway)
            ),
        ];
        words.extend(mail.map(|sink| format!("--smtp-url={}", sink.url())));
        Ok(words)
    }

    fn control_plane_log(&self) -> PathBuf {
        self.dir.join("control-plane.log")
    }

    /// The command that starts it again, to paste into a shell.
    pub(super) fn serve_command(&self, mail: Option<&Sink>) -> anyhow::Result<String> {
        let words: Vec<String> = self
            .serve_arguments(mail)?
            .iter()
            .map(|word| quote(word))
            .collect();
        Ok(words.join(" "))
    }

    /// Starts it and waits until it answers.
    pub(super) async fn start_control_plane(&self, mail: Option<&Sink>) -> anyhow::Result<Child> {
        let words = self.serve_arguments(mail)?;
        let (program, arguments) = words.split_first().context("an empty command")?;
        let mut command = Command::new(program);
        command.args(arguments);
        // Ours alone decide: what the caller's shell has set (from demo.env, say) is for other commands.
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| {
                name.starts_with("TALLYGATE_") && !name.starts_with("TALLYGATE_LOG")
            }) {
                command.env_remove(name);
            }
        }
        // It may hold a password, which does not belong on a command line.
        if let Some(url) = &self.smtp_url {
            command.env("TALLYGATE_SMTP_URL", url);
        }
        let mut child = Child::start(
            "tallygate serve",
            command,
            &self.control_plane_log(),
            Group::Own,
        )?;
        let url = format!("{}/readyz", self.ports.url(self.ports.admin));
        let deadline = Instant::now() + START;
        while !answers_200(&url).await {
            child.check_alive()?;
            anyhow::ensure!(
                Instant::now() < deadline,
                "the control plane was not ready within {} s. Its log:\n{}",
                START.as_secs(),
                child.log_end()
            );
            sleep(Duration::from_millis(50)).await;
        }
        Ok(child)
    }
}

async fn answers_200(url: &str) -> bool {
    super::probe::status(url, &[])
        .await
        .is_ok_and(|status| status == 200)
}

/// A word for a POSIX shell.
pub(super) fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn words_survive_a_shell() {
        for (word, quoted) in [
            ("a/b.c", "a/b.c"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("$x", "'$x'"),
        ] {
            assert_eq!(quote(word), quoted);
        }
    }
}
