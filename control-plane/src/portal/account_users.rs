//! The account's users: who there is, who is admin, and who is not any more.

use super::account::{may_change, require_area};
use super::flash::Flash;
use super::form::Form;
use super::view::Redirect;
use super::visitor::Member;
use crate::drop;
use crate::drops::UserDrop;
use crate::error::Error;
use crate::store::users as rows;
use crate::users;
use axum::extract::Path;
use axum::response::Response;

drop! {
    /// The account's users.
    pub struct UsersPage as "account/users" {
        /// They, the first first.
        users: Vec<UserDrop>,
        /// Whether the reader may change them, and invite others.
        can_edit: bool,
    }
}

const PATH: &str = "/admin/account/users";

/// `GET /admin/account/users`
///
/// # Errors
/// When the database does not answer.
pub async fn index(member: Member) -> Result<Response, Error> {
    let mut tx = member.app.db.read().await?;
    let users = rows::of_account(&mut tx, member.account().id, None, None).await?;
    let can_edit = may_change(&member, &mut tx).await?;
    drop(tx);
    let values = UsersPage {
        users: users.iter().map(UserDrop::from).collect(),
        can_edit,
    };
    member.page("account/users", "Users", &values).await
}

/// `POST /admin/account/users/{id}`: `role`.
///
/// # Errors
/// 403 for members, 404 when there is no such user.
pub async fn update(
    member: Member,
    Path(id): Path<i64>,
    mut form: Form,
) -> Result<Response, Error> {
    let role = form.params.opt_choice("role", &["admin", "member"]);
    let done = async {
        form.params.check()?;
        let role = role.ok_or_else(|| Error::invalid("role", "can't be blank"))?;
        let mut tx = member.app.db.begin().await?;
        require_area(&member, &mut tx).await?;
        let user = users::set_role(&mut tx, member.account().id, id, role).await?;
        tx.commit().await?;
        let role = if role == "admin" {
            "an admin"
        } else {
            "a member"
        };
        Ok(format!("{} is {role} now.", user.username))
    };
    answer(&member, done.await)
}

/// `POST /admin/account/users/{id}/delete`
///
/// # Errors
/// 403 for members, 404 when there is no such user.
pub async fn delete(member: Member, Path(id): Path<i64>) -> Result<Response, Error> {
    let done = async {
        let mut tx = member.app.db.begin().await?;
        require_area(&member, &mut tx).await?;
        let user = users::remove(&mut tx, member.account().id, id).await?;
        tx.commit().await?;
        Ok(format!("{} is removed.", user.username))
    };
    answer(&member, done.await)
}

/// Back to the list, which says what came of it.
pub(super) fn answer(member: &Member, done: Result<String, Error>) -> Result<Response, Error> {
    back(member, PATH, done)
}

/// Back to a list, which says what came of it.
pub(super) fn back(
    member: &Member,
    path: &str,
    done: Result<String, Error>,
) -> Result<Response, Error> {
    let flash = match done {
        Ok(message) => Flash::notice(message),
        Err(Error::Invalid(errors)) => Flash::error(format!("{}.", errors.sentences().join("; "))),
        Err(error) => return Err(error),
    };
    Ok(Redirect::to(path).flash(flash).respond(member))
}
