//! A child process with its output in a log file: started, watched and ended.

use anyhow::Context as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::Command;
use tokio::time::timeout;

/// A running child. Dropped, it is killed: no path out of this process leaves one behind.
#[derive(Debug)]
pub struct Child {
    name: &'static str,
    log: PathBuf,
    process: tokio::process::Child,
}

/// Whether a child shares the terminal's signals with us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Ctrl-C reaches it too.
    Ours,
    /// It is signalled by us alone, so that children end in the right order.
    Own,
}

// === impl Child ===

impl Child {
    /// Starts `command`; what it prints is added to the log.
    ///
    /// # Errors
    /// When the log cannot be written or the command cannot be started.
    pub fn start(
        name: &'static str,
        mut command: Command,
        log: &Path,
        group: Group,
    ) -> anyhow::Result<Self> {
        let out = open_log(log)?;
        let err = out.try_clone()?;
        command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .kill_on_drop(true);
        if group == Group::Own {
            command.process_group(0);
        }
        let program = command.as_std().get_program().to_owned();
        let process = command
            .spawn()
            .with_context(|| format!("starting {}", program.to_string_lossy()))?;
        Ok(Self {
            name,
            log: log.to_owned(),
            process,
        })
    }

    /// Its process id, until it has ended.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.id()
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// When the system does not say.
    pub async fn wait(&mut self) -> anyhow::Result<ExitStatus> {
        self.process
            .wait()
            .await
            .with_context(|| format!("waiting for {}", self.name))
    }

    /// An error with the end of its log, if it has ended already.
    ///
    /// # Errors
    /// When it has ended.
    pub fn check_alive(&mut self) -> anyhow::Result<()> {
        match self.process.try_wait()? {
            None => Ok(()),
            Some(status) => anyhow::bail!(
                "{} ended ({status}). Its log, {}:\n{}",
                self.name,
                self.log.display(),
                self.log_end()
            ),
        }
    }

    /// The last lines of its log.
    #[must_use]
    pub fn log_end(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..]
            .iter()
            .map(|line| format!("    {line}\n"))
            .collect()
    }

    /// Sends a signal, if it still runs.
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = self.process.id().and_then(|pid| i32::try_from(pid).ok()) {
            // It may have ended this moment: nothing to do then.
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }

    /// Asks it to end, and kills it when it has not within `grace`.
    pub async fn stop(&mut self, grace: Duration) {
        self.signal(Signal::SIGTERM);
        if timeout(grace, self.process.wait()).await.is_err() {
            self.kill().await;
        }
    }

    /// Kills it (SIGKILL) and waits until it is gone.
    pub async fn kill(&mut self) {
        let _ = self.process.kill().await;
    }
}

fn open_log(log: &Path) -> anyhow::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .with_context(|| format!("the log {}", log.display()))
}
