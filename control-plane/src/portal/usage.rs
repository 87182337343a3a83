//! `GET /buyer/stats`: what an application has used, how far its limits are used up; and the numbers as CSV.
//!
//! A request: `asked` (which application, metric, time?) → here → `measured` (the numbers, from the series) → `shown` (a
//! chart with its table) and `traffic` (how requests were answered), or `csv`.

mod asked;
mod csv;
mod measured;
mod shown;
mod traffic;

use super::form::{Form, FormDrop};
use super::visitor::Member;
use crate::drop;
use crate::drops::{ApplicationDrop, UtilizationDrop, utilization};
use crate::error::{Error, FieldErrors};
use crate::store::{alert_choices, applications};
use asked::Asked;
use axum::http::StatusCode;
use axum::response::Response;
use measured::Measured;
use shown::{ChoiceDrop, UsageDrop};
use traffic::TrafficDrop;

pub use csv::download;

drop! {
    /// What an application has used.
    pub struct UsagePage as "stats/index" {
        /// The account's applications; none yet, perhaps.
        applications: Vec<ChoiceDrop>,
        /// The one that is shown; none when there is none.
        application: Option<ApplicationDrop>,
        /// What its API counts.
        metrics: Vec<ChoiceDrop>,
        /// Stretches of time to choose from.
        periods: Vec<ChoiceDrop>,
        /// Whether it is another stretch than those.
        is_custom: bool,
        /// The form: `application_id`, `metric_name`, `period`, `since`, `until`.
        form: FormDrop,
        /// What was used; none when the API counts nothing.
        usage: Option<UsageDrop>,
        /// How requests were answered; none when there were none.
        traffic: Option<TrafficDrop>,
        /// How far each limit is used up, now.
        utilization: Vec<UtilizationDrop>,
        /// Percent of a limit from which on mails are sent; 0 for none.
        mailed_from: i64,
        /// The numbers of this page as CSV, all metrics.
        csv_url: String,
    }
}

const PAGE: &str = "stats/index";
const TITLE: &str = "Usage";

/// `GET /buyer/stats`
///
/// # Errors
/// 404 for an application that is not the account's, and when the database does not answer.
pub async fn show(member: Member, mut form: Form) -> Result<Response, Error> {
    let (asked, mut problems) = Asked::read(&mut form.params);
    let mut tx = member.app.db.read().await?;
    let all = applications::of_account(&mut tx, member.account().id).await?;
    let application = match asked.application(&all) {
        Some(found) => found?.clone(),
        None => return member.page(PAGE, TITLE, &UsagePage::empty()).await,
    };
    let measured = match Measured::read(&mut tx, &application, &asked).await {
        Ok(measured) => measured,
        // What cannot be shown is said at its field, above what is shown first.
        Err(Error::Invalid(found)) => {
            problems.0.extend(found.0);
            Measured::read(&mut tx, &application, &asked.without_what_is_wrong()).await?
        }
        Err(error) => return Err(error),
    };
    let traffic = traffic::read(&mut tx, &measured).await?;
    let utilization = utilization(&mut tx, &application).await?;
    let mailed_from = alert_choices::get(&mut tx, application.id).await?;
    drop(tx);
    let page = UsagePage {
        applications: shown::applications(&all, &application),
        application: Some(ApplicationDrop::from(&application)),
        metrics: shown::metrics(&measured),
        periods: shown::periods(&measured),
        is_custom: asked.is_custom(),
        form: filled(&form, &problems, &measured),
        csv_url: format!("/buyer/stats.csv?{}", measured.query()),
        usage: shown::usage(&measured),
        traffic,
        utilization,
        mailed_from,
    };
    let status = if problems.0.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    member.page_with(status, PAGE, TITLE, &page).await
}

impl UsagePage {
    /// For who has no application yet.
    fn empty() -> Self {
        Self {
            applications: Vec::new(),
            application: None,
            metrics: Vec::new(),
            periods: Vec::new(),
            is_custom: false,
            form: FormDrop::blank([]),
            usage: None,
            traffic: None,
            utilization: Vec::new(),
            mailed_from: alert_choices::NEVER,
            csv_url: String::new(),
        }
    }
}

/// With what was typed, or with what is shown.
fn filled(form: &Form, problems: &FieldErrors, measured: &Measured) -> FormDrop {
    if !problems.0.is_empty() {
        return form.again(problems);
    }
    let application_id = measured.application_id.to_string();
    let metric_name = measured.metric_name();
    let [since, until] = measured.days();
    FormDrop::blank([
        ("application_id", application_id.as_str()),
        ("metric_name", &metric_name),
        ("period", measured.span.name()),
        ("since", &since),
        ("until", &until),
    ])
}
