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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::liquid::{Engine, Escaping, Html, Moment};
    use crate::portal::SiteDrop;
    use crate::site;
    use liquid_core::model::{Object, Value};

    /// What somebody may have called an application, or typed into a form.
    const HOSTILE: &str = "\"><script>alert(1)</script>'{{ 7 | times: 7 }}{% raw %}";

    /// A value of this shape, with the hostile text in every place that holds a text.
    fn hostile(shape: &Shape, depth: usize) -> Value {
        match shape {
            Shape::Text => HOSTILE.to_owned().to_liquid(Escaping::Html),
            Shape::Html => Html("<em>ours</em>".into()).to_liquid(Escaping::Html),
            Shape::Number => Value::scalar(7_i64),
            Shape::Boolean => Value::scalar(true),
            Shape::Time => Moment(1_795_000_000_000).to_liquid(Escaping::Html),
            Shape::Texts => Value::Object(
                ["base", "name", "username", "email", "password", "org_name"]
                    .into_iter()
                    .map(|name| (name.into(), hostile(&Shape::Text, 0)))
                    .collect::<Object>(),
            ),
            Shape::Maybe(shape) => hostile(shape, depth),
            Shape::List(_) if depth == 0 => Value::array([]),
            Shape::List(shape) => {
                Value::array([hostile(shape, depth - 1), hostile(shape, depth - 1)])
            }
            Shape::Object { .. } if depth == 0 => Value::Nil,
            Shape::Object { members, .. } => Value::Object(
                members()
                    .iter()
                    .map(|member| (member.name.into(), hostile(&member.shape, depth - 1)))
                    .collect::<Object>(),
            ),
        }
    }

    fn members(shape: &Shape) -> Object {
        match hostile(shape, 6) {
            Value::Object(members) => members,
            _ => Object::new(),
        }
    }

    #[test]
    fn no_shipped_page_lets_a_hostile_value_through() {
        let templates = Engine::load(site::shipped());
        for (name, shape) in ALL {
            let mut globals = members(&SiteDrop::shape());
            globals.extend(members(&shape()));
            let page = format!("pages/{name}");
            let html =
                site::render_page(&templates, &page, Some("layouts/main_layout"), &mut globals)
                    .unwrap();
            assert!(
                html.contains("&lt;script&gt;"),
                "{name} shows no text at all"
            );
            assert!(!html.contains("<script>alert"), "{name}: {html}");
            assert!(!html.contains("\"><script"), "{name}: {html}");
            assert!(
                !html.contains("49"),
                "{name}: a value was taken for a template"
            );
            assert!(
                !html.contains(" style=\""),
                "{name}: the policy forbids styles in pages"
            );
        }
    }
}
