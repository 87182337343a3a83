//! `GET /admin/applications`: all of them, with plan and state.

use crate::admin_api::access::Products;
use crate::admin_api::page::Page;
use crate::admin_api::params::Params;
use crate::db::Tx;
use crate::drop;
use crate::drops::ApplicationDrop;
use crate::error::Error;
use crate::portal::applications::make;
use crate::portal::form::Form;
use crate::portal::visitor::Member;
use crate::store::applications::{self as rows, Filter};
use crate::store::contracts;
use axum::response::Response;

/// Applications on one page.
const PER_PAGE: i64 = 50;

drop! {
    /// An application in a list.
    pub struct ListedDrop as "listed_application" {
        /// The application.
        application: ApplicationDrop,
        /// The plan it is on.
        plan_name: String,
    }
}

drop! {
    /// The applications of the account.
    pub struct ApplicationsPage as "applications/index" {
        /// Those on this page.
        applications: Vec<ListedDrop>,
        /// How many there are on all pages.
        total: i64,
        /// Whether one more can be made here.
        can_create: bool,
        /// The path of the page before this one.
        previous_url: Option<String>,
        /// The path of the page after this one.
        next_url: Option<String>,
    }
}

/// All of them.
///
/// # Errors
/// When the database does not answer.
pub async fn index(member: Member, mut form: Form) -> Result<Response, Error> {
    let page = asked_page(&mut form.params);
    let account_id = member.account().id;
    let mut tx = member.app.db.read().await?;
    let (applications, total) = listed(&mut tx, account_id, page).await?;
    let can_create = !make::offers(&mut tx, account_id).await?.is_empty();
    drop(tx);
    let path = |number: i64| format!("/admin/applications?page={number}");
    let values = ApplicationsPage {
        applications,
        total,
        can_create,
        previous_url: (page.number > 1).then(|| path(page.number - 1)),
        next_url: (page.number < page.of(total).pages()).then(|| path(page.number + 1)),
    };
    member
        .page("applications/index", "Applications", &values)
        .await
}

/// One page of an account's applications, and how many there are.
///
/// # Errors
/// When the database does not answer.
pub async fn listed(
    tx: &mut Tx,
    account_id: i64,
    page: Page,
) -> Result<(Vec<ListedDrop>, i64), Error> {
    let filter = Filter {
        account_id: Some(account_id),
        ..Filter::default()
    };
    let (found, total) = rows::page(tx, filter, &Products::All, page).await?;
    let plan_ids = found.iter().map(|application| application.plan_id);
    let plans = contracts::by_ids(tx, plan_ids.collect()).await?;
    let listed = found.iter().map(|application| {
        let plan = plans.iter().find(|plan| plan.id == application.plan_id);
        ListedDrop {
            application: ApplicationDrop::from(application),
            plan_name: plan.map(|plan| plan.name.clone()).unwrap_or_default(),
        }
    });
    Ok((listed.collect(), total))
}

/// The page that an address asks for; the first, if it asks for none there can be.
fn asked_page(params: &mut Params) -> Page {
    Page {
        number: params.opt_int("page", 1, 100_000).unwrap_or(1),
        size: PER_PAGE,
    }
}
