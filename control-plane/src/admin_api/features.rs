//! `/admin/api/services/{service}/features` and `/admin/api/features`: what plans offer, in words.
//!
//! A product's features are for its application plans or its service plans; the provider's own for account plans.

use super::auth::{Read, Write};
use super::format::{Answer, List, Object, timestamp};
use super::page::Page;
use super::params::Params;
use super::path::Ids;
use super::services::choose_system_name;
use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::provider;
use crate::store::features::{self, FeatureRow};
use crate::store::plans::{ACCOUNT_PLAN, APPLICATION_PLAN, SERVICE_PLAN};
use crate::store::products;
use axum::extract::State;

const DESCRIPTION_CHARS: usize = 65_535;

/// `GET …/services/{service}/features`.
///
/// # Errors
/// See [`Error`].
pub async fn list(
    State(app): State<App>,
    Ids([product_id]): Ids<1>,
    mut call: Read,
) -> Result<Answer, Error> {
    page(&app, Some(product_id), &mut call.params).await
}

/// `GET …/services/{service}/features/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn show(
    State(app): State<App>,
    Ids([product_id, id]): Ids<2>,
    _call: Read,
) -> Result<Answer, Error> {
    one(&app, Some(product_id), id).await
}

/// `POST …/services/{service}/features`; `scope` is `ApplicationPlan` (the default) or `ServicePlan`.
///
/// # Errors
/// See [`Error`].
pub async fn create(
    State(app): State<App>,
    Ids([product_id]): Ids<1>,
    mut call: Write,
) -> Result<Answer, Error> {
    make(&app, Some(product_id), &mut call.params).await
}

/// `PUT …/services/{service}/features/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn update(
    State(app): State<App>,
    Ids([product_id, id]): Ids<2>,
    mut call: Write,
) -> Result<Answer, Error> {
    change(&app, Some(product_id), id, &mut call.params).await
}

/// `DELETE …/services/{service}/features/{id}`: from all plans too.
///
/// # Errors
/// See [`Error`].
pub async fn delete(
    State(app): State<App>,
    Ids([product_id, id]): Ids<2>,
    _call: Write,
) -> Result<Answer, Error> {
    remove(&app, Some(product_id), id).await
}

/// `GET /admin/api/features`: of account plans.
///
/// # Errors
/// See [`Error`].
pub async fn list_own(State(app): State<App>, mut call: Read) -> Result<Answer, Error> {
    page(&app, None, &mut call.params).await
}

/// `GET /admin/api/features/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn show_own(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    _call: Read,
) -> Result<Answer, Error> {
    one(&app, None, id).await
}

/// `POST /admin/api/features`.
///
/// # Errors
/// See [`Error`].
pub async fn create_own(State(app): State<App>, mut call: Write) -> Result<Answer, Error> {
    make(&app, None, &mut call.params).await
}

/// `PUT /admin/api/features/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn update_own(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    mut call: Write,
) -> Result<Answer, Error> {
    change(&app, None, id, &mut call.params).await
}

/// `DELETE /admin/api/features/{id}`: from all plans too.
///
/// # Errors
/// See [`Error`].
pub async fn delete_own(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    _call: Write,
) -> Result<Answer, Error> {
    remove(&app, None, id).await
}

async fn page(app: &App, product_id: Option<i64>, params: &mut Params) -> Result<Answer, Error> {
    let page = Page::from_params(params)?;
    let mut tx = app.db.read().await?;
    if let Some(product_id) = product_id {
        products::get(&mut tx, product_id).await?;
    }
    let (rows, total) = features::page(&mut tx, product_id, page).await?;
    Ok(Answer::ok(
        objects(app, &mut tx, &rows).await?.paged(page.of(total)),
    ))
}

async fn one(app: &App, product_id: Option<i64>, id: i64) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    if let Some(product_id) = product_id {
        products::get(&mut tx, product_id).await?;
    }
    let row = features::get(&mut tx, product_id, id).await?;
    Ok(Answer::ok(object(app, &mut tx, &row).await?))
}

