//! Developer accounts and their users.

use crate::drop;
use crate::liquid::Moment;
use crate::store::accounts::Account;
use crate::store::users::User;

drop! {
    /// A developer's account.
    pub struct AccountDrop as "account" {
        /// Its id.
        id: i64,
        /// The organisation.
        name: String,
        /// `created`, `pending`, `approved`, `rejected` or `suspended`.
        state: String,
        /// Whether it may use its applications.
        is_approved: bool,
        /// When it signed up.
        created_at: Moment,
    }
}

drop! {
    /// Somebody who signs in.
    pub struct UserDrop as "user" {
        /// Its id.
        id: i64,
        /// What it signs in with.
        username: String,
        /// Its address; blank when none was given.
        email: String,
        /// What to call it.
        display_name: String,
        /// `pending`, `active` or `suspended`.
        state: String,
        /// `admin` or `member`.
        role: String,
        /// Whether it may invite others and change the account.
        is_admin: bool,
        /// When it was made.
        created_at: Moment,
    }
}

impl From<&Account> for AccountDrop {
    fn from(row: &Account) -> Self {
        Self {
            id: row.id,
            name: row.org_name.clone(),
            state: row.state.clone(),
            is_approved: row.state == "approved",
            created_at: Moment(row.created_at),
        }
    }
}

impl From<&User> for UserDrop {
    fn from(row: &User) -> Self {
        Self {
            id: row.id,
            username: row.username.clone(),
            email: row.email.clone(),
            display_name: row.username.clone(),
            state: row.state.clone(),
            role: row.role.clone(),
            is_admin: row.role == "admin",
            created_at: Moment(row.created_at),
        }
    }
}
