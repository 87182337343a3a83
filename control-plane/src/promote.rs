//! A configuration change on its way out: draft → frozen version → staging → production, and back.
//!
//! Drafts are edited freely (`store::proxies`, `store::rules`). [`deploy`] freezes one as the next version,
//! which staging follows from then on; [`promote`] makes an environment follow any version there is. What would
//! not load at the edge is refused before it is saved: [`freeze::check`] compiles it with the gateway's own code.

mod content;
pub mod diff;
pub mod freeze;
pub mod urls;

use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::publish::{Environment, Frozen};
use crate::service_tokens;
use crate::store::backends::usages::{self, UsageRow};
use crate::store::backends::{self, BackendRow};
use crate::store::owners::Owner;
use crate::store::products::{self, ProductRow};
use crate::store::versions::{self, ConfigRow};
use crate::store::{metrics, oidc, proxies, rules};
use tallygate_core::id::MetricId;
use tallygate_core::product::PublicUrl;
use tallygate_core::wire::{ConfigV1, CredentialKindV1, PublicUrlV1};

pub use content::shown;

/// What came of a deploy or a promotion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The version that the environment follows now.
    pub version: i64,
    /// Whether it is another one than before.
    pub changed: bool,
}

/// The largest content, in bytes; 3scale's limit.
const MOST_BYTES: usize = 2 * 1024 * 1024;

/// Freezes the draft as the next version, for staging to follow. Nothing happens when staging follows the same already.
///
/// # Errors
/// 422 when the draft would not load at the edge or its address is another product's.
pub async fn deploy(app: &App, tx: &mut Tx, product_id: i64) -> Result<Outcome, Error> {
    products::lock(tx, product_id).await?;
    let mut product = products::get(tx, product_id).await?;
    // Products made before there were tokens.
    service_tokens::ensure(tx, &app.secrets, product_id).await?;
    let draft = draft(tx, &product).await?;
    let frozen = freeze::freeze(&app.secrets, &draft)?;
    let current = versions::current(tx, product_id, Environment::Staging.of_configs()).await?;
    if let Some(current) = &current
        && content::same(&app.secrets, &current.content, &draft, &frozen)?
    {
        return Ok(Outcome {
            version: current.version,
            changed: false,
        });
    }
    let content = content::stored(&app.secrets, &draft, &frozen)?;
    if content.len() > MOST_BYTES {
        return Err(Error::invalid(
            "base",
            format!(
                "The configuration has {} bytes, more than {MOST_BYTES}: remove mapping rules",
                content.len()
            ),
        ));
    }
    refuse_taken_addresses(
        tx,
        product_id,
        Environment::Staging,
        &frozen.staging.public_urls,
    )
    .await?;
    let version = versions::insert(tx, product_id, &content).await?;
    follow(tx, product_id, Environment::Staging, version).await?;
    if product.state == "incomplete" {
        product.state = "published".into();
        products::update(tx, &product).await?;
    }
    Ok(Outcome {
        version,
        changed: true,
    })
}

/// Makes an environment follow a version: forward or back, in one call.
///
/// # Errors
/// 404 when there is no such version, 422 when its address is another product's by now, it counts on metrics
/// that are gone, or it reads credentials of another kind than the product's.
pub async fn promote(tx: &mut Tx, version: &ConfigRow, to: Environment) -> Result<Outcome, Error> {
    products::lock(tx, version.product_id).await?;
    let current = versions::current(tx, version.product_id, to.of_configs()).await?;
    if current.is_some_and(|current| current.version == version.version) {
        return Ok(Outcome {
            version: version.version,
            changed: false,
        });
    }
    let frozen = Frozen::read(&version.content)?;
    let config = match to {
        Environment::Staging => &frozen.staging,
        Environment::Production => &frozen.production,
    };
    // A deploy freezes the product's own kind; only an older version can be of the other.
    let product = products::get(tx, version.product_id).await?;
    if config.credentials.kind != freeze::kind(&product) {
        return Err(Error::invalid(
            "version",
            format!(
                "reads {}, but the product has backend_version {}: its applications could not call; deploy the draft instead",
                kind_name(config.credentials.kind),
                product.backend_version
            ),
        ));
    }
    refuse_taken_addresses(tx, version.product_id, to, &config.public_urls).await?;
    let known = metrics::list_counted(tx, version.product_id).await?;
    let gone = counted(config).find(|metric| known.iter().all(|known| known.id != metric.0));
    if let Some(metric) = gone {
        return Err(Error::invalid(
            "version",
            format!("has mapping rules that count on metric {metric}, which was deleted since"),
        ));
    }
    refuse_backends_without_limits(tx, version.product_id, config).await?;
    follow(tx, version.product_id, to, version.version).await?;
    Ok(Outcome {
        version: version.version,
        changed: true,
    })
}

