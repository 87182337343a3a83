//! `GET /admin/messages`: what the provider wrote to the account.

use super::visitor::Member;
use crate::drop;
use crate::drops::MessageDrop;
use crate::error::Error;
use crate::store::messages;
use axum::response::Response;

drop! {
    /// Messages from the provider.
    pub struct MessagesPage as "messages" {
        /// They, the newest first.
        messages: Vec<MessageDrop>,
    }
}

/// How many are shown.
const MOST: usize = 100;

/// `GET /admin/messages`
///
/// # Errors
/// When the database does not answer.
pub async fn index(member: Member) -> Result<Response, Error> {
    let mut tx = member.app.db.read().await?;
    let rows = messages::of_account(&mut tx, member.account().id).await?;
    drop(tx);
    let messages = rows.iter().take(MOST).map(MessageDrop::from).collect();
    member
        .page("messages", "Messages", &MessagesPage { messages })
        .await
}
