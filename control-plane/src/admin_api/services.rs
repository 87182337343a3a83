//! `/admin/api/services`: products.

use super::auth::{Read, Write};
use super::format::{Answer, List, Object, timestamp};
use super::metrics::metric;
use super::page::Page;
use super::params::Params;
use super::path::Ids;
use crate::app::App;
use crate::applications::takes_user_key;
use crate::db::Tx;
use crate::error::Error;
use crate::names;
use crate::promote::{self, freeze};
use crate::secrets::{self, PROXY_SECRET_TOKEN};
use crate::service_tokens;
use crate::store::metrics::{self as metric_store, MetricRow};
use crate::store::plans::{self, PlanRow, SERVICE_PLAN};
use crate::store::products::{self, ProductRow};
use crate::store::proxies;
use crate::store::rules::{self, RuleRow, RuleUsage};
use crate::store::settings::PLAN_CHANGE_PERMISSIONS;
use axum::extract::State;

/// `GET /admin/api/services`.
///
/// # Errors
/// See [`Error`].
pub async fn list(State(app): State<App>, mut call: Read) -> Result<Answer, Error> {
    let page = Page::from_params(&mut call.params)?;
    let mut tx = app.db.read().await?;
    let (rows, total) = products::list(&mut tx, call.access.products(), page).await?;
    let range = (
        rows.first().map_or(0, |row| row.id),
        rows.last().map_or(0, |row| row.id),
    );
    let metrics = metric_store::list_between(&mut tx, range.0, range.1).await?;
    let items = rows.iter().map(|row| service(&app, row, &metrics));
    Ok(Answer::ok(
        List::new("services", "service", items).paged(page.of(total)),
    ))
}

/// `GET /admin/api/services/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn show(State(app): State<App>, Ids([id]): Ids<1>, _call: Read) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    Ok(Answer::ok(read(&app, &mut tx, id).await?))
}

/// `POST /admin/api/services`: a product with its metric `hits`, a draft with a secret token, the rule
/// `GET / → hits 1`, and a default service plan.
///
/// # Errors
/// See [`Error`].
pub async fn create(State(app): State<App>, mut call: Write) -> Result<Answer, Error> {
    let params = &mut call.params;
    let mut tx = app.db.begin().await?;
    tx.next_revision().await?;
    let name = params.text("name", 255);
    let system_name = system_name(&mut tx, params, &name).await?;
    let mut row = ProductRow {
        id: 0,
        name,
        system_name,
        description: String::new(),
        state: "incomplete".into(),
        backend_version: "1".into(),
        deployment_option: "self_managed".into(),
        intentions_required: false,
        buyers_manage_apps: true,
        buyers_manage_keys: true,
        custom_keys_enabled: true,
        buyer_can_select_plan: false,
        buyer_plan_change_permission: "request".into(),
        support_email: String::new(),
        mandatory_app_key: true,
        referrer_filters_required: false,
        created_at: 0,
        updated_at: 0,
    };
    apply(params, &mut row);
    params.check()?;
    let id = products::insert(&mut tx, &row).await?;
    furnish(&app, &mut tx, id).await?;
    let node = read(&app, &mut tx, id).await?;
    tx.commit().await?;
    Ok(Answer::created(node, format!("/admin/api/services/{id}")))
}

/// `PUT /admin/api/services/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn update(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    mut call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    products::lock(&mut tx, id).await?;
    let mut row = products::get(&mut tx, id).await?;
    let params = &mut call.params;
    if let Some(name) = params.opt_filled("name", 255) {
        row.name = name;
    }
    let backend_version = row.backend_version.clone();
    let were_required = row.referrer_filters_required;
    apply(params, &mut row);
    if row.backend_version != backend_version {
        if takes_user_key(&row.backend_version) != takes_user_key(&backend_version)
            && products::count_applications(&mut tx, id).await? > 0
        {
            params.error(
                "backend_version",
                "can't be changed while there are applications: their credentials are of the other kind",
            );
        }
        if let Some(environment) = promote::follows_other_kind(&mut tx, &row).await? {
            params.error(
                "backend_version",
                format!(
                    "can't be changed any more: {} follows a configuration that reads the other kind of credentials; make another product",
                    environment.of_configs()
                ),
            );
        }
    }
    params.check()?;
    products::update(&mut tx, &row).await?;
    if row.referrer_filters_required != were_required {
        products::touch(&mut tx, id).await?;
    }
    let node = read(&app, &mut tx, id).await?;
    tx.commit().await?;
    Ok(Answer::ok(node))
}

