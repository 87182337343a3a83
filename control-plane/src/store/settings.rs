//! The provider's settings: one row each, absent until changed.

use crate::db::Tx;
use crate::error::Error;
use crate::{on, run};

/// A yes-or-no setting: its name and what it is until set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name in the database and in the API.
    pub name: &'static str,
    /// Its value until set.
    pub default: bool,
}

/// A setting that is one of a few words, and what it is until set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WordSetting {
    /// Its name in the database and in the API.
    pub name: &'static str,
    /// Its value until set.
    pub default: &'static str,
    /// What it may be.
    pub words: &'static [&'static str],
}

/// A setting that is a colour, as in `#0a6b4d`; blank until set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColorSetting {
    /// Its name in the database and in the API.
    pub name: &'static str,
}

/// A setting of any kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnySetting {
    /// Yes or no.
    Flag(Setting),
    /// One of a few words.
    Word(WordSetting),
    /// A colour.
    Color(ColorSetting),
}

/// Whether developers may sign up in the portal. The API's signup is not bound by it.
pub const SIGNUPS_ENABLED: Setting = flag("signups_enabled", true);
/// Whether new accounts wait for the provider.
pub const ACCOUNT_APPROVAL_REQUIRED: Setting = flag("account_approval_required", false);
/// Whether developers may change their own account and users in the portal.
pub const USER_ACCOUNT_AREA_ENABLED: Setting = flag("useraccountarea_enabled", true);
/// Whether the portal leaves out services of which there is only the default plan.
pub const HIDE_SERVICE: Setting = flag("hide_service", false);
/// Whether the portal can be searched without signing in.
pub const PUBLIC_SEARCH: Setting = flag("public_search", false);
/// Whether developers see account plans.
pub const ACCOUNT_PLANS_UI_VISIBLE: Setting = flag("account_plans_ui_visible", false);
/// Whether developers see service plans.
pub const SERVICE_PLANS_UI_VISIBLE: Setting = flag("service_plans_ui_visible", false);
/// How developers change their account plan.
pub const CHANGE_ACCOUNT_PLAN_PERMISSION: WordSetting =
    plan_change("change_account_plan_permission");
/// How developers change a service plan.
pub const CHANGE_SERVICE_PLAN_PERMISSION: WordSetting =
    plan_change("change_service_plan_permission");
/// Whether the provider's users sign in to the console by an authentication provider only.
pub const ENFORCE_SSO: Setting = flag("enforce_sso", false);
/// Whether sealed copies of credentials are kept, so that they can be shown again.
pub const CREDENTIALS_RETRIEVABLE: Setting = flag("credentials_retrievable", true);

/// The text that says whom e-mails are from; blank until set.
pub const FROM_EMAIL: &str = "from_email";

/// The portal's colour of links and buttons.
pub const ACCENT_COLOR: ColorSetting = ColorSetting {
    name: "accent_color",
};
/// The same where it is dark; made from the other unless set.
pub const ACCENT_COLOR_DARK: ColorSetting = ColorSetting {
    name: "accent_color_dark",
};

/// All of them, in the order they are shown: 3scale's, then ours.
pub const ALL: &[AnySetting] = &[
    AnySetting::Flag(USER_ACCOUNT_AREA_ENABLED),
    AnySetting::Flag(HIDE_SERVICE),
    AnySetting::Flag(SIGNUPS_ENABLED),
    AnySetting::Flag(ACCOUNT_APPROVAL_REQUIRED),
    AnySetting::Flag(PUBLIC_SEARCH),
    AnySetting::Flag(ACCOUNT_PLANS_UI_VISIBLE),
    AnySetting::Word(CHANGE_ACCOUNT_PLAN_PERMISSION),
    AnySetting::Flag(SERVICE_PLANS_UI_VISIBLE),
    AnySetting::Word(CHANGE_SERVICE_PLAN_PERMISSION),
    AnySetting::Flag(ENFORCE_SSO),
    AnySetting::Flag(CREDENTIALS_RETRIEVABLE),
    AnySetting::Color(ACCENT_COLOR),
    AnySetting::Color(ACCENT_COLOR_DARK),
];

/// How developers may come to another plan: not at all, by asking, at once, or once they can pay.
pub const PLAN_CHANGE_PERMISSIONS: &[&str] = &[
    "none",
    "request",
    "direct",
    "credit_card",
    "request_credit_card",
];

const fn flag(name: &'static str, default: bool) -> Setting {
    Setting { name, default }
}

const fn plan_change(name: &'static str) -> WordSetting {
    WordSetting {
        name,
        default: "request",
        words: PLAN_CHANGE_PERMISSIONS,
    }
}

/// A setting's value.
///
/// # Errors
/// When the database does not answer.
pub async fn get(tx: &mut Tx, setting: Setting) -> Result<bool, Error> {
    let value = text(tx, setting.name).await?;
    Ok(value.map_or(setting.default, |value| value == "true"))
}

/// A setting's word.
///
/// # Errors
/// When the database does not answer.
pub async fn word(tx: &mut Tx, setting: WordSetting) -> Result<String, Error> {
    let value = text(tx, setting.name).await?;
    Ok(value.unwrap_or_else(|| setting.default.to_owned()))
}

/// A setting's colour; blank until set.
///
/// # Errors
/// When the database does not answer.
pub async fn color(tx: &mut Tx, setting: ColorSetting) -> Result<String, Error> {
    Ok(text(tx, setting.name).await?.unwrap_or_default())
}

/// Sets it.
///
/// # Errors
/// When the database does not answer.
pub async fn set(tx: &mut Tx, setting: Setting, value: bool) -> Result<(), Error> {
    set_text(tx, setting.name, if value { "true" } else { "false" }).await
}

/// Forgets every sealed copy of a credential, for ever. What authenticates, the digests, stays.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_sealed_credentials(tx: &mut Tx) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "update application set user_key = null where user_key is not null"
    )
    .execute(c))?;
    run!(tx, |c| sqlx::query(
        "update application_key set value = null where value is not null"
    )
    .execute(c))?;
    Ok(())
}

/// A setting that is a text, if it was ever set.
///
/// # Errors
/// When the database does not answer.
pub async fn text(tx: &mut Tx, name: &str) -> Result<Option<String>, Error> {
    Ok(on!(tx, |c| sqlx::query_scalar(
        "select value from setting where name = $1"
    )
    .bind(name)
    .fetch_optional(c))?)
}

/// Sets a text.
///
/// # Errors
/// When the database does not answer.
pub async fn set_text(tx: &mut Tx, name: &str, value: &str) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "insert into setting (name, value) values ($1, $2)
         on conflict (name) do update set value = excluded.value"
    )
    .bind(name)
    .bind(value)
    .execute(c))?;
    Ok(())
}
