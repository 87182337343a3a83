//! `GET /admin`: where developers arrive: their first call, and how their applications do.

use super::applications::list::{ListedDrop, listed};
use super::applications::{make, show};
use super::first_call::FirstCallDrop;
use super::visitor::Member;
use crate::admin_api::page::Page;
use crate::applications;
use crate::drop;
use crate::error::Error;
use axum::response::Response;

/// Applications on the dashboard; all of them have a page of their own.
const MOST_APPLICATIONS: i64 = 6;

drop! {
    /// Where developers arrive.
    pub struct DashboardPage as "dashboard" {
        /// The account's first few applications.
        applications: Vec<ListedDrop>,
        /// How many applications there are.
        total: i64,
        /// Whether one more can be made here.
        can_create: bool,
        /// The application that the first call is made with: one that has not called yet, if there is such a one.
        example: Option<ListedDrop>,
        /// A call with that application's credentials.
        first_call: Option<FirstCallDrop>,
        /// Whether any of the applications has ever called.
        has_called: bool,
    }
}

/// Where developers arrive.
///
/// # Errors
/// When the database does not answer.
pub async fn show(member: Member) -> Result<Response, Error> {
    let app = &member.app;
    let account_id = member.account().id;
    let mut tx = app.db.read().await?;
    let page = Page {
        number: 1,
        size: MOST_APPLICATIONS,
    };
    let (listed, total) = listed(&mut tx, account_id, page).await?;
    let example = listed
        .iter()
        .filter(|listed| listed.application.is_live)
        .min_by_key(|listed| listed.application.first_traffic_at.is_some())
        .cloned();
    let first_call = match &example {
        Some(example) => {
            let id = example.application.id;
            let fresh = show::just_made(&member);
            let view = applications::view(&mut tx, &app.secrets, id, &fresh).await?;
            show::of_view(&mut tx, &view).await?
        }
        None => None,
    };
    let values = DashboardPage {
        total,
        can_create: !make::offers(&mut tx, account_id).await?.is_empty(),
        has_called: listed
            .iter()
            .any(|listed| listed.application.first_traffic_at.is_some()),
        applications: listed,
        example,
        first_call,
    };
    drop(tx);
    member.page("dashboard", "Dashboard", &values).await
}
