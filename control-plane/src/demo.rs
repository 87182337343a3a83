//! `tallygate demo`: a whole installation on this machine, in the foreground, until a signal stops it.
//!
//! An upstream (in this process), `tallygate serve` and Envoy (children), and the mail company, set up
//! through the REST API like any provider's. What it made stays in its folder: started again it goes
//! on with the same database and credentials. It never touches the database while the server runs.

pub mod child;
pub mod company;
pub mod credentials;
pub mod mail;
pub mod ports;
pub mod screen;
pub mod upstream;

mod envoy;
mod make;
mod offer;
mod probe;
mod report;
mod server;
mod supervise;

use crate::admin_client::AdminClient;
use crate::gateway_config::{self, Environment};
use anyhow::{Context as _, ensure};
use company::{Company, Place};
use credentials::Credentials;
use ports::Ports;
use screen::Screen;
use std::path::PathBuf;

/// Where `envoy/install.sh` puts Envoy.
pub const ENVOY: &str = "target/tools/envoy/envoy";

/// `tallygate demo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    ports: Ports,

    /// Where the demo keeps its database, credentials and logs
    #[arg(
        long,
        value_name = "FOLDER",
        env = "TALLYGATE_DEMO_DIR",
        default_value = "target/demo"
    )]
    dir: PathBuf,

    /// The server that takes the demo's mails, as `serve` has it; without one they are kept in the demo's folder
    #[arg(
        long,
        value_name = "URL",
        env = "TALLYGATE_SMTP_URL",
        hide_env_values = true
    )]
    smtp_url: Option<String>,

    /// Envoy's executable
    #[arg(long, value_name = "PATH", default_value = ENVOY)]
    envoy: PathBuf,

    /// The filter's `.wasm`
    #[arg(long, value_name = "PATH", default_value = gateway_config::FILTER)]
    filter: PathBuf,
}

/// What the steps below share.
struct Demo {
    ports: Ports,
    dir: PathBuf,
    smtp_url: Option<String>,
    envoy: PathBuf,
    filter: PathBuf,
}

/// What runs; dropped, it is stopped the hard way.
struct Running {
    envoy: child::Child,
    control_plane: child::Child,
    upstream: upstream::Upstream,
    mail: Option<mail::Sink>,
    /// The provider's API.
    api: AdminClient,
}

/// Starts everything, says so, and stays until a signal.
///
/// # Errors
/// When something is missing, a port is taken, or a part does not start.
pub async fn run(args: Args) -> anyhow::Result<()> {
    // Before anything is started: from here on a signal ends this function in order, dropping the children.
    let mut stop = supervise::Stop::listen()?;
    let demo = Demo::check(args)?;
    let mut screen = Screen::on_stdout();
    let running = tokio::select! {
        started = demo.start(&mut screen) => started?,
        () = stop.received() => return Ok(()),
    };
    supervise::stay(&demo, &mut screen, running, &mut stop).await
}

// === impl Demo ===

impl Demo {
    fn check(args: Args) -> anyhow::Result<Self> {
        let absolute =
            |path: PathBuf| std::path::absolute(&path).with_context(|| path.display().to_string());
        let demo = Self {
            dir: absolute(args.dir)?,
            smtp_url: args.smtp_url,
            envoy: absolute(args.envoy)?,
            filter: absolute(args.filter)?,
            ports: args.ports,
        };
        ensure!(
            demo.envoy.is_file(),
            "{} is not there: fetch it with `envoy/install.sh`",
            demo.envoy.display()
        );
        ensure!(
            demo.filter.is_file(),
            "{} is not there: build it with `make filter`",
            demo.filter.display()
        );
        demo.ports.check_free()?;
        std::fs::create_dir_all(&demo.dir)
            .with_context(|| format!("TALLYGATE_DEMO_DIR {}", demo.dir.display()))?;
        Ok(demo)
    }

    async fn start(&self, screen: &mut Screen) -> anyhow::Result<Running> {
        screen.title("Tallygate demo");

        screen.begin("Upstream");
        let upstream = upstream::Upstream::start(self.ports.address(self.ports.upstream)).await?;
        screen.done(&upstream.url());

        screen.begin("Database");
        let mut credentials = Credentials::load_or_create(&self.dir, &self.database()).await?;
        screen.done(&format!(
            "{}{}",
            report::relative(&self.database_file()),
            if credentials.is_new() { ", new" } else { "" }
        ));

        let mail = self.start_mail(screen).await?;

        screen.begin("Control plane");
        let control_plane = self.start_control_plane(mail.as_ref()).await?;
        screen.done(&self.ports.url(self.ports.admin));

        screen.begin("Mail company");
        let admin_url = self.ports.url(self.ports.admin);
        let client = AdminClient::new(&admin_url, credentials.access_token())?;
        let place = Place {
            production: self.ports.url(self.ports.gateway),
            staging: self.ports.url(self.ports.staging),
            upstream: upstream.url(),
        };
        let company = Company::set_up(&client, &place, credentials.portal_password()).await?;
        screen.done("4 plans, 6 mapping rules, 2 applications");

        screen.begin("Envoy");
        for environment in [Environment::Staging, Environment::Production] {
            if credentials.gateway_token(environment).is_none() {
                let name = format!("demo {environment}");
                let token = gateway_config::create_gateway(&client, &name, environment).await?;
                credentials.keep_gateway_token(environment, token)?;
            }
        }
        let mut envoy = self.start_envoy(&credentials)?;
        self.wait_until_deciding(&mut envoy, &company).await?;
        screen.done(&format!(
            "{} and {}, 2 workers",
            place.production, place.staging
        ));

        self.report(screen, &company, &credentials)?;
        Ok(Running {
            upstream,
            mail,
            control_plane,
            envoy,
            api: client,
        })
    }

    /// Where mails go that nobody named a server for.
    async fn start_mail(&self, screen: &mut Screen) -> anyhow::Result<Option<mail::Sink>> {
        if self.smtp_url.is_some() {
            return Ok(None);
        }
        screen.begin("Mail server");
        let folder = self.mail_folder();
        let sink = mail::Sink::start(self.ports.address(0), Some(&folder)).await?;
        screen.done(&format!("keeps mails in {}", report::relative(&folder)));
        Ok(Some(sink))
    }

    fn mail_folder(&self) -> PathBuf {
        self.dir.join("mail")
    }
}