/// Refuses what routes to a backend that was removed everywhere: its limits were forgotten then, and it would be served
/// without any ([`forget_limits_of_unused_backends`]).
async fn refuse_backends_without_limits(
    tx: &mut Tx,
    product_id: i64,
    config: &ConfigV1,
) -> Result<(), Error> {
    let used = usages::list(tx, product_id).await?;
    for backend in &config.backends {
        let id = backend.id.0;
        let is_used = used.iter().any(|usage| usage.backend_id == id);
        if !is_used && !routes_to(tx, product_id, id).await? {
            return Err(Error::invalid(
                "version",
                format!(
                    "routes to backend {id}, which was removed since, and its limits with it: add the backend and its limits again, and deploy"
                ),
            ));
        }
    }
    Ok(())
}

/// Makes an environment follow a version again that it followed before: the one named, or the newest that is older than
/// the one it follows.
///
/// # Errors
/// 404 when there is no such product; 422 when there is nothing to go back to, or for the reasons of [`promote`].
pub async fn rollback(
    tx: &mut Tx,
    product_id: i64,
    environment: Environment,
    version: Option<i64>,
) -> Result<Outcome, Error> {
    products::lock(tx, product_id).await?;
    let name = environment.of_configs();
    let to = match version {
        Some(version) => match versions::get(tx, product_id, name, version).await {
            Err(Error::NotFound) => {
                let message = format!("was never followed by {name}: promote it instead");
                return Err(Error::invalid("version", message));
            }
            found => found?,
        },
        None => versions::before_current(tx, product_id, name)
            .await?
            .ok_or_else(|| {
                let message = format!("{name} has followed nothing older to go back to");
                Error::invalid("base", message)
            })?,
    };
    promote(tx, &to, environment).await
}

/// Whether what an environment follows counts on a metric.
///
/// # Errors
/// When the database does not answer.
pub async fn counts_on(tx: &mut Tx, product_id: i64, metric_id: i64) -> Result<bool, Error> {
    let followed = followed(tx, product_id).await?;
    Ok(followed
        .iter()
        .flat_map(counted)
        .any(|metric| metric.0 == metric_id))
}

/// Whether what an environment follows sends requests to a backend.
///
/// # Errors
/// When the database does not answer.
pub async fn routes_to(tx: &mut Tx, product_id: i64, backend_id: i64) -> Result<bool, Error> {
    let followed = followed(tx, product_id).await?;
    Ok(followed
        .iter()
        .flat_map(|config| &config.backends)
        .any(|backend| backend.id.0 == backend_id))
}

/// Removes limits of a product's plans on metrics of backends that neither its draft nor any environment uses any more.
/// As long as one does they stay: nothing may go without its limit before it goes altogether.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_limits_of_unused_backends(tx: &mut Tx, product_id: i64) -> Result<(), Error> {
    for backend_id in usages::limited_and_removed(tx, product_id).await? {
        if !routes_to(tx, product_id, backend_id).await? {
            usages::remove_limits(tx, product_id, backend_id).await?;
        }
    }
    Ok(())
}

/// What the environments follow, each as both would.
async fn followed(tx: &mut Tx, product_id: i64) -> Result<Vec<ConfigV1>, Error> {
    let mut configs = Vec::new();
    for environment in [Environment::Staging, Environment::Production] {
        if let Some(current) = versions::current(tx, product_id, environment.of_configs()).await? {
            let frozen = Frozen::read(&current.content)?;
            configs.extend([frozen.staging, frozen.production]);
        }
    }
    Ok(configs)
}

/// The metrics that a configuration's rules count on.
fn counted(config: &ConfigV1) -> impl Iterator<Item = MetricId> {
    let of_backends = config.backends.iter().flat_map(|backend| &backend.rules);
    config
        .rules
        .iter()
        .chain(of_backends)
        .flat_map(|rule| &rule.usages)
        .map(|(metric, _)| *metric)
}

