//! The developer portal in a headless Chromium, with a real gateway and a real mail server: the stories of
//! `tests/browser/stories`, each in an installation of its own, and what must hold of every page.

use anyhow::{Context as _, Result, ensure};
use std::path::Path;
use std::time::Duration;
use tallygate_tests::database::Kind;
use tallygate_tests::gateway::Filter;
use tallygate_tests::installation::Installation;
use tokio::process::Command;

/// Installing the browser's driver, the first time, is part of it.
const PATIENCE: Duration = Duration::from_secs(290);

/// One script, on both databases.
macro_rules! told {
    ($name:ident, $script:literal) => {
        mod $name {
            crate::on_both_databases!(tell);

            async fn tell(database: super::Kind) -> anyhow::Result<()> {
                super::tell(stringify!($name), $script, database).await
            }
        }
    };
}

told!(every_page, "check.py");
told!(first_call, "stories/first_call.py");
told!(without_script, "stories/without_script.py");
told!(single_sign_on, "stories/single_sign_on.py");
told!(signups_off, "stories/signups_off.py");
told!(branding, "stories/branding.py");
told!(hostile, "stories/hostile.py");

/// Runs a script of `tests/browser` against an installation of its own.
async fn tell(name: &str, script: &str, database: Kind) -> Result<()> {
    let installation =
        Installation::start(&format!("portal-{name}"), database, Filter::Shipped).await?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command = Command::new(root.join("tests/browser.sh"));
    command
        .arg(script)
        .env("PORTAL_URL", installation.control_plane.portal_url())
        .env("ADMIN_URL", installation.control_plane.url())
        .env(
            "GATEWAY_URL",
            format!("http://{}", installation.production()),
        )
        .env("ACCESS_TOKEN", installation.credentials.access_token())
        .env("MAIL_DIR", installation.folder().join("mail"))
        .env("PORTAL_USERNAME", &installation.company.bronze.username)
        .env(
            "PORTAL_PASSWORD",
            installation.credentials.portal_password(),
        )
        .kill_on_drop(true);
    let told = tokio::time::timeout(PATIENCE, command.output())
        .await
        .with_context(|| format!("{script} takes too long"))??;
    ensure!(
        told.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&told.stdout),
        String::from_utf8_lossy(&told.stderr)
    );
    installation.end()
}
