//! Alerts of an account's applications: what came close to a limit or passed it, and which of it is mailed.

use super::flash::Flash;
use super::form::Form;
use super::view::Redirect;
use super::visitor::Member;
use crate::admin_api::page::Page;
use crate::admin_api::path::Ids;
use crate::alerts::LEVELS;
use crate::drop;
use crate::drops::{AlertDrop, grouped};
use crate::error::Error;
use crate::store::alert_choices::{self as choices, NEVER};
use crate::store::alerts::{self as rows, Alert, Filter};
use crate::store::applications::{self, Application};
use crate::store::metrics;
use axum::response::Response;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

drop! {
    /// Limits that came close or were passed.
    pub struct AlertsPage as "alerts/index" {
        /// The newest first.
        alerts: Vec<ListedDrop>,
        /// How many there are, read or not.
        total: i64,
        /// How many nobody has read.
        unread: i64,
        /// The page with newer ones; blank on the first.
        newer_url: String,
        /// The page with older ones; blank on the last.
        older_url: String,
        /// From which level on each application's alerts are mailed.
        applications: Vec<MailedDrop>,
    }
}

drop! {
    /// An alert, with the application that it is about.
    pub struct ListedDrop as "listed alert" {
        /// The alert.
        alert: AlertDrop,
        /// What happened, in words, as in `Hits per minute: limit reached`.
        title: String,
        /// What was used and the limit, as in `512 of 600`.
        utilization: String,
        /// The application's name.
        application_name: String,
        /// The application's usage.
        usage_url: String,
    }
}

drop! {
    /// From which level on an application's alerts are mailed.
    pub struct MailedDrop as "mailed alerts" {
        /// The application's id.
        id: i64,
        /// The application's name.
        name: String,
        /// Levels to choose from.
        levels: Vec<LevelDrop>,
    }
}

drop! {
    /// A level to choose.
    pub struct LevelDrop as "level" {
        /// Percent of a limit; 0 for no mails.
        value: i64,
        /// In words.
        words: String,
        /// Whether it is chosen.
        is_current: bool,
    }
}

const PAGE: &str = "alerts/index";
const TITLE: &str = "Alerts";
/// Alerts on a page.
const SIZE: i64 = 20;

/// `GET /admin/alerts`
///
/// # Errors
/// When the database does not answer.
pub async fn list(member: Member, mut form: Form) -> Result<Response, Error> {
    let number = form.params.opt_int("page", 1, 1_000_000).unwrap_or(1);
    let account_id = member.account().id;
    let mut tx = member.app.db.read().await?;
    let filter = Filter {
        account_id: Some(account_id),
        ..Filter::default()
    };
    let page = Page { number, size: SIZE };
    let (found, total) = rows::page(&mut tx, filter, page).await?;
    let unread = rows::count_unread(&mut tx, account_id).await?;
    let all = applications::of_account(&mut tx, account_id).await?;
    let mut names: HashMap<i64, HashMap<i64, String>> = HashMap::new();
    for alert in &found {
        if let Entry::Vacant(unknown) = names.entry(alert.product_id) {
            let counted = metrics::list_counted(&mut tx, alert.product_id).await?;
            let counted = counted.into_iter().map(|row| (row.id, row.friendly_name));
            unknown.insert(counted.collect());
        }
    }
    let mut mailed = Vec::new();
    for application in &all {
        let chosen = choices::get(&mut tx, application.id).await?;
        mailed.push(MailedDrop::new(application, chosen));
    }
    drop(tx);
    let to_page = |number: i64| format!("/admin/alerts?page={number}");
    let is_last = number.saturating_mul(SIZE) >= total;
    let values = AlertsPage {
        alerts: found
            .iter()
            .map(|alert| {
                let metric = names
                    .get(&alert.product_id)
                    .and_then(|names| names.get(&alert.metric_id))
                    .unwrap_or(&alert.metric_name);
                ListedDrop::new(alert, metric, &all)
            })
            .collect(),
        total,
        unread,
        newer_url: if number > 1 {
            to_page(number - 1)
        } else {
            String::new()
        },
        older_url: if is_last {
            String::new()
        } else {
            to_page(number + 1)
        },
        applications: mailed,
    };
    member.page(PAGE, TITLE, &values).await
}

