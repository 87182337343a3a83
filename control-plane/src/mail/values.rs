//! What an e-mail's template can name: what the mail is about, as it is when the mail is sent.

use super::Kind;
use crate::app::App;
use crate::db::Tx;
use crate::drop;
use crate::drops::{
    self, AccountDrop, AlertDrop, ApplicationDrop, MessageDrop, PlanDrop, ProviderDrop,
    ServiceDrop, UserDrop,
};
use crate::error::Error;
use crate::liquid::Moment;
use crate::secrets::MAIL_TEXTS;
use crate::store::applications::Application;
use crate::store::mails::Due;
use crate::store::plans::APPLICATION_PLAN;
use crate::store::{accounts, alerts, applications, messages, plans, products, users};
use std::collections::BTreeMap;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

drop! {
    /// What every e-mail can name; what it is not about is nil.
    pub struct MailDrop as "every e-mail" {
        /// Whose portal it is.
        provider: ProviderDrop,
        /// The account it is about.
        account: Option<AccountDrop>,
        /// The user it is about: who is to read it, or in mails to the provider who did it.
        user: Option<UserDrop>,
        /// The application it is about.
        application: Option<ApplicationDrop>,
        /// The application's name. It is here too when the application is gone.
        application_name: String,
        /// The API it is about.
        service: Option<ServiceDrop>,
        /// The API's name.
        service_name: String,
        /// The plan it is about: the one that was asked for, or the application's.
        plan: Option<PlanDrop>,
        /// The plan that the application is on.
        current_plan: Option<PlanDrop>,
        /// When the application's trial ends.
        trial_ends_at: Option<Moment>,
        /// The alert it is about.
        alert: Option<AlertDrop>,
        /// The message it brings.
        message: Option<MessageDrop>,
        /// Where to go on: a link that works once, or a page of the portal.
        url: String,
        /// The portal's address.
        portal_url: String,
    }
}

/// All that the mail is about.
///
/// # Errors
/// [`Error::NotFound`] when something of it is gone.
pub(super) async fn load(app: &App, tx: &mut Tx, due: &Due, kind: Kind) -> Result<MailDrop, Error> {
    let mut texts = texts(app, due)?;
    let application = match due.application_id {
        Some(id) => Some(applications::get(tx, None, id).await?),
        None => None,
    };
    let user = match due.user_id {
        Some(id) => Some(user(tx, id).await?),
        None => None,
    };
    let account_id = due
        .account_id
        .or(application
            .as_ref()
            .map(|application| application.account_id))
        .or(user.as_ref().map(|user| user.account_id));
    let account = match account_id {
        Some(id) => Some(accounts::get(tx, id).await?),
        None => None,
    };
    let user = match (user, due.to_user_id) {
        (None, Some(id)) => Some(self::user(tx, id).await?),
        (user, _) => user,
    };
    let (service, current_plan, trial_ends_at) = match &application {
        Some(application) => of_application(tx, application).await?,
        None => (None, None, None),
    };
    let plan = match due.plan_id {
        Some(id) => {
            let row = plans::get(tx, APPLICATION_PLAN, id).await?;
            Some(drops::plan(tx, &row).await?)
        }
        None => current_plan.clone(),
    };
    let (alert, message) = object(tx, kind, due.object_id).await?;
    let mut text =
        |name: &str, other: Option<String>| texts.remove(name).or(other).unwrap_or_default();
    let portal_url = app.config.portal_url.clone();
    let page = page(kind, application.as_ref());
    Ok(MailDrop {
        provider: drops::provider(tx).await?,
        account: account.as_ref().map(AccountDrop::from),
        user: user.as_ref().map(UserDrop::from),
        application_name: text(
            "application_name",
            application.as_ref().map(|row| row.name.clone()),
        ),
        application: application.as_ref().map(|row| {
            let mut shown = ApplicationDrop::from(row);
            shown.url = format!("{portal_url}{}", shown.url);
            shown
        }),
        service_name: text(
            "service_name",
            service.as_ref().map(|service| service.name.clone()),
        ),
        service,
        plan,
        current_plan,
        trial_ends_at,
        alert,
        message,
        url: text("url", Some(format!("{portal_url}{page}"))),
        portal_url,
    })
}

/// The sealed texts.
fn texts(app: &App, due: &Due) -> Result<BTreeMap<String, String>, Error> {
    let Some(sealed) = &due.texts else {
        return Ok(BTreeMap::new());
    };
    let texts = app.secrets.open(MAIL_TEXTS, sealed)?;
    Ok(serde_json::from_str(texts.reveal()).unwrap_or_default())
}

async fn user(tx: &mut Tx, id: i64) -> Result<users::User, Error> {
    users::find(tx, Some(id), None, None)
        .await?
        .ok_or(Error::NotFound)
}

/// An application's API, plan, and the end of its trial.
async fn of_application(
    tx: &mut Tx,
    application: &Application,
) -> Result<(Option<ServiceDrop>, Option<PlanDrop>, Option<Moment>), Error> {
    let service = products::get(tx, application.product_id).await?;
    let row = plans::get(tx, APPLICATION_PLAN, application.plan_id).await?;
    let trial_ends_at = (row.trial_period_days > 0)
        .then(|| Moment(application.created_at + row.trial_period_days * DAY_MS));
    let plan = drops::plan(tx, &row).await?;
    Ok((Some(ServiceDrop::from(&service)), Some(plan), trial_ends_at))
}

/// The alert or the message, as the kind says.
async fn object(
    tx: &mut Tx,
    kind: Kind,
    id: Option<i64>,
) -> Result<(Option<AlertDrop>, Option<MessageDrop>), Error> {
    Ok(match (kind, id) {
        (Kind::Message, Some(id)) => {
            let message = messages::get(tx, id).await?;
            (None, Some(MessageDrop::from(&message)))
        }
        (_, Some(id)) => {
            let alert = alerts::get(tx, id).await?;
            (Some(AlertDrop::from(&alert)), None)
        }
        (_, None) => (None, None),
    })
}

/// The portal's page about it.
fn page(kind: Kind, application: Option<&Application>) -> String {
    match (kind, application) {
        (Kind::LimitAlert | Kind::LimitViolation, _) => "/admin/alerts".into(),
        (Kind::Message, _) => "/admin/messages".into(),
        (Kind::AccountApproved, _) => "/login".into(),
        (_, Some(application)) => ApplicationDrop::from(application).url,
        (_, None) => "/".into(),
    }
}
