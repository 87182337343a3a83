//! `/admin/api/backend_apis`: backends, the APIs that products are made of.

use super::auth::{Read, Write};
use super::format::{Answer, List, Object, timestamp};
use super::metrics::HITS;
use super::page::Page;
use super::params::Params;
use super::path::Ids;
use super::services::choose_system_name;
use crate::app::App;
use crate::error::Error;
use crate::names;
use crate::promote;
use crate::promote::urls;
use crate::store::backends::usages;
use crate::store::backends::{self, BackendRow};
use crate::store::metrics::{self, MetricRow};
use axum::extract::State;

/// What names of the gateway's own clusters begin with: no backend may lead there.
const OWN_CLUSTERS: &str = "tallygate";

/// `GET /admin/api/backend_apis`.
///
/// # Errors
/// See [`Error`].
pub async fn list(State(app): State<App>, mut call: Read) -> Result<Answer, Error> {
    let page = Page::from_params(&mut call.params)?;
    let mut tx = app.db.read().await?;
    let (rows, total) = backends::list(&mut tx, call.access.products(), page).await?;
    let items = rows.iter().map(|row| backend_api(&app, row));
    Ok(Answer::ok(
        List::new("backend_apis", "backend_api", items).paged(page.of(total)),
    ))
}

/// `GET /admin/api/backend_apis/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn show(State(app): State<App>, Ids([id]): Ids<1>, _call: Read) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    let row = backends::get(&mut tx, id).await?;
    Ok(Answer::ok(backend_api(&app, &row)))
}

/// `POST /admin/api/backend_apis`: a backend with its metric `hits` and no mapping rules.
///
/// # Errors
/// See [`Error`].
pub async fn create(State(app): State<App>, mut call: Write) -> Result<Answer, Error> {
    let params = &mut call.params;
    let mut tx = app.db.begin().await?;
    tx.hold_revision().await?;
    let name = params.text("name", 255);
    let slug = names::slug(&name);
    let given = params.opt_text("system_name", names::MOST_CHARS);
    let prefix = match &given {
        Some(given) if !given.is_empty() => given,
        _ if slug.is_empty() => "backend",
        _ => &slug,
    };
    let taken = backends::system_names(&mut tx, prefix).await?;
    let mut row = BackendRow {
        id: 0,
        system_name: choose_system_name(params, &name, "backend", &taken),
        name,
        description: String::new(),
        private_endpoint: params.text("private_endpoint", 255),
        cluster: None,
        created_at: 0,
        updated_at: 0,
    };
    apply(params, &mut row);
    params.check()?;
    let id = backends::insert(&mut tx, &row).await?;
    let hits = MetricRow {
        id: 0,
        product_id: None,
        backend_id: Some(id),
        parent_id: None,
        system_name: HITS.into(),
        friendly_name: "Hits".into(),
        unit: "hit".into(),
        description: "Number of API hits".into(),
        created_at: 0,
        updated_at: 0,
    };
    metrics::insert(&mut tx, &hits).await?;
    let row = backends::get(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Answer::created(
        backend_api(&app, &row),
        format!("/admin/api/backend_apis/{id}"),
    ))
}

/// `PUT /admin/api/backend_apis/{id}`. Products follow with their next deployment.
///
/// # Errors
/// See [`Error`].
pub async fn update(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    mut call: Write,
) -> Result<Answer, Error> {
    let params = &mut call.params;
    let mut tx = app.db.begin().await?;
    backends::lock(&mut tx, id).await?;
    let mut row = backends::get(&mut tx, id).await?;
    if let Some(name) = params.opt_filled("name", 255) {
        row.name = name;
    }
    if let Some(url) = params.opt_filled("private_endpoint", 255) {
        row.private_endpoint = url;
    }
    apply(params, &mut row);
    params.check()?;
    backends::update(&mut tx, &row).await?;
    let row = backends::get(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Answer::ok(backend_api(&app, &row)))
}

/// `DELETE /admin/api/backend_apis/{id}`: refused while a product uses it, in its draft or where gateways follow.
///
/// # Errors
/// See [`Error`].
pub async fn delete(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    _call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    backends::lock(&mut tx, id).await?;
    if let Some(product) = usages::products(&mut tx, id).await?.first() {
        return Err(Error::invalid(
            "base",
            format!("can't be deleted: product {product} uses it"),
        ));
    }
    for product in usages::products_ever(&mut tx, id).await? {
        if promote::routes_to(&mut tx, product, id).await? {
            return Err(Error::invalid(
                "base",
                format!(
                    "can't be deleted: a deployed configuration of product {product} sends requests to it; deploy and promote that one first"
                ),
            ));
        }
    }
    backends::delete(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}

/// Everything that may be left out, and the check that gateways could use it.
fn apply(params: &mut Params, row: &mut BackendRow) {
    if let Some(text) = params.opt_text("description", 10_000) {
        row.description = text;
    }
    if let Some(name) = params.opt_text("cluster", 255) {
        if name.starts_with(OWN_CLUSTERS) {
            params.error(
                "cluster",
                format!("must be a cluster of your own: names that begin with {OWN_CLUSTERS} are the gateway's"),
            );
        } else if !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            params.error(
                "cluster",
                "must be a name in Envoy's configuration: printable ASCII without spaces",
            );
        }
        row.cluster = Some(name).filter(|name| !name.is_empty());
    }
    if !row.private_endpoint.is_empty()
        && !params.is_noted("private_endpoint")
        && let Err(message) = urls::private(&row.private_endpoint, "")
    {
        params.error("private_endpoint", message);
    }
}

fn backend_api(app: &App, row: &BackendRow) -> Object {
    let url = |rest: &str| {
        format!(
            "{}/admin/api/backend_apis/{}{rest}",
            app.config.admin_url, row.id
        )
    };
    Object::new("backend_api")
        .with("id", row.id)
        .with("name", &row.name)
        .with("system_name", &row.system_name)
        .with("description", &row.description)
        .with("private_endpoint", &row.private_endpoint)
        .with("cluster", row.cluster.as_ref())
        .with("created_at", timestamp(row.created_at))
        .with("updated_at", timestamp(row.updated_at))
        .links([
            ("self", url("")),
            ("metrics", url("/metrics")),
            ("mapping_rules", url("/mapping_rules")),
        ])
}
