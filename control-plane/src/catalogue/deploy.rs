//! After the changes: drafts → staging → production, if it is asked for.

use crate::admin_client::AdminClient;
use crate::admin_client::answers::item;
use anyhow::Context as _;
use serde_json::{Value, json};

/// How far drafts are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// They stay drafts.
    Draft,
    /// Staging follows them.
    Staging,
    /// Production as well.
    Production,
}

/// What an environment follows now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployed {
    /// The product's system name.
    pub product: String,
    /// `staging` or `production`.
    pub environment: &'static str,
    /// The version.
    pub version: i64,
    /// Whether it followed another before.
    pub changed: bool,
}

/// Takes the draft of a product as far as asked.
///
/// # Errors
/// When the server cannot be reached or refuses.
pub async fn deploy(
    client: &AdminClient,
    product: &str,
    id: i64,
    reach: Reach,
) -> anyhow::Result<Vec<Deployed>> {
    let mut done = Vec::new();
    if reach < Reach::Staging {
        return Ok(done);
    }
    let path = format!("/admin/api/services/{id}/proxy");
    let before = latest(client, &path, "sandbox").await?;
    client
        .post(&format!("{path}/deploy.json"), &json!({}))
        .await
        .with_context(|| format!("deploying product {product} to staging"))?;
    let version = latest(client, &path, "sandbox").await?;
    let version = version.with_context(|| format!("product {product} has no staging version"))?;
    done.push(Deployed {
        product: product.into(),
        environment: "staging",
        version,
        changed: before != Some(version),
    });
    if reach < Reach::Production {
        return Ok(done);
    }
    let changed = latest(client, &path, "production").await? != Some(version);
    if changed {
        let promote = format!("{path}/configs/sandbox/{version}/promote.json");
        client
            .post(&promote, &json!({"to": "production"}))
            .await
            .with_context(|| format!("promoting product {product} to production"))?;
    }
    done.push(Deployed {
        product: product.into(),
        environment: "production",
        version,
        changed,
    });
    Ok(done)
}

/// The version that an environment follows.
async fn latest(
    client: &AdminClient,
    path: &str,
    environment: &str,
) -> anyhow::Result<Option<i64>> {
    let configs = client
        .list(&format!("{path}/configs/{environment}.json"))
        .await?;
    if configs.is_empty() {
        return Ok(None);
    }
    let latest = client
        .get(&format!("{path}/configs/{environment}/latest.json"))
        .await?;
    Ok(item(&latest)["version"].as_i64())
}

// === impl Deployed ===

impl Deployed {
    /// For people.
    #[must_use]
    pub fn sentence(&self) -> String {
        let follows = if self.changed {
            "now follows"
        } else {
            "follows"
        };
        let (product, environment, version) = (&self.product, self.environment, self.version);
        format!("{environment} {follows} version {version} of {product}")
    }

    /// For programs.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!({
            "product": self.product, "environment": self.environment,
            "version": self.version, "changed": self.changed,
        })
    }
}