/// `DELETE /admin/api/services/{id}`: also stops its applications.
///
/// # Errors
/// See [`Error`].
pub async fn delete(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    _call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    products::lock(&mut tx, id).await?;
    products::delete(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}

/// What a new product comes with.
async fn furnish(app: &App, tx: &mut Tx, product_id: i64) -> Result<(), Error> {
    let hits = MetricRow {
        id: 0,
        product_id: Some(product_id),
        backend_id: None,
        parent_id: None,
        system_name: super::metrics::HITS.into(),
        friendly_name: "Hits".into(),
        unit: "hit".into(),
        description: "Number of API hits".into(),
        created_at: 0,
        updated_at: 0,
    };
    let metric_id = metric_store::insert(tx, &hits).await?;
    service_tokens::ensure(tx, &app.secrets, product_id).await?;
    let token = secrets::new_secret_token();
    let sealed = app.secrets.seal(PROXY_SECRET_TOKEN, &token)?;
    proxies::insert(tx, product_id, &sealed).await?;
    let mut rule = RuleRow {
        id: 0,
        product_id: Some(product_id),
        backend_id: None,
        methods: String::new(),
        pattern: "/".into(),
        usages: String::new(),
        position: 1,
        last: false,
        created_at: 0,
        updated_at: 0,
    };
    rule.set_methods(&["GET".to_owned()]);
    rule.set_usages(&[RuleUsage {
        metric_id,
        delta: 1,
    }]);
    rules::insert(tx, &rule).await?;
    let mut plan = PlanRow::new(
        SERVICE_PLAN,
        Some(product_id),
        "Default".into(),
        "default".into(),
    );
    plan.state = "published".into();
    plan.is_default = true;
    plans::insert(tx, &plan).await?;
    Ok(())
}

async fn system_name(tx: &mut Tx, params: &mut Params, name: &str) -> Result<String, Error> {
    let slug = names::slug(name);
    let given = params.opt_text("system_name", names::MOST_CHARS);
    let prefix = match &given {
        Some(given) if !given.is_empty() => given,
        _ if slug.is_empty() => "api",
        _ => &slug,
    };
    let taken = products::system_names(tx, prefix).await?;
    Ok(choose_system_name(params, name, "api", &taken))
}

/// The `system_name` that was given, or one made from the name (or `fallback`), free of those `taken`.
pub(super) fn choose_system_name(
    params: &mut Params,
    name: &str,
    fallback: &str,
    taken: &[String],
) -> String {
    let given = params.opt_text("system_name", names::MOST_CHARS);
    match given.filter(|given| !given.is_empty()) {
        Some(given) => {
            if let Err(message) = names::check(&given) {
                params.error("system_name", message);
            } else if taken.contains(&given) {
                params.error("system_name", "has already been taken");
            }
            given
        }
        None => {
            let slug = names::slug(name);
            let wanted = if slug.is_empty() { fallback } else { &slug };
            names::free(wanted, taken)
        }
    }
}

/// Everything but the name, which is required once and optional later.
fn apply(params: &mut Params, row: &mut ProductRow) {
    if let Some(text) = params.opt_text("description", 10_000) {
        row.description = text;
    }
    if let Some(text) = params.opt_filled("deployment_option", 255) {
        row.deployment_option = text;
    }
    if let Some(text) = params.opt_text("support_email", 255) {
        if !text.is_empty() && !is_email(&text) {
            params.error("support_email", "must be an e-mail address");
        }
        row.support_email = text;
    }
    match params.opt_filled("backend_version", 255).as_deref() {
        None => {}
        Some(version @ ("1" | "2")) => row.backend_version = version.into(),
        Some(freeze::OIDC | "oidc") => row.backend_version = freeze::OIDC.into(),
        Some(_) => params.error(
            "backend_version",
            "must be 1 (user_key), 2 (app_id and app_key) or oidc (tokens of an OpenID Connect issuer)",
        ),
    }
    if let Some(choice) = params.opt_choice("buyer_plan_change_permission", PLAN_CHANGE_PERMISSIONS)
    {
        row.buyer_plan_change_permission = choice.into();
    }
    for (name, field) in [
        ("intentions_required", &mut row.intentions_required),
        ("buyers_manage_apps", &mut row.buyers_manage_apps),
        ("buyers_manage_keys", &mut row.buyers_manage_keys),
        ("custom_keys_enabled", &mut row.custom_keys_enabled),
        ("buyer_can_select_plan", &mut row.buyer_can_select_plan),
        ("mandatory_app_key", &mut row.mandatory_app_key),
        (
            "referrer_filters_required",
            &mut row.referrer_filters_required,
        ),
    ] {
        if let Some(value) = params.opt_bool(name) {
            *field = value;
        }
    }
}

/// Whether it looks like an e-mail address; only sending tells whether it is one.
#[must_use]
pub fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !domain.is_empty()
            && !text.contains([' ', '<', '>', ',', ';'])
            && !domain.contains('@')
    })
}

async fn read(app: &App, tx: &mut Tx, id: i64) -> Result<Object, Error> {
    let row = products::get(tx, id).await?;
    let metrics = metric_store::list(tx, id).await?;
    Ok(service(app, &row, &metrics))
}

fn service(app: &App, row: &ProductRow, metrics: &[MetricRow]) -> Object {
    let url = |rest: &str| {
        format!(
            "{}/admin/api/services/{}{rest}",
            app.config.admin_url, row.id
        )
    };
    let own_metrics = metrics
        .iter()
        .filter(|metric| metric.product_id == Some(row.id))
        .map(|row| metric(app, row));
    Object::new("service")
        .with("id", row.id)
        .with("name", &row.name)
        .with("state", &row.state)
        .with("system_name", &row.system_name)
        .with("backend_version", &row.backend_version)
        .with("deployment_option", &row.deployment_option)
        .with("support_email", &row.support_email)
        .with("description", &row.description)
        .with("intentions_required", row.intentions_required)
        .with("buyers_manage_apps", row.buyers_manage_apps)
        .with("buyers_manage_keys", row.buyers_manage_keys)
        .with("referrer_filters_required", row.referrer_filters_required)
        .with("custom_keys_enabled", row.custom_keys_enabled)
        .with("buyer_key_regenerate_enabled", true)
        .with("mandatory_app_key", row.mandatory_app_key)
        .with("buyer_can_select_plan", row.buyer_can_select_plan)
        .with(
            "buyer_plan_change_permission",
            &row.buyer_plan_change_permission,
        )
        .with("created_at", timestamp(row.created_at))
        .with("updated_at", timestamp(row.updated_at))
        .xml("metrics", List::new("metrics", "metric", own_metrics))
        .links([
            ("metrics", url("/metrics")),
            ("self", url("")),
            ("application_plans", url("/application_plans")),
            ("proxy", url("/proxy")),
        ])
}