/// `POST /admin/alerts/{id}/read`
///
/// # Errors
/// 404 for an alert that is not the account's, and when the database does not answer.
pub async fn read(member: Member, Ids([id]): Ids<1>) -> Result<Response, Error> {
    let mut tx = member.app.db.begin().await?;
    let alert = rows::get(&mut tx, id).await?;
    if alert.account_id != member.account().id {
        return Err(Error::NotFound);
    }
    rows::read(&mut tx, alert.application_id, Some(id)).await?;
    tx.commit().await?;
    Ok(Redirect::to("/admin/alerts").respond(&member))
}

/// `POST /admin/alerts/read_all`
///
/// # Errors
/// When the database does not answer.
pub async fn read_all(member: Member) -> Result<Response, Error> {
    let mut tx = member.app.db.begin().await?;
    for application in applications::of_account(&mut tx, member.account().id).await? {
        rows::read(&mut tx, application.id, None).await?;
    }
    tx.commit().await?;
    Ok(Redirect::to("/admin/alerts")
        .flash(Flash::notice("All alerts are marked as read."))
        .respond(&member))
}

/// `POST /admin/alerts/mails`: from which level on an application's alerts are mailed.
///
/// # Errors
/// 403 for who is no admin, 404 for an application that is not the account's, 422 for another level, and when the
/// database does not answer.
pub async fn choose(member: Member, mut form: Form) -> Result<Response, Error> {
    member.require_admin()?;
    let id = form.params.int("application_id", 1, i64::MAX);
    let level = form.params.int("level", NEVER, i64::MAX);
    if level != NEVER && !LEVELS.contains(&level) {
        form.params
            .error("level", "must be one of those to choose from");
    }
    form.params.check()?;
    let mut tx = member.app.db.begin().await?;
    let application = applications::get(&mut tx, Some(member.account().id), id).await?;
    choices::set(&mut tx, id, level).await?;
    tx.commit().await?;
    let name = &application.name;
    let said = match level {
        NEVER => format!("No more mails about limits of {name}."),
        level => format!("Alerts of {name} are mailed from {level}\u{202f}% on."),
    };
    Ok(Redirect::to("/admin/alerts#mails")
        .flash(Flash::notice(said))
        .respond(&member))
}

impl ListedDrop {
    fn new(alert: &Alert, metric_name: &str, all: &[Application]) -> Self {
        let application = all.iter().find(|row| row.id == alert.application_id);
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("application_id", &alert.application_id.to_string());
        query.append_pair("metric_name", &alert.metric_name);
        let happened = match alert.level {
            100 => "limit reached".to_owned(),
            level => format!("{level}\u{202f}% of the limit"),
        };
        let limited = match alert.period.as_str() {
            "eternity" => metric_name.to_owned(),
            period => format!("{metric_name} per {period}"),
        };
        Self {
            alert: AlertDrop::from(alert),
            title: format!("{limited}: {happened}"),
            utilization: format!("{} of {}", grouped(alert.used), grouped(alert.limit_value)),
            application_name: application.map_or_else(String::new, |row| row.name.clone()),
            usage_url: format!("/buyer/stats?{}", query.finish()),
        }
    }
}

impl MailedDrop {
    fn new(application: &Application, chosen: i64) -> Self {
        let levels = LEVELS.iter().chain([&NEVER]);
        Self {
            id: application.id,
            name: application.name.clone(),
            levels: levels
                .map(|level| LevelDrop {
                    value: *level,
                    words: match *level {
                        NEVER => "never".into(),
                        100 => "when a limit is reached".into(),
                        level => format!("from {level}\u{202f}% of a limit on"),
                    },
                    is_current: *level == chosen,
                })
                .collect(),
        }
    }
}