/// The first environment that follows a version which reads credentials of another kind than the product's.
///
/// # Errors
/// When the database does not answer or a version cannot be read.
pub async fn follows_other_kind(
    tx: &mut Tx,
    product: &ProductRow,
) -> Result<Option<Environment>, Error> {
    for environment in [Environment::Staging, Environment::Production] {
        let Some(current) = versions::current(tx, product.id, environment.of_configs()).await?
        else {
            continue;
        };
        let frozen = Frozen::read(&current.content)?;
        let config = match environment {
            Environment::Staging => frozen.staging,
            Environment::Production => frozen.production,
        };
        if config.credentials.kind != freeze::kind(product) {
            return Ok(Some(environment));
        }
    }
    Ok(None)
}

/// Everything that a product's next version is made from.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The product.
    pub product: ProductRow,
    /// Its settings.
    pub proxy: proxies::ProxyRow,
    /// Whose tokens it takes.
    pub oidc: oidc::OidcRow,
    /// Its mapping rules, by position.
    pub rules: Vec<rules::RuleRow>,
    /// Its metrics and methods.
    pub metrics: Vec<metrics::MetricRow>,
    /// The backends that it uses, oldest usage first.
    pub backends: Vec<BackendDraft>,
}

/// A backend in a product's draft.
#[derive(Clone, Debug)]
pub struct BackendDraft {
    /// Below which path.
    pub usage: UsageRow,
    /// The backend.
    pub backend: BackendRow,
    /// Its mapping rules, by position.
    pub rules: Vec<rules::RuleRow>,
    /// Its metrics and methods.
    pub metrics: Vec<metrics::MetricRow>,
}

/// Reads the draft of a product.
///
/// # Errors
/// When the database does not answer.
pub async fn draft(tx: &mut Tx, product: &ProductRow) -> Result<Draft, Error> {
    let mut backends = Vec::new();
    for usage in usages::list(tx, product.id).await? {
        let owner = Owner::Backend(usage.backend_id);
        backends.push(BackendDraft {
            backend: backends::get(tx, usage.backend_id).await?,
            rules: rules::list_of(tx, owner).await?,
            metrics: metrics::list_of(tx, owner).await?,
            usage,
        });
    }
    Ok(Draft {
        backends,
        proxy: proxies::get(tx, product.id).await?,
        oidc: oidc::get(tx, product.id).await?,
        rules: rules::list(tx, product.id).await?,
        metrics: metrics::list(tx, product.id).await?,
        product: product.clone(),
    })
}

async fn follow(
    tx: &mut Tx,
    product_id: i64,
    environment: Environment,
    version: i64,
) -> Result<(), Error> {
    versions::follow(tx, product_id, environment.of_configs(), version).await?;
    forget_limits_of_unused_backends(tx, product_id).await?;
    products::touch(tx, product_id).await
}

const fn kind_name(kind: CredentialKindV1) -> &'static str {
    match kind {
        CredentialKindV1::UserKey => "user_key (backend_version 1)",
        CredentialKindV1::AppIdAndKey => "app_id and app_key (backend_version 2)",
    }
}

/// Gateways would give all requests of a shared address to whichever product they know first.
async fn refuse_taken_addresses(
    tx: &mut Tx,
    product_id: i64,
    environment: Environment,
    ours: &[PublicUrlV1],
) -> Result<(), Error> {
    if ours.is_empty() {
        return Ok(());
    }
    // Two products must not take the same address at the same moment: revisions are handed out one at a time.
    tx.next_revision().await?;
    let ours: Vec<PublicUrl> = ours.iter().filter_map(|url| url.try_into().ok()).collect();
    for other in versions::current_of_all(tx, environment.of_configs()).await? {
        if other.product_id == product_id {
            continue;
        }
        let frozen = Frozen::read(&other.content)?;
        let (field, theirs) = match environment {
            Environment::Staging => ("sandbox_endpoint", frozen.staging.public_urls),
            Environment::Production => ("endpoint", frozen.production.public_urls),
        };
        let taken = theirs
            .iter()
            .filter_map(|url| PublicUrl::try_from(url).ok())
            .any(|url| ours.contains(&url));
        if taken {
            return Err(Error::invalid(
                field,
                format!(
                    "is where gateways reach product {} now: give one of them another host or base path",
                    other.product_id
                ),
            ));
        }
    }
    Ok(())
}
