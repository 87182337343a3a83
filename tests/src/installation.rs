//! A whole installation on free ports, with the mail company of the demo set up through the REST API.

use crate::control_plane::{Build, ControlPlane};
use crate::database::{self, Kind};
use crate::gateway::{Entrance, Filter, Gateway};
use crate::http::{self, Answer};
use crate::{ledger, logs, ports, wait};
use anyhow::{Result, ensure};
use base64::Engine as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tallygate::admin_client::AdminClient;
use tallygate::demo::company::{Company, Customer, Place};
use tallygate::demo::credentials::Credentials;
use tallygate::demo::mail::Sink;
use tallygate::demo::upstream::Upstream;
use tallygate::gateway_config::{Environment, create_gateway};

/// Everything that runs, and how to talk to it.
#[derive(Debug)]
pub struct Installation {
    /// The gateway.
    pub gateway: Gateway,
    /// The control plane.
    pub control_plane: ControlPlane,
    /// Its API.
    pub api: AdminClient,
    /// The company that was set up.
    pub company: Company,
    /// The provider's secrets.
    pub credentials: Credentials,
    /// Where admitted requests end.
    pub upstream: Upstream,
    /// Where mails end: a file each in `mail` of its folder.
    pub mail: Sink,
    folder: PathBuf,
    ended: bool,
}

// === impl Installation ===

impl Installation {
    /// Starts all parts and waits until the gateway decides.
    ///
    /// # Errors
    /// When a part does not start.
    pub async fn start(name: &str, database: Kind, filter: Filter) -> Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../target/e2e")
            .join(format!("{name}-{database:?}-{}", std::process::id()).to_lowercase());
        std::fs::create_dir_all(&folder)?;
        let folder = folder.canonicalize()?;
        let upstream = Upstream::start(ports::free()?).await?;
        let database = database::create(database, &folder).await?;
        let credentials = Credentials::load_or_create(&folder, &database).await?;
        let mail = Sink::start(ports::free()?, Some(&folder.join("mail"))).await?;
        let control_plane = ControlPlane::start_with_mail(
            Build::Debug,
            database,
            folder.join("control-plane.log"),
            Some(mail.url()),
        )
        .await?;
        let api = AdminClient::new(&control_plane.url(), credentials.access_token())?;
        let (staging, production) = (control_plane.staging, ports::free()?);
        let place = Place {
            production: format!("http://{production}"),
            staging: format!("http://{staging}"),
            upstream: upstream.url(),
        };
        let company = Company::set_up(&api, &place, credentials.portal_password()).await?;
        let entrance = async |at, name, environment| {
            let token = create_gateway(&api, name, environment).await?;
            anyhow::Ok(Entrance { at, token })
        };
        let gateway = Gateway::start(
            &folder,
            "envoy",
            filter,
            &control_plane.url(),
            entrance(production, "tests production", Environment::Production).await?,
            Some(entrance(staging, "tests staging", Environment::Staging).await?),
        )?;
        let mut installation = Self {
            gateway,
            control_plane,
            api,
            company,
            credentials,
            upstream,
            mail,
            folder,
            ended: false,
        };
        installation.wait_until_deciding().await?;
        Ok(installation)
    }

    async fn wait_until_deciding(&mut self) -> Result<()> {
        let gateway = &self.gateway;
        for address in gateway.staging.into_iter().chain([gateway.production]) {
            let target = format!(
                "/api/mail.json?api_user={}&api_key=wrong",
                self.company.bronze.api_user
            );
            // Each on a new connection: Envoy hands them to its workers in turn.
            for _ in 0..6 {
                wait::until(
                    "the gateway decides",
                    Duration::from_secs(30),
                    async || {
                        wait::or_give_up(self.gateway.check_alive())?;
                        http::get(address, &target, &[]).await
                    },
                    |answer| answer.status == 403,
                )
                .await?;
            }
        }
        Ok(())
    }

    /// The story went well: nothing of it needs to be kept. (Dropped without this, it shows its logs.)
    ///
    /// # Errors
    /// When Envoy has ended before.
    pub fn end(mut self) -> Result<()> {
        self.gateway.check_alive()?;
        self.ended = true;
        Ok(())
    }

    /// The same, where the story was about Envoy's end.
    pub fn end_without_gateway(mut self) {
        self.ended = true;
    }

    /// Waits until every new connection gets `status` (Envoy hands them to its workers in turn), and gives back how
    /// long some still got another.
    ///
    /// # Errors
    /// When it does not come to that within some seconds.
    pub async fn settles(&self, what: &str, request: &[u8], status: u16) -> Result<Duration> {
        const IN_A_ROW: u32 = 8;
        let began = Instant::now();
        let mut settled_at = Duration::ZERO;
        let mut in_a_row = 0;
        while in_a_row < IN_A_ROW {
            let answer = http::send_once(self.production(), request).await?;
            if answer.status == status {
                in_a_row += 1;
            } else {
                in_a_row = 0;
                settled_at = began.elapsed();
                ensure!(
                    settled_at < Duration::from_secs(5),
                    "{what}: after {settled_at:?} still {} instead of {status}: {}",
                    answer.status,
                    String::from_utf8_lossy(&answer.body)
                );
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        Ok(settled_at)
    }

    /// Where the installation's logs are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The production listener.
    #[must_use]
    pub fn production(&self) -> SocketAddr {
        self.gateway.production
    }

    /// A GET as this customer, credentials in the query.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn get_as(&self, customer: &Customer, path: &str) -> Result<Answer> {
        http::get(self.production(), &with_query(path, customer), &[]).await
    }

    /// What the ledger holds of an application's metric, in all.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub async fn ledger(&self, application_id: i64, metric: &str) -> Result<u64> {
        ledger::total(&self.api, application_id, metric).await
    }

    /// Waits until the ledger holds exactly `expected` hits of the application, and a moment longer: it must stay so.
    ///
    /// # Errors
    /// When it does not come to that within `limit`; the message says what it holds.
    pub async fn ledger_becomes(
        &self,
        application_id: i64,
        expected: u64,
        limit: Duration,
    ) -> Result<Duration> {
        ledger::becomes(&self.api, application_id, expected, limit).await
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        if self.ended {
            let _ = std::fs::remove_dir_all(&self.folder);
            return;
        }
        logs::show("control plane", &self.control_plane.log());
        logs::show("Envoy", &self.gateway.log());
        logs::show_place(&self.folder);
    }
}

/// The path with the customer's credentials in its query.
#[must_use]
pub fn with_query(path: &str, customer: &Customer) -> String {
    format!(
        "{path}?api_user={}&api_key={}",
        customer.api_user, customer.api_key
    )
}

/// The customer's credentials for HTTP Basic.
#[must_use]
pub fn basic(user: &str, password: &str) -> String {
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    format!("Basic {encoded}")
}
