//! `/admin/api/services/{service}/application_plans` and `/admin/api/application_plans`.

use super::auth::{Read, Write};
use super::format::{Answer, List, Object, timestamp};
use super::page::Page;
use super::params::Params;
use super::path::Ids;
use super::services::choose_system_name;
use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::store::plans::{self, APPLICATION_PLAN, PlanRow};
use crate::store::products;
use axum::extract::State;

/// `GET /admin/api/application_plans`: of all products.
///
/// # Errors
/// See [`Error`].
pub async fn list_all(State(app): State<App>, mut call: Read) -> Result<Answer, Error> {
    let page = Page::from_params(&mut call.params)?;
    let mut tx = app.db.read().await?;
    let (rows, total) =
        plans::list_all(&mut tx, APPLICATION_PLAN, call.access.products(), page).await?;
    let items = rows.iter().map(|row| plan(&app, row));
    Ok(Answer::ok(
        List::new("plans", "plan", items).paged(page.of(total)),
    ))
}

/// `GET …/application_plans`.
///
/// # Errors
/// See [`Error`].
pub async fn list(
    State(app): State<App>,
    Ids([product_id]): Ids<1>,
    _call: Read,
) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    products::get(&mut tx, product_id).await?;
    let rows = plans::list(&mut tx, APPLICATION_PLAN, Some(product_id)).await?;
    let items = rows.iter().map(|row| plan(&app, row));
    Ok(Answer::ok(List::new("plans", "plan", items)))
}

/// `GET …/application_plans/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn show(
    State(app): State<App>,
    Ids([product_id, id]): Ids<2>,
    _call: Read,
) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    products::get(&mut tx, product_id).await?;
    let row = get(&mut tx, product_id, id).await?;
    Ok(Answer::ok(plan(&app, &row)))
}

/// `POST …/application_plans`.
///
/// # Errors
/// See [`Error`].
pub async fn create(
    State(app): State<App>,
    Ids([product_id]): Ids<1>,
    mut call: Write,
) -> Result<Answer, Error> {
    let params = &mut call.params;
    let mut tx = app.db.begin().await?;
    products::lock(&mut tx, product_id).await?;
    let name = params.text("name", 255);
    let taken: Vec<String> = plans::list(&mut tx, APPLICATION_PLAN, Some(product_id))
        .await?
        .into_iter()
        .map(|row| row.system_name)
        .collect();
    let mut row = PlanRow {
        id: 0,
        kind: APPLICATION_PLAN.into(),
        product_id: Some(product_id),
        system_name: choose_system_name(params, &name, "plan", &taken),
        name,
        state: "hidden".into(),
        is_default: false,
        approval_required: false,
        trial_period_days: 0,
        setup_fee: 0.0,
        cost_per_month: 0.0,
        cancellation_period: 0,
        created_at: 0,
        updated_at: 0,
    };
    apply(params, &mut row);
    params.check()?;
    let id = plans::insert(&mut tx, &row).await?;
    products::touch(&mut tx, product_id).await?;
    let row = get(&mut tx, product_id, id).await?;
    tx.commit().await?;
    Ok(Answer::created(
        plan(&app, &row),
        format!("/admin/api/services/{product_id}/application_plans/{id}"),
    ))
}

/// `PUT …/application_plans/{id}`; `state_event=publish` or `hide`.
///
/// # Errors
/// See [`Error`].
pub async fn update(
    State(app): State<App>,
    Ids([product_id, id]): Ids<2>,
    mut call: Write,
) -> Result<Answer, Error> {
    let params = &mut call.params;
    let mut tx = app.db.begin().await?;
    products::lock(&mut tx, product_id).await?;
    let mut row = get(&mut tx, product_id, id).await?;
    if let Some(name) = params.opt_filled("name", 255) {
        row.name = name;
    }
    apply(params, &mut row);
    params.check()?;
    plans::update(&mut tx, &row).await?;
    let row = get(&mut tx, product_id, id).await?;
    tx.commit().await?;
    Ok(Answer::ok(plan(&app, &row)))
}

