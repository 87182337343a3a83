//! What a fleet is made of, and making it.

use super::Fleet;
use crate::control_plane::{Build, ControlPlane};
use crate::database::{self, Kind};
use crate::gateway::{Entrance, Filter, Gateway};
use crate::network::Link;
use crate::ports;
use crate::postgres::Postgres;
use crate::product::{Limit, Product};
use crate::upstream::Upstream;
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tallygate::admin_client::AdminClient;
use tallygate::config::DatabaseConfig;
use tallygate::demo::credentials::Credentials;
use tallygate::gateway_config::{Environment, create_gateway};

/// What a fleet is made of.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Which database.
    pub database: Kind,
    /// Whether PostgreSQL is a server of this fleet's own, which may be killed.
    pub own_server: bool,
    /// Control planes on one database.
    pub replicas: usize,
    /// Which build of the control plane.
    pub build: Build,
    /// Envoys with two workers each; they are spread over the replicas.
    pub gateways: usize,
    /// Which build of the filter.
    pub filter: Filter,
    /// More settings of the product's proxy.
    pub settings: Value,
}

// === impl Setup ===

impl Setup {
    /// Three gateways, on one control plane with SQLite or on two with PostgreSQL.
    #[must_use]
    pub fn on(database: Kind) -> Self {
        Self {
            database,
            own_server: false,
            replicas: match database {
                Kind::Sqlite => 1,
                Kind::Postgres => 2,
            },
            build: Build::Debug,
            gateways: 3,
            filter: Filter::Shipped,
            // Exact whatever happens: a machine that is busy with other things may keep a control plane from answering.
            settings: json!({"on_disconnect": "deny"}),
        }
    }

    /// Starts all of it, with an application for each of the names, and waits until all gateways decide.
    ///
    /// # Errors
    /// When a part does not start.
    pub async fn start(self, name: &str, applications: &[(&str, &[Limit])]) -> Result<Fleet> {
        let folder = self.folder(name)?;
        let (postgres, database) = self.database(&folder).await?;
        let credentials = Credentials::load_or_create(&folder, &database).await?;
        let mut control_planes = Vec::new();
        for n in 0..self.replicas {
            let log = folder.join(format!("control-plane-{n}.log"));
            control_planes.push(ControlPlane::start(self.build, database.clone(), log).await?);
        }
        let first = control_planes.first().context("no control plane")?;
        let api = AdminClient::new(&first.url(), credentials.access_token())?;
        let upstream = Upstream::start().await?;
        let product = Product::set_up(&api, &upstream.url(), &self.settings)
            .await
            .context("setting up the product")?;
        let mut fleet = Fleet {
            gateways: Vec::new(),
            links: Vec::new(),
            control_planes,
            database_url: database.database_url,
            postgres,
            api,
            product,
            applications: Vec::new(),
            upstream,
            folder,
            ended: false,
        };
        for (name, limits) in applications {
            let made = fleet.product.application(&fleet.api, name, limits).await;
            fleet
                .applications
                .push(made.with_context(|| format!("setting up the application {name}"))?);
        }
        for _ in 0..self.gateways {
            fleet.add_gateway(self.filter).await?;
        }
        for n in 0..self.gateways {
            fleet.wait_until_deciding(n).await?;
        }
        Ok(fleet)
    }

    fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../target/e2e")
            .join(format!("{name}-{:?}-{}", self.database, std::process::id()).to_lowercase());
        std::fs::create_dir_all(&folder)?;
        Ok(folder.canonicalize()?)
    }

    async fn database(&self, folder: &Path) -> Result<(Option<Postgres>, DatabaseConfig)> {
        if self.own_server {
            let postgres = Postgres::start().await?;
            let database = database::create_on(&postgres.url("postgres"), folder).await?;
            Ok((Some(postgres), database))
        } else {
            Ok((None, database::create(self.database, folder).await?))
        }
    }
}

impl Fleet {
    /// Starts one more gateway, with a token and a way of its own. It may not have fetched anything yet.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn add_gateway(&mut self, filter: Filter) -> Result<()> {
        let n = self.gateways.len();
        let replica = &self.control_planes[n % self.control_planes.len()];
        let link = Link::open(replica.admin).await?;
        let name = format!("gateway-{n}");
        let token = create_gateway(&self.api, &name, Environment::Production).await?;
        let at = ports::free()?;
        let entrance = Entrance { at, token };
        let gateway = Gateway::start(&self.folder, &name, filter, &link.url(), entrance, None)?;
        self.links.push(link);
        self.gateways.push(gateway);
        Ok(())
    }
}
