//! Writes a mail: from its template, as things are when it is sent.

use super::Kind;
use super::text::{self, Text};
use super::values::{self, MailDrop};
use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::liquid::{Escaping, Problem, ToLiquid as _};
use crate::store::mails::Due;
use crate::store::{provider_users, settings, users};
use lettre::Message;
use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};
use liquid_core::model::{Object, Value};
use std::sync::Arc;

/// The mail; none when whom it is to or what it is about is gone.
///
/// # Errors
/// When the database does not answer, or the template that comes with the program is broken; whoever wrote the mail's
/// addresses gave something else.
pub async fn message(app: &App, due: &Due) -> Result<Option<Message>, Error> {
    let mut tx = app.db.read().await?;
    let Some(kind) = Kind::of_template(&due.kind) else {
        return Err(Error::internal(format!("no kind of mail: {}", due.kind)));
    };
    let Some(to) = recipient(&mut tx, due).await? else {
        return Ok(None);
    };
    let values = match values::load(app, &mut tx, due, kind).await {
        Ok(values) => values,
        Err(Error::NotFound) => return Ok(None),
        Err(error) => return Err(error),
    };
    let sender = sender(app, &mut tx, &values).await?;
    let templates = app.site.templates(&mut tx).await?;
    drop(tx);
    let globals = globals(&values);
    let name = format!("emails/{}", kind.template());
    let rendered = {
        let templates = Arc::clone(&templates);
        tokio::task::spawn_blocking(move || templates.render(&name, &globals))
    };
    let rendered = rendered
        .await
        .map_err(|error| Error::internal(error.to_string()))?;
    app.site.tell(&app.db, &templates).await;
    let rendered = rendered.map_err(|Problem { template, message }| {
        Error::internal(format!("template {template}: {message}"))
    })?;
    let text = text::read(&rendered);
    build(due, to, &sender, text)
        .map(Some)
        .map_err(|error| Error::internal(format!("writing a mail: {error}")))
}

/// Whom it is to, if there is anybody.
async fn recipient(tx: &mut Tx, due: &Due) -> Result<Option<Mailbox>, Error> {
    let (name, address) = if let Some(id) = due.to_user_id {
        match users::find(tx, Some(id), None, None).await? {
            Some(user) => (user.username, user.email),
            None => return Ok(None),
        }
    } else if let Some(id) = due.to_provider_user_id {
        match provider_users::get(tx, id).await {
            Ok(user) => (user.username, user.email),
            Err(Error::NotFound) => return Ok(None),
            Err(error) => return Err(error),
        }
    } else {
        (String::new(), due.to_address.clone().unwrap_or_default())
    };
    if address.is_empty() {
        return Ok(None);
    }
    mailbox(&name, &address).map(Some)
}

/// Whom mails are from.
struct Sender {
    from: Mailbox,
    /// Where answers go.
    reply_to: Option<Mailbox>,
    /// Where the mail comes back to when it cannot be delivered.
    returns: Mailbox,
}

/// From the provider's `from_email`, else the operator's address, else where developers may write to; answers go there, or
/// where the product says.
async fn sender(app: &App, tx: &mut Tx, values: &MailDrop) -> Result<Sender, Error> {
    let provider = &values.provider;
    let chosen = settings::text(tx, settings::FROM_EMAIL).await?;
    let chosen = chosen.filter(|address| !address.is_empty());
    let operators = app.config.mail_from.clone();
    let from = match (chosen, &operators) {
        (Some(address), _) => mailbox(&provider.name, &address)?,
        (None, Some(operators)) => {
            let name = operators.name.clone();
            let name = name.or_else(|| Some(text::one_line(&provider.name)));
            Mailbox::new(name, operators.email.clone())
        }
        (None, None) => mailbox(&provider.name, &provider.support_email)?,
    };
    let support = values
        .service
        .as_ref()
        .map(|service| service.support_email.as_str())
        .filter(|address| !address.is_empty())
        .unwrap_or(&provider.support_email);
    let reply_to = mailbox(&provider.name, support).ok();
    Ok(Sender {
        reply_to: reply_to.filter(|reply_to| reply_to.email != from.email),
        returns: operators.unwrap_or_else(|| from.clone()),
        from,
    })
}

/// Names that are addresses too are left out: they say nothing more.
fn mailbox(name: &str, address: &str) -> Result<Mailbox, Error> {
    let parsed = address
        .parse()
        .map_err(|error| Error::internal(format!("an address that takes no mail: {error}")))?;
    let name = text::one_line(name);
    let name = (!name.is_empty() && name != address).then_some(name);
    Ok(Mailbox::new(name, parsed))
}

fn globals(values: &MailDrop) -> Object {
    let Value::Object(mut members) = values.to_liquid(Escaping::Text) else {
        return Object::new();
    };
    text::flatten(&mut members);
    members
}

fn build(
    due: &Due,
    to: Mailbox,
    sender: &Sender,
    text: Text,
) -> Result<Message, lettre::error::Error> {
    let domain = sender.from.email.domain();
    let everybody = std::iter::once(&to).chain(&text.cc).chain(&text.bcc);
    let everybody = everybody.map(|mailbox| mailbox.email.clone()).collect();
    let envelope = Envelope::new(Some(sender.returns.email.clone()), everybody)?;
    let mut builder = Message::builder()
        .from(sender.from.clone())
        .to(to)
        .subject(text.subject)
        .message_id(Some(format!("<{}@{domain}>", due.mail_id)))
        .envelope(envelope);
    for mailbox in text.cc {
        builder = builder.cc(mailbox);
    }
    if let Some(reply_to) = text.reply_to.or_else(|| sender.reply_to.clone()) {
        builder = builder.reply_to(reply_to);
    }
    // Nobody's holiday notice should answer a machine.
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    builder
        .raw_header(HeaderValue::new(automatic, "auto-generated".into()))
        .singlepart(SinglePart::plain(text.body))
}
