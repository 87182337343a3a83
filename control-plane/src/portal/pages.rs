//! Every page that comes with the program, and what its template can name: `docs/liquid.md` is made from this.

use super::applications::{edit, list, make, plan, show};
use super::content::ContentPage;
use super::refusal::ErrorPage;
use super::view::SiteDrop;
use super::{account, account_users, invitations, legal, messages, personal};
use super::{
    activation, alerts, dashboard, docs, home, login, lost_password, plans, signup, usage,
};
use crate::liquid::document::{self, Described};
use crate::liquid::{Shape, ToLiquid as _};

/// A template's system name, and what it can name besides what every page can.
pub type Named = (&'static str, fn() -> Shape);

/// All of them, by name.
pub const ALL: &[Named] = &[
    ("account/edit", account::AccountEditPage::shape),
    ("account/invitations", invitations::InvitationsPage::shape),
    ("account/personal_details", personal::PersonalPage::shape),
    ("account/show", account::AccountPage::shape),
    ("account/users", account_users::UsersPage::shape),
    ("activate", activation::ActivationPage::shape),
    ("applications/edit", edit::EditApplicationPage::shape),
    ("applications/index", list::ApplicationsPage::shape),
    ("applications/new", make::NewApplicationPage::shape),
    ("applications/plan", plan::ChangePlanPage::shape),
    ("applications/show", show::ApplicationPage::shape),
    ("dashboard", dashboard::DashboardPage::shape),
    ("alerts/index", alerts::AlertsPage::shape),
    ("docs", docs::DocsPage::shape),
    ("docs/show", docs::spec::SpecPage::shape),
    ("errors/failure", ErrorPage::shape),
    ("errors/forbidden", ErrorPage::shape),
    ("errors/not_found", ErrorPage::shape),
    ("errors/refused", ErrorPage::shape),
    ("home", home::HomePage::shape),
    ("invitation", invitations::InvitedPage::shape),
    ("login", login::LoginPage::shape),
    ("messages", messages::MessagesPage::shape),
    ("password/edit", lost_password::NewPasswordPage::shape),
    ("password/new", lost_password::LostPasswordPage::shape),
    ("plans", plans::PlansPage::shape),
    ("privacy", legal::LegalPage::shape),
    ("signup", signup::SignupPage::shape),
    ("signup/success", signup::SignupSuccessPage::shape),
    ("stats/index", usage::UsagePage::shape),
    ("stories", ContentPage::shape),
    ("terms", legal::LegalPage::shape),
];

/// `docs/liquid.md`.
#[must_use]
pub fn document() -> String {
    let pages: Vec<Described> = ALL
        .iter()
        .map(|(name, shape)| Described {
            name,
            shape: shape(),
        })
        .collect();
    document::page(&SiteDrop::shape(), &pages)
}