/// `PUT …/application_plans/{id}/default`: taken when a signup names none.
///
/// # Errors
/// See [`Error`].
pub async fn make_default(
    State(app): State<App>,
    Ids([product_id, id]): Ids<2>,
    _call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    products::lock(&mut tx, product_id).await?;
    let row = get(&mut tx, product_id, id).await?;
    plans::make_default(&mut tx, &row).await?;
    let row = get(&mut tx, product_id, id).await?;
    tx.commit().await?;
    Ok(Answer::ok(plan(&app, &row)))
}

/// `DELETE …/application_plans/{id}`; refused while applications are on it.
///
/// # Errors
/// See [`Error`].
pub async fn delete(
    State(app): State<App>,
    Ids([product_id, id]): Ids<2>,
    _call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    products::lock(&mut tx, product_id).await?;
    get(&mut tx, product_id, id).await?;
    let applications = plans::count_applications(&mut tx, id).await?;
    if applications > 0 {
        return Err(Error::invalid(
            "base",
            format!(
                "This plan can't be deleted while applications are on it ({applications}): move or delete them first"
            ),
        ));
    }
    plans::delete(&mut tx, id).await?;
    products::touch(&mut tx, product_id).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}

async fn get(tx: &mut Tx, product_id: i64, id: i64) -> Result<PlanRow, Error> {
    let row = plans::get(tx, APPLICATION_PLAN, id).await?;
    if row.product_id == Some(product_id) {
        Ok(row)
    } else {
        Err(Error::NotFound)
    }
}

/// Everything but the name, which is required once and optional later.
fn apply(params: &mut Params, row: &mut PlanRow) {
    match params.opt_choice("state_event", &["publish", "hide"]) {
        Some("publish") => row.state = "published".into(),
        Some(_) => row.state = "hidden".into(),
        None => {}
    }
    if let Some(value) = params.opt_bool("approval_required") {
        row.approval_required = value;
    }
    for (name, field) in [
        ("trial_period_days", &mut row.trial_period_days),
        ("cancellation_period", &mut row.cancellation_period),
    ] {
        if let Some(days) = params.opt_int(name, 0, 100_000) {
            *field = days;
        }
    }
    for (name, field) in [
        ("setup_fee", &mut row.setup_fee),
        ("cost_per_month", &mut row.cost_per_month),
    ] {
        if let Some(amount) = params.opt_amount(name) {
            *field = amount;
        }
    }
}

/// A plan of any kind, as 3scale shows it: in JSON wrapped by its kind, in XML a `<plan>`.
#[must_use]
pub fn plan(app: &App, row: &PlanRow) -> Object {
    let name = match row.kind.as_str() {
        plans::ACCOUNT_PLAN => plans::ACCOUNT_PLAN,
        plans::SERVICE_PLAN => plans::SERVICE_PLAN,
        _ => APPLICATION_PLAN,
    };
    let is_default = if row.is_default { "true" } else { "false" };
    let object = Object::new(name)
        .element("plan")
        .attribute("custom", "false")
        .attribute("default", is_default)
        .with("id", row.id)
        .with("name", &row.name)
        .xml("type", &row.kind)
        .with("state", &row.state)
        .with("approval_required", row.approval_required)
        .with("setup_fee", row.setup_fee)
        .with("cost_per_month", row.cost_per_month)
        .with("trial_period_days", row.trial_period_days)
        .with("cancellation_period", row.cancellation_period)
        .json("default", row.is_default)
        .json("custom", false)
        .with("system_name", &row.system_name)
        .maybe("service_id", row.product_id)
        .json("created_at", timestamp(row.created_at))
        .json("updated_at", timestamp(row.updated_at));
    match row.product_id {
        Some(product_id) if row.kind == APPLICATION_PLAN => {
            let service = format!("{}/admin/api/services/{product_id}", app.config.admin_url);
            object.links([
                ("self", format!("{service}/application_plans/{}", row.id)),
                ("service", service),
            ])
        }
        _ => object,
    }
}
