//! Writes a mail: from its template, as things are when it is sent.

use crate::app::App;
use crate::error::Error;
use crate::store::mails::Due;
use lettre::Message;

/// The mail; none when whom it is to or what it is about is gone.
///
/// # Errors
/// When the database does not answer.
pub async fn message(_app: &App, _due: &Due) -> Result<Option<Message>, Error> {
    Err(Error::internal("mails are not written yet"))
}
