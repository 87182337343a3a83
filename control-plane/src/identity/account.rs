//! Who that is here: the user who came that way before, the one with that very address, or a new one.

use super::{Door, Person};
use crate::db::Tx;
use crate::error::Error;
use crate::events;
use crate::mail::{self, Kind, Mail, To};
use crate::secrets::{self, Secrets};
use crate::signup::{self, Channel, Signup};
use crate::sso;
use crate::store::users::{self as rows, User};
use crate::store::{accounts, identities, settings};
use crate::users;

/// What came of it. Commit the transaction whatever it is.
#[derive(Debug)]
pub enum Arrival {
    /// May sign in.
    Welcome(User),
    /// May not, or not yet: a sentence.
    NotYet(&'static str),
}

const WAITING: &str =
    "Your account waits for approval. You will get an e-mail when you can sign in.";
const CLOSED: &str = "Nobody here is known by that sign-in, and signing up is switched off.";
const REFUSED: &str = "Your account cannot sign in. Ask whoever runs this portal.";
/// Names that are tried before a random one is made.
const ATTEMPTS: usize = 20;
/// The longest part of a username that is somebody's choice; room for what tells two apart.
const NAME_CHARS: usize = 30;

/// Finds the user, or signs one up as the provider's rules are.
///
/// # Errors
/// When the database does not answer.
pub async fn arrive(
    tx: &mut Tx,
    secrets: &Secrets,
    door: &Door,
    person: &Person,
) -> Result<Arrival, Error> {
    // First, so that of two arrivals of one person one makes the user.
    tx.hold_revision().await?;
    let known = identities::user_id(tx, door.row.id, &person.identifier).await?;
    let user = match (known, person.email.as_deref()) {
        (Some(id), _) => rows::find(tx, Some(id), None, None).await?,
        (None, Some(email)) => {
            let found = rows::find(tx, None, None, Some(email)).await?;
            if let Some(user) = &found {
                // Who never confirmed the address may not be whose it is.
                if user.state != "active" || !rows::is_email_confirmed(tx, user.id).await? {
                    return Ok(Arrival::NotYet(REFUSED));
                }
                identities::remember(tx, door.row.id, &person.identifier, user.id).await?;
            }
            found
        }
        (None, None) => None,
    };
    let user = match user {
        Some(user) => user,
        None if !settings::get(tx, settings::SIGNUPS_ENABLED).await? => {
            return Ok(Arrival::NotYet(CLOSED));
        }
        None => sign_up(tx, secrets, door, person).await?,
    };
    if sso::may_sign_in(tx, &user).await? {
        return Ok(Arrival::Welcome(user));
    }
    let account = accounts::get(tx, user.account_id).await?;
    let waits = user.state == "active" && account.state == "pending";
    Ok(Arrival::NotYet(if waits { WAITING } else { REFUSED }))
}

async fn sign_up(
    tx: &mut Tx,
    secrets: &Secrets,
    door: &Door,
    person: &Person,
) -> Result<User, Error> {
    let username = free_username(tx, &person.username).await?;
    let signup = Signup {
        channel: Channel::IdentityProvider,
        org_name: &person.org_name,
        username: &username,
        email: person.email.as_deref().unwrap_or_default(),
        password_hash: None,
        account_plan_id: None,
        service_plan_ids: &[],
        application_plan_ids: &[],
        account_fields: "{}",
        user_fields: "{}",
    };
    let (account_id, _) = signup::sign_up(tx, secrets, &signup).await?;
    let made = rows::of_account(tx, account_id, None, None).await?;
    let user = made
        .into_iter()
        .next()
        .ok_or_else(|| Error::internal("an account without a user"))?;
    if door.row.automatically_approve_accounts
        && accounts::get(tx, account_id).await?.state == "pending"
    {
        accounts::transition(tx, account_id, accounts::Event::Approve).await?;
        let approved = Mail::new(Kind::AccountApproved, To::Admins(account_id));
        mail::record(tx, approved).await?;
        events::record(tx, events::ACCOUNT_UPDATED, account_id).await?;
    }
    identities::remember(tx, door.row.id, &person.identifier, user.id).await?;
    Ok(user)
}

/// A name that nobody has yet, like the one the person has there. Never an address: somebody else could sign in with it.
async fn free_username(tx: &mut Tx, wanted: &str) -> Result<String, Error> {
    let base = fitting(wanted);
    for n in 1..=ATTEMPTS {
        let name = match n {
            1 => base.clone(),
            n => format!("{base}-{n}"),
        };
        if users::taken(tx, Some(&name), None, None).await?.is_empty() {
            return Ok(name);
        }
    }
    let random = secrets::random_token("", 8);
    let tail: String = random.reveal().chars().take(8).collect();
    Ok(format!("{base}-{tail}"))
}

fn fitting(wanted: &str) -> String {
    let local = wanted.split('@').next().unwrap_or_default();
    let name: String = local
        .chars()
        .map(|letter| match letter {
            letter if letter.is_ascii_alphanumeric() || ".-_+".contains(letter) => letter,
            _ => '-',
        })
        .take(NAME_CHARS)
        .collect();
    let name = name.trim_matches('-');
    if name.chars().count() < 3 {
        "developer".into()
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::fitting;

    #[test]
    fn names_are_made_fit() {
        for (wanted, expected) in [
            ("ann", "ann"),
            ("Ann Müller", "Ann-M-ller"),
            ("ann@example.com", "ann"),
            ("\"><script>", "script"),
            ("x", "developer"),
            ("", "developer"),
            ("üüü", "developer"),
        ] {
            assert_eq!(fitting(wanted), expected, "{wanted}");
        }
        assert_eq!(fitting(&"a".repeat(300)).len(), 30);
    }
}
