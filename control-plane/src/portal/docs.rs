//! `GET /docs`: what the provider's APIs offer in production, from the promoted configurations themselves.

use super::visitor::Visitor;
use crate::db::Tx;
use crate::error::Error;
use crate::liquid::Html;
use crate::publish::Frozen;
use crate::store::metrics::{self, MetricRow};
use crate::store::plans::{self, APPLICATION_PLAN};
use crate::store::{products, versions};
use axum::response::Response;
use std::fmt::Write as _;
use tallygate_core::credential::Sources;
use tallygate_core::id::MetricId;
use tallygate_core::wire::{ConfigV1, RuleV1};

crate::drop! {
    /// The documentation of all APIs.
    pub struct DocsPage as "docs" {
        /// What production offers.
        calls: Html,
    }
}

/// One page for all products that production serves.
///
/// # Errors
/// When the database does not answer.
pub async fn docs(visitor: Visitor) -> Result<Response, Error> {
    let mut tx = visitor.app.db.read().await?;
    let mut body = String::from("<h1>API documentation</h1>\n");
    let served = versions::current_of_all(&mut tx, "production").await?;
    if served.is_empty() {
        body.push_str("<p>No API is served yet. Come back soon.</p>\n");
    }
    for version in served {
        let Ok(frozen) = Frozen::read(&version.content) else {
            tracing::error!(
                product = version.product_id,
                version = version.version,
                "a promoted configuration cannot be read"
            );
            continue;
        };
        product(
            &mut tx,
            &mut body,
            version.product_id,
            &version.content,
            &frozen.production,
        )
        .await?;
    }
    drop(tx);
    let values = DocsPage { calls: Html(body) };
    visitor.page("docs", "API documentation", &values).await
}

async fn product(
    tx: &mut Tx,
    body: &mut String,
    id: i64,
    content: &str,
    config: &ConfigV1,
) -> Result<(), Error> {
    let product = products::get(tx, id).await?;
    let metrics = metrics::list_counted(tx, id).await?;
    let _ = writeln!(body, "<h2>{}</h2>", escape(&product.name));
    if !product.description.is_empty() {
        let _ = writeln!(body, "<p>{}</p>", escape(&product.description));
    }
    if let Some(url) = public_url(content) {
        let _ = writeln!(body, "<pre>{}</pre>", escape(&url));
    }
    if let Ok(sources) = Sources::try_from(&config.credentials) {
        let _ = writeln!(body, "<p>{}</p>", with_code(sources.instructions()));
    }
    body.push_str("<h3>Calls</h3>\n<div class=\"scroll\"><table><tr><th>Method</th><th>Path</th><th>Counts as</th></tr>\n");
    for rule in &config.rules {
        call(body, "", rule, &metrics);
    }
    for backend in &config.backends {
        let path = backend.path.trim_end_matches('/');
        for rule in &backend.rules {
            call(body, path, rule, &metrics);
        }
    }
    body.push_str("</table></div>\n");
    offers(tx, body, id, &metrics).await
}

fn call(body: &mut String, path: &str, rule: &RuleV1, metrics: &[MetricRow]) {
    let methods = if rule.methods.iter().any(|method| method == "ANY") {
        "any".to_owned()
    } else {
        rule.methods.join(", ")
    };
    let usages: Vec<String> = rule
        .usages
        .iter()
        .map(|&(metric, delta)| match delta {
            1 => name_of(metric, metrics).to_owned(),
            _ => format!("{} × {delta}", name_of(metric, metrics)),
        })
        .collect();
    let _ = writeln!(
        body,
        "<tr><td>{}</td><td><code>{}{}</code></td><td>{}</td></tr>",
        escape(&methods),
        escape(path),
        escape(&rule.pattern),
        escape(&usages.join(", "))
    );
}

/// The published plans, each with its limits in words.
async fn offers(
    tx: &mut Tx,
    body: &mut String,
    product: i64,
    metrics: &[MetricRow],
) -> Result<(), Error> {
    let plans = plans::list(tx, APPLICATION_PLAN, Some(product)).await?;
    let published: Vec<_> = plans
        .iter()
        .filter(|plan| plan.state == "published")
        .collect();
    if published.is_empty() {
        return Ok(());
    }
    body.push_str(
        "<h3>Plans</h3>\n<div class=\"scroll\"><table><tr><th>Plan</th><th>Limits</th></tr>\n",
    );
    for plan in published {
        let limits = plans::limits(tx, plan.id, None).await?;
        let words: Vec<String> = limits
            .iter()
            .map(|limit| {
                match (
                    limit.value,
                    name_of(MetricId(limit.metric_id), metrics),
                    limit.period.as_str(),
                ) {
                    (0, metric, _) => format!("no {metric}"),
                    (value, metric, "eternity") => format!("{} {metric} in all", grouped(value)),
                    (value, metric, period) => format!("{} {metric} a {period}", grouped(value)),
                }
            })
            .collect();
        let words = if words.is_empty() {
            "none".to_owned()
        } else {
            words.join("; ")
        };
        let _ = writeln!(
            body,
            "<tr><td>{}</td><td>{}</td></tr>",
            escape(&plan.name),
            escape(&words)
        );
    }
    body.push_str("</table></div>\n");
    Ok(())
}

fn name_of(id: MetricId, metrics: &[MetricRow]) -> &str {
    metrics
        .iter()
        .find(|metric| metric.id == id.0)
        .map_or("unknown", |metric| &metric.friendly_name)
}

/// The public base URL that was frozen, as its provider wrote it.
fn public_url(content: &str) -> Option<String> {
    let content: serde_json::Value = serde_json::from_str(content).ok()?;
    let url = content.pointer("/proxy/endpoint")?.as_str()?;
    (!url.is_empty()).then(|| url.to_owned())
}

/// Escaped, with what stands between backticks as code.
fn with_code(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts
        .map(|(n, part)| {
            if n % 2 == 1 {
                format!("<code>{}</code>", escape(part))
            } else {
                escape(part).into_owned()
            }
        })
        .collect()
}

/// With a narrow space between thousands.
fn grouped(value: i64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// Text, safe between tags and in attributes.
fn escape(text: &str) -> std::borrow::Cow<'_, str> {
    quick_xml::escape::escape(text)
}
