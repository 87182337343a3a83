//! Plans of all three kinds: what their paths have in common.
//!
//! [`Owner`] says which plans a path is about; `application_plans`, `service_plans` and `account_plans` name it.

use super::auth::Read;
use super::format::{Answer, List, Object, timestamp};
use super::page::Page;
use super::params::Params;
use super::services::choose_system_name;
use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::store::plans::{self, ACCOUNT_PLAN, APPLICATION_PLAN, Filter, PlanRow, SERVICE_PLAN};
use crate::store::products;

/// Whose plans.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner {
    kind: &'static str,
    product_id: Option<i64>,
}

impl Owner {
    /// The provider: plans that accounts are on.
    pub(super) const ACCOUNTS: Self = Self {
        kind: ACCOUNT_PLAN,
        product_id: None,
    };

    /// A product: plans that accounts subscribe to it by.
    pub(super) fn subscriptions(product_id: i64) -> Self {
        Self {
            kind: SERVICE_PLAN,
            product_id: Some(product_id),
        }
    }

    /// A product: plans that applications are on.
    pub(super) fn applications(product_id: i64) -> Self {
        Self {
            kind: APPLICATION_PLAN,
            product_id: Some(product_id),
        }
    }

    fn path(self) -> String {
        match self.product_id {
            Some(product_id) => format!("/admin/api/services/{product_id}/{}s", self.kind),
            None => format!("/admin/api/{}s", self.kind),
        }
    }

    /// Holds its plans still until the transaction ends.
    async fn lock(self, tx: &mut Tx) -> Result<(), Error> {
        match self.product_id {
            Some(product_id) => products::lock(tx, product_id).await,
            None => tx.hold_revision().await,
        }
    }

    async fn exists(self, tx: &mut Tx) -> Result<(), Error> {
        match self.product_id {
            Some(product_id) => products::get(tx, product_id).await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// Tells gateways, if these plans are among what they know.
    async fn touch(self, tx: &mut Tx) -> Result<(), Error> {
        match self.product_id {
            Some(product_id) if self.kind == APPLICATION_PLAN => {
                products::touch(tx, product_id).await
            }
            _ => Ok(()),
        }
    }

    async fn get(self, tx: &mut Tx, id: i64) -> Result<PlanRow, Error> {
        let row = plans::get(tx, self.kind, id).await?;
        if row.product_id == self.product_id {
            Ok(row)
        } else {
            Err(Error::NotFound)
        }
    }
}

/// Those of all products that the caller may reach.
pub(super) async fn list_all(
    app: &App,
    kind: &'static str,
    call: &mut Read,
) -> Result<Answer, Error> {
    let page = Page::from_params(&mut call.params)?;
    let filter = Filter {
        kind,
        product_id: None,
        reach: call.access.products(),
    };
    let mut tx = app.db.read().await?;
    paged(app, &mut tx, filter, page).await
}

pub(super) async fn list(app: &App, owner: Owner, call: &mut Read) -> Result<Answer, Error> {
    let page = Page::from_params(&mut call.params)?;
    let filter = Filter {
        kind: owner.kind,
        product_id: owner.product_id,
        reach: call.access.products(),
    };
    let mut tx = app.db.read().await?;
    owner.exists(&mut tx).await?;
    paged(app, &mut tx, filter, page).await
}

pub(super) async fn show(app: &App, owner: Owner, id: i64) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    owner.exists(&mut tx).await?;
    let row = owner.get(&mut tx, id).await?;
    Ok(Answer::ok(plan(app, &row)))
}

pub(super) async fn create(app: &App, owner: Owner, params: &mut Params) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    owner.lock(&mut tx).await?;
    let name = params.text("name", 255);
    let taken = plans::system_names(&mut tx, owner.kind, owner.product_id).await?;
    let system_name = choose_system_name(params, &name, "plan", &taken);
    let mut row = PlanRow::new(owner.kind, owner.product_id, name, system_name);
    apply(params, &mut row);
    params.check()?;
    let id = plans::insert(&mut tx, &row).await?;
    owner.touch(&mut tx).await?;
    let row = owner.get(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Answer::created(
        plan(app, &row),
        format!("{}/{id}", owner.path()),
    ))
}

pub(super) async fn update(
    app: &App,
    owner: Owner,
    id: i64,
    params: &mut Params,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    owner.lock(&mut tx).await?;
    let mut row = owner.get(&mut tx, id).await?;
    if let Some(name) = params.opt_filled("name", 255) {
        row.name = name;
    }
    apply(params, &mut row);
    if row.original_id.is_some() && row.state == "published" {
        params.error(
            "state_event",
            "can't publish a plan that was made for one application",
        );
    }
    params.check()?;
    plans::update(&mut tx, &row).await?;
    let row = owner.get(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Answer::ok(plan(app, &row)))
}

pub(super) async fn make_default(app: &App, owner: Owner, id: i64) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    owner.lock(&mut tx).await?;
    let row = owner.get(&mut tx, id).await?;
    if row.original_id.is_some() {
        return Err(Error::invalid(
            "base",
            "A plan that was made for one application can't be the default",
        ));
    }
    plans::make_default(&mut tx, &row).await?;
    let row = owner.get(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Answer::ok(plan(app, &row)))
}

pub(super) async fn delete(app: &App, owner: Owner, id: i64) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    owner.lock(&mut tx).await?;
    let row = owner.get(&mut tx, id).await?;
    let contracts = plans::count_contracts(&mut tx, &row).await?;
    if contracts > 0 {
        let (who, how) = match owner.kind {
            ACCOUNT_PLAN => ("accounts", "move or delete"),
            SERVICE_PLAN => ("subscriptions", "move or end"),
            _ => ("applications", "move or delete"),
        };
        return Err(Error::invalid(
            "base",
            format!(
                "This plan can't be deleted while {who} are on it ({contracts}): {how} them first"
            ),
        ));
    }
    plans::delete(&mut tx, id).await?;
    owner.touch(&mut tx).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}

async fn paged(app: &App, tx: &mut Tx, filter: Filter<'_>, page: Page) -> Result<Answer, Error> {
    let (rows, total) = plans::page(tx, filter, page).await?;
    let items = rows.iter().map(|row| plan(app, row));
    Ok(Answer::ok(
        List::new("plans", "plan", items).paged(page.of(total)),
    ))
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
    let owner = match row.kind.as_str() {
        ACCOUNT_PLAN => Owner::ACCOUNTS,
        SERVICE_PLAN => Owner::subscriptions(row.product_id.unwrap_or_default()),
        _ => Owner::applications(row.product_id.unwrap_or_default()),
    };
    let says = |value: bool| if value { "true" } else { "false" };
    let is_custom = row.original_id.is_some();
    let admin_url = &app.config.admin_url;
    let mut links = vec![("self", format!("{admin_url}{}/{}", owner.path(), row.id))];
    if let Some(product_id) = row.product_id {
        links.push((
            "service",
            format!("{admin_url}/admin/api/services/{product_id}"),
        ));
    }
    Object::new(owner.kind)
        .element("plan")
        .attribute("custom", says(is_custom))
        .attribute("default", says(row.is_default))
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
        .json("custom", is_custom)
        .with("system_name", &row.system_name)
        .maybe("service_id", row.product_id)
        .json("created_at", timestamp(row.created_at))
        .json("updated_at", timestamp(row.updated_at))
        .links(links)
}
