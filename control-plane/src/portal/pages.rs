//! Every page that comes with the program, and what its template can name: `docs/liquid.md` is made from this.

use super::applications::{edit, list, make, plan, show};
use super::refusal::ErrorPage;
use super::{
    activation, alerts, dashboard, docs, home, login, lost_password, plans, signup, usage,
};
use crate::liquid::{Shape, ToLiquid as _};

/// A template's system name, and what it can name besides what every page can.
pub const ALL: &[(&str, fn() -> Shape)] = &[
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
    ("login", login::LoginPage::shape),
    ("password/edit", lost_password::NewPasswordPage::shape),
    ("password/new", lost_password::LostPasswordPage::shape),
    ("plans", plans::PlansPage::shape),
    ("signup", signup::SignupPage::shape),
    ("signup/success", signup::SignupSuccessPage::shape),
    ("stats/index", usage::UsagePage::shape),
];
