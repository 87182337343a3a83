//! The account: what it is called, its plan, and the provider's own fields.

use super::flash::Flash;
use super::form::{Form, FormDrop};
use super::view::Redirect;
use super::visitor::Member;
use crate::db::Tx;
use crate::drop;
use crate::drops::{AccountDrop, FieldDrop};
use crate::error::{Error, FieldErrors};
use crate::events;
use crate::fields::Fields;
use crate::store::fields_definitions::{self, Target};
use crate::store::{accounts, contracts, settings};
use axum::response::Response;

drop! {
    /// The account.
    pub struct AccountPage as "account/show" {
        /// The account.
        account: AccountDrop,
        /// Name of its account plan; blank when there is none, or developers do not see them.
        plan_name: String,
        /// The provider's own fields.
        fields: Vec<FieldDrop>,
        /// Whether the reader may change it.
        can_edit: bool,
    }
}

drop! {
    /// Where the account is changed.
    pub struct AccountEditPage as "account/edit" {
        /// The form: `org_name` and the provider's own fields.
        form: FormDrop,
        /// The provider's own fields.
        fields: Vec<FieldDrop>,
    }
}

const PATH: &str = "/admin/account";
const EDIT_TITLE: &str = "Edit your account";

/// Refuses what only admins may do, and nobody where the provider has switched it off.
///
/// # Errors
/// 403.
pub(super) async fn require_area(member: &Member, tx: &mut Tx) -> Result<(), Error> {
    if !settings::get(tx, settings::USER_ACCOUNT_AREA_ENABLED).await? {
        return Err(Error::Forbidden(
            "Accounts and their users cannot be changed here. Write to us.",
        ));
    }
    member.require_admin()
}

/// Whether [`require_area`] would let it pass.
pub(super) async fn may_change(member: &Member, tx: &mut Tx) -> Result<bool, Error> {
    match require_area(member, tx).await {
        Ok(()) => Ok(true),
        Err(Error::Forbidden(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// `GET /admin/account`
///
/// # Errors
/// When the database does not answer.
pub async fn show(member: Member) -> Result<Response, Error> {
    let mut tx = member.app.db.read().await?;
    let fields = Fields::of(&mut tx, Target::Account).await?;
    let sees_plans = settings::get(&mut tx, settings::ACCOUNT_PLANS_UI_VISIBLE).await?;
    let plan = match sees_plans {
        true => contracts::of_account(&mut tx, member.account().id).await?,
        false => None,
    };
    let values = AccountPage {
        account: AccountDrop::from(member.account()),
        plan_name: plan.map(|plan| plan.name).unwrap_or_default(),
        fields: fields.shown(&member.account().extra_fields, None),
        can_edit: may_change(&member, &mut tx).await?,
    };
    drop(tx);
    member.page("account/show", "Your account", &values).await
}

/// `GET /admin/account/edit`
///
/// # Errors
/// 403 for members.
pub async fn edit(member: Member) -> Result<Response, Error> {
    let mut tx = member.app.db.read().await?;
    require_area(&member, &mut tx).await?;
    let fields = Fields::of(&mut tx, Target::Account).await?;
    drop(tx);
    let values = AccountEditPage {
        form: FormDrop::blank([("org_name", member.account().org_name.as_str())]),
        fields: fields.shown(&member.account().extra_fields, None),
    };
    member.page("account/edit", EDIT_TITLE, &values).await
}

/// `POST /admin/account`
///
/// # Errors
/// 403 for members.
pub async fn update(member: Member, mut form: Form) -> Result<Response, Error> {
    let errors = match try_update(&member, &mut form).await {
        Ok(()) => {
            let done = Flash::notice("Your account is changed.");
            return Ok(Redirect::to(PATH).flash(done).respond(&member));
        }
        Err(Error::Invalid(errors)) => errors,
        Err(error) => return Err(error),
    };
    again(&member, &form, &errors).await
}

async fn try_update(member: &Member, form: &mut Form) -> Result<(), Error> {
    let id = member.account().id;
    let org_name = form.params.text("org_name", 255);
    let mut tx = member.app.db.begin().await?;
    require_area(member, &mut tx).await?;
    accounts::lock(&mut tx, id).await?;
    let before = accounts::get(&mut tx, id).await?;
    let fields = Fields::of(&mut tx, Target::Account).await?;
    let fields = fields.read_of_developer(&mut form.params, &before.extra_fields);
    form.params.check()?;
    accounts::update(&mut tx, id, Some(&org_name), None).await?;
    fields_definitions::set(&mut tx, Target::Account, id, &fields).await?;
    events::record(&mut tx, events::ACCOUNT_UPDATED, id).await?;
    tx.commit().await
}

async fn again(member: &Member, form: &Form, errors: &FieldErrors) -> Result<Response, Error> {
    let mut tx = member.app.db.read().await?;
    let fields = Fields::of(&mut tx, Target::Account).await?;
    drop(tx);
    let form = form.again(errors);
    let values = AccountEditPage {
        fields: fields.shown(&member.account().extra_fields, Some(&form)),
        form,
    };
    member.again("account/edit", EDIT_TITLE, &values).await
}
