//! A control plane with one product, so many mapping rules and so many applications.
//!
//! What a provider would do goes through the REST API; a million applications and a thousand rules are written into
//! the database, the way a restored backup would be.

use crate::{OTHER_CORE, applications};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tallygate::admin_client::AdminClient;
use tallygate::config::DatabaseConfig;
use tallygate::db::Db;
use tallygate::demo::child::{Child, Group};
use tallygate::demo::credentials::Credentials;
use tallygate::gateway_config::{Environment, create_gateway};
use tallygate_tests::database::{self, Kind};
use tallygate_tests::{ports, wait};
use tokio::net::TcpStream;
use tokio::process::Command;

/// The host of the product, in every request.
pub(crate) const HOST: &str = "api.example.com";
/// Methods of `hits`, which rules count in turn.
const METHODS: [&str; 4] = ["read", "write", "search", "report"];
/// Never reached: every request is to be admitted, with its limits checked.
const HITS_PER_MINUTE: i64 = 1_000_000_000;

/// How much there is to decide by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) applications: u32,
    pub(crate) rules: u32,
}

/// A running control plane, set up.
pub(crate) struct Installation {
    pub(crate) size: Size,
    /// Where gateways and providers call.
    pub(crate) admin: SocketAddr,
    /// As a provider.
    pub(crate) api: AdminClient,
    /// For gateways of production.
    pub(crate) gateway_token: String,
    /// Ids of `hits` and its methods.
    pub(crate) metrics: Vec<i64>,
    /// One account with one application made through the API.
    pub(crate) account: i64,
    /// Id of the first application that was written into the database; the others follow.
    pub(crate) first_application: i64,
    /// Ends when this is dropped.
    control_plane: Child,
}

/// What the mapping rules and applications hang on.
pub(crate) struct Product {
    pub(crate) id: i64,
    pub(crate) plan: i64,
    pub(crate) account: i64,
    pub(crate) metrics: Vec<i64>,
}

impl Installation {
    pub(crate) async fn start(folder: &Path, kind: Kind, size: Size) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let database = database::create(kind, folder).await?;
        let credentials = Credentials::load_or_create(folder, &database).await?;
        let (control_plane, admin) = serve(&database, folder).await?;
        let api = AdminClient::new(&format!("http://{admin}"), credentials.access_token())?;
        let product = product(&api).await.context("setting up the product")?;
        let db = Db::connect(&database.database_url, 1).await?;
        applications::write_rules(&db, &product, size.rules).await?;
        let first_application =
            applications::write_applications(&db, &product, size.applications).await?;
        db.close().await;
        publish(&api, product.id)
            .await
            .context("deploying the configuration")?;
        let gateway_token = create_gateway(&api, "benchmark", Environment::Production).await?;
        Ok(Self {
            size,
            admin,
            api,
            gateway_token,
            metrics: product.metrics,
            account: product.account,
            first_application,
            control_plane,
        })
    }

    /// Lets it run on all cores, once no Envoy needs one to itself.
    pub(crate) async fn unpin(&self) -> Result<()> {
        let pid = self
            .control_plane
            .pid()
            .context("the control plane has ended")?;
        let last = std::thread::available_parallelism()?.get() - 1;
        let done = Command::new("taskset")
            .args([
                "--all-tasks",
                "--pid",
                "--cpu-list",
                &format!("0-{last}"),
                &pid.to_string(),
            ])
            .output()
            .await?;
        ensure!(
            done.status.success(),
            "taskset: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        Ok(())
    }

    /// Its address for gateways.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.admin)
    }
}

async fn serve(database: &DatabaseConfig, folder: &Path) -> Result<(Child, SocketAddr)> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/tallygate");
    ensure!(
        program.is_file(),
        "{} is not there: `make bench` builds it",
        program.display()
    );
    let (admin, portal) = (ports::free()?, ports::free()?);
    let mut command = Command::new("taskset");
    command
        .args(["-c", &OTHER_CORE.to_string()])
        .arg(program)
        .args([
            "serve",
            "--log=warn",
            &format!("--database-url={}", database.database_url),
            &format!("--portal-listen={portal}"),
            &format!("--admin-listen={admin}"),
        ]);
    if let Some(file) = &database.secret_key_file {
        command.arg("--secret-key-file").arg(file);
    }
    let log = folder.join("control-plane.log");
    let mut child = Child::start("tallygate serve", command, &log, Group::Ours)?;
    wait::until(
        "the control plane answers",
        Duration::from_secs(30),
        async || {
            child.check_alive()?;
            TcpStream::connect(admin).await.context("connecting")
        },
        |_| true,
    )
    .await?;
    Ok((child, admin))
}

async fn product(api: &AdminClient) -> Result<Product> {
    let service = json!({"name": "Benchmark", "system_name": "benchmark", "backend_version": "2"});
    let id = id(&api.post("/admin/api/services.json", &service).await?)?;
    let service = format!("/admin/api/services/{id}");
    let all = api.get(&format!("{service}/metrics.json")).await?;
    let hits = all["metrics"]
        .as_array()
        .and_then(|metrics| {
            metrics
                .iter()
                .find(|it| it["metric"]["system_name"] == "hits")
        })
        .context("a product without `hits`")?;
    let mut metrics = vec![self::id(hits)?];
    for method in METHODS {
        let path = format!("{service}/metrics/{}/methods.json", metrics[0]);
        let method = json!({"system_name": method, "friendly_name": method, "unit": "hit"});
        metrics.push(self::id(&api.post(&path, &method).await?)?);
    }
    let proxy = json!({
        "endpoint": format!("http://{HOST}"),
        "sandbox_endpoint": format!("http://staging.{HOST}"),
        // Never called: here Envoy's own routes choose the upstream, the same for all contenders.
        "api_backend": "http://127.0.0.1:9",
        "credentials_sources": "query",
    });
    api.patch(&format!("{service}/proxy.json"), &proxy).await?;
    let plan = json!({"name": "All", "system_name": "all", "state_event": "publish", "approval_required": false});
    let plan = self::id(
        &api.post(&format!("{service}/application_plans.json"), &plan)
            .await?,
    )?;
    api.post(
        &format!(
            "/admin/api/application_plans/{plan}/metrics/{}/limits.json",
            metrics[0]
        ),
        &json!({"period": "minute", "value": HITS_PER_MINUTE}),
    )
    .await?;
    let signup = json!({
        "org_name": "Benchmark", "username": "benchmark", "email": "benchmark@example.com",
        "password": "correct horse battery staple", "application_plan_id": plan,
    });
    let account = self::id(&api.post("/admin/api/signup.json", &signup).await?)?;
    Ok(Product {
        id,
        plan,
        account,
        metrics,
    })
}

async fn publish(api: &AdminClient, product: i64) -> Result<()> {
    let proxy = format!("/admin/api/services/{product}/proxy");
    api.post(&format!("{proxy}/deploy.json"), &json!({}))
        .await?;
    let staging = api
        .get(&format!("{proxy}/configs/sandbox/latest.json"))
        .await?;
    let version = staging
        .pointer("/proxy_config/version")
        .and_then(Value::as_i64)
        .context("a configuration without a version")?;
    api.post(
        &format!("{proxy}/configs/sandbox/{version}/promote.json"),
        &json!({"to": "production"}),
    )
    .await?;
    Ok(())
}

/// The id inside `{"service": {"id": …}}`.
pub(crate) fn id(answer: &Value) -> Result<i64> {
    answer
        .as_object()
        .and_then(|object| object.values().next())
        .and_then(|item| item["id"].as_i64())
        .with_context(|| format!("an answer without an id: {answer}"))
}
