//! Messages from the provider to an account.

use crate::drop;
use crate::liquid::Moment;
use crate::store::messages::MessageRow;

drop! {
    /// What the provider wrote to an account.
    pub struct MessageDrop as "message" {
        /// Its id.
        id: i64,
        /// What it is about; may be blank.
        subject: String,
        /// What it says; may be blank.
        body: String,
        /// When it was sent.
        sent_at: Moment,
    }
}

impl From<&MessageRow> for MessageDrop {
    fn from(row: &MessageRow) -> Self {
        Self {
            id: row.id,
            subject: row.subject.clone(),
            body: row.body.clone(),
            sent_at: Moment(row.created_at),
        }
    }
}
