//! The provider: whose portal it is.

use crate::db::Tx;
use crate::drop;
use crate::error::Error;
use crate::provider as rows;
use crate::store::cms::files;
use crate::store::settings;

drop! {
    /// The company whose APIs these are.
    pub struct ProviderDrop as "provider" {
        /// Its name.
        name: String,
        /// Where developers may write to.
        support_email: String,
        /// Whether developers may sign up by themselves.
        signups_enabled: bool,
        /// Whether developers may change their own account and users.
        account_management_enabled: bool,
        /// Path of its logo, if it has one: the file `/images/logo.svg` or `/images/logo.png`.
        logo_url: Option<String>,
    }
}

/// The provider as templates see it; nameless while there is none.
///
/// # Errors
/// When the database does not answer.
pub async fn provider(tx: &mut Tx) -> Result<ProviderDrop, Error> {
    let (name, support_email) = match rows::get(tx).await {
        Ok(row) => (row.name, row.email),
        Err(Error::NotFound) => ("Tallygate".to_owned(), String::new()),
        Err(error) => return Err(error),
    };
    Ok(ProviderDrop {
        name,
        support_email,
        signups_enabled: settings::get(tx, settings::SIGNUPS_ENABLED).await?,
        account_management_enabled: settings::get(tx, settings::USER_ACCOUNT_AREA_ENABLED).await?,
        logo_url: logo(tx).await?,
    })
}

async fn logo(tx: &mut Tx) -> Result<Option<String>, Error> {
    for path in ["/images/logo.svg", "/images/logo.png"] {
        if files::find_path(tx, path).await?.is_some() {
            return Ok(Some(path.to_owned()));
        }
    }
    Ok(None)
}