async fn make(app: &App, product_id: Option<i64>, params: &mut Params) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    lock(&mut tx, product_id).await?;
    let name = params.text("name", 255);
    let taken = features::system_names(&mut tx, product_id).await?;
    let row = FeatureRow {
        id: 0,
        product_id,
        scope: scope(params, product_id).into(),
        system_name: choose_system_name(params, &name, "feature", &taken),
        name,
        description: params
            .opt_text("description", DESCRIPTION_CHARS)
            .unwrap_or_default(),
        visible: params.opt_bool("visible").unwrap_or(true),
        created_at: 0,
        updated_at: 0,
    };
    params.check()?;
    let id = features::insert(&mut tx, &row).await?;
    let row = features::get(&mut tx, product_id, id).await?;
    let object = object(app, &mut tx, &row).await?;
    tx.commit().await?;
    Ok(Answer::created(object, path(&row)))
}

async fn change(
    app: &App,
    product_id: Option<i64>,
    id: i64,
    params: &mut Params,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    lock(&mut tx, product_id).await?;
    let mut row = features::get(&mut tx, product_id, id).await?;
    if let Some(name) = params.opt_filled("name", 255) {
        row.name = name;
    }
    if params.has("system_name") {
        let mut taken = features::system_names(&mut tx, product_id).await?;
        taken.retain(|name| *name != row.system_name);
        row.system_name = choose_system_name(params, &row.name, "feature", &taken);
    }
    if let Some(description) = params.opt_text("description", DESCRIPTION_CHARS) {
        row.description = description;
    }
    if let Some(visible) = params.opt_bool("visible") {
        row.visible = visible;
    }
    params.check()?;
    features::update(&mut tx, &row).await?;
    let row = features::get(&mut tx, product_id, id).await?;
    let object = object(app, &mut tx, &row).await?;
    tx.commit().await?;
    Ok(Answer::ok(object))
}

async fn remove(app: &App, product_id: Option<i64>, id: i64) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    lock(&mut tx, product_id).await?;
    features::get(&mut tx, product_id, id).await?;
    features::delete(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}

async fn lock(tx: &mut Tx, product_id: Option<i64>) -> Result<(), Error> {
    match product_id {
        Some(product_id) => products::lock(tx, product_id).await,
        None => tx.hold_revision().await,
    }
}

/// Which plans may have it: 3scale takes `ServicePlan` and shows `service_plan`, so both are understood.
fn scope(params: &mut Params, product_id: Option<i64>) -> &'static str {
    if product_id.is_none() {
        params.opt_choice("scope", &["AccountPlan", ACCOUNT_PLAN]);
        return ACCOUNT_PLAN;
    }
    let choices = [
        "ApplicationPlan",
        "ServicePlan",
        APPLICATION_PLAN,
        SERVICE_PLAN,
    ];
    match params.opt_choice("scope", &choices) {
        Some("ServicePlan" | SERVICE_PLAN) => SERVICE_PLAN,
        _ => APPLICATION_PLAN,
    }
}

fn path(row: &FeatureRow) -> String {
    match row.product_id {
        Some(product_id) => format!("/admin/api/services/{product_id}/features/{}", row.id),
        None => format!("/admin/api/features/{}", row.id),
    }
}

/// A list of features, as 3scale shows it.
pub(super) async fn objects(app: &App, tx: &mut Tx, rows: &[FeatureRow]) -> Result<List, Error> {
    let account_id = provider::get(tx).await?.id;
    let items = rows.iter().map(|row| feature(app, account_id, row));
    Ok(List::new("features", "feature", items))
}

/// A feature, as 3scale shows it.
pub(super) async fn object(app: &App, tx: &mut Tx, row: &FeatureRow) -> Result<Object, Error> {
    let account_id = provider::get(tx).await?.id;
    Ok(feature(app, account_id, row))
}

fn feature(app: &App, account_id: i64, row: &FeatureRow) -> Object {
    let admin_url = &app.config.admin_url;
    let mut links = vec![("self", format!("{admin_url}{}", path(row)))];
    if let Some(product_id) = row.product_id {
        links.push((
            "service",
            format!("{admin_url}/admin/api/services/{product_id}"),
        ));
    }
    let object = Object::new("feature")
        .with("id", row.id)
        .with("name", &row.name)
        .with("system_name", &row.system_name);
    match row.product_id {
        Some(product_id) => object.xml("service_id", product_id),
        None => object.xml("account_id", account_id),
    }
    .with("scope", &row.scope)
    .with("visible", row.visible)
    .with("description", &row.description)
    .json("created_at", timestamp(row.created_at))
    .json("updated_at", timestamp(row.updated_at))
    .links(links)
}
