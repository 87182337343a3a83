//! What is told when all runs: `demo.env` for shells, addresses and a request to paste for people.

use super::Demo;
use super::company::Company;
use super::credentials::{Credentials, write_private};
use super::screen::Screen;
use super::server::quote;
use std::fmt::Write as _;
use std::path::Path;

// === impl Demo ===

impl Demo {
    pub(super) fn report(
        &self,
        screen: &mut Screen,
        company: &Company,
        credentials: &Credentials,
    ) -> anyhow::Result<()> {
        let file = self.dir.join("demo.env");
        write_private(&file, self.environment(company, credentials)?.as_bytes())?;

        let ready = screen.bold("Tallygate is ready");
        screen.line(&format!("\n{ready}\n"));
        let ports = &self.ports;
        for (what, port) in [
            ("Portal", ports.portal),
            ("Admin API", ports.admin),
            ("Gateway", ports.gateway),
            ("  staging", ports.staging),
            ("Upstream", ports.upstream),
            ("Envoy admin", ports.envoy_admin),
        ] {
            screen.line(&format!("  {what:<14} {}", ports.url(port)));
        }
        let folder = relative(&self.dir);
        screen.line(&format!("  {:<14} {folder}/demo.env", "Variables"));
        screen.line(&format!(
            "  {:<14} {folder}/control-plane.log, {folder}/envoy.log",
            "Logs"
        ));
        let mails = if self.smtp_url.is_some() {
            "go to TALLYGATE_SMTP_URL".into()
        } else {
            format!("{}/*.eml", relative(&self.mail_folder()))
        };
        screen.line(&format!("  {:<14} {mails}\n", "Mails"));
        screen.line("  Try it:\n");
        screen.line(&format!(
            "    curl \"{}/api/mail.send.json?api_user={}&api_key={}\"\n",
            ports.url(ports.gateway),
            company.bronze.api_user,
            company.bronze.api_key
        ));
        let hint =
            screen.dim("Ctrl-C stops everything; the data stays (`make clean-demo` forgets it).");
        screen.line(&format!("  {hint}\n"));
        Ok(())
    }

    fn environment(&self, company: &Company, credentials: &Credentials) -> anyhow::Result<String> {
        let ports = &self.ports;
        let admin_url = ports.url(ports.admin);
        let mut text = String::new();
        for (name, value) in [
            ("PORTAL_URL", ports.url(ports.portal)),
            ("ADMIN_URL", admin_url.clone()),
            ("GATEWAY_URL", ports.url(ports.gateway)),
            ("STAGING_URL", ports.url(ports.staging)),
            ("UPSTREAM_URL", ports.url(ports.upstream)),
            ("ENVOY_ADMIN_URL", ports.url(ports.envoy_admin)),
            ("PROVIDER_KEY", credentials.provider_key().to_owned()),
            ("ACCESS_TOKEN", credentials.access_token().to_owned()),
            ("SERVICE_ID", company.service_id.to_string()),
            ("BRONZE_PLAN_ID", company.plan("bronze")?.to_string()),
            ("BRONZE_API_USER", company.bronze.api_user.clone()),
            ("BRONZE_API_KEY", company.bronze.api_key.clone()),
            ("GOLD_API_USER", company.gold.api_user.clone()),
            ("GOLD_API_KEY", company.gold.api_key.clone()),
            ("SECRET_TOKEN", company.secret_token.clone()),
            ("PORTAL_USERNAME", company.bronze.username.clone()),
            ("PORTAL_PASSWORD", credentials.portal_password().to_owned()),
            ("TALLYGATE_ADMIN_URL", admin_url),
            (
                "TALLYGATE_ACCESS_TOKEN",
                credentials.access_token().to_owned(),
            ),
        ] {
            writeln!(text, "{name}={}", quote(&value))?;
        }
        Ok(text)
    }
}

/// The path as seen from where we were started, when that is shorter.
pub(super) fn relative(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here)
        .unwrap_or(path)
        .display()
        .to_string()
}
