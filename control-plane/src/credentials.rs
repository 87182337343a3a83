//! What applications call with: which texts may be credentials, how they are kept, and what is shown of them.
//!
//! Gateways and look-ups know digests (`application.ident`, `application_key.digest`). A sealed copy is kept
//! beside them only while the provider wants credentials to be retrievable; without one, a value is shown in
//! the answer that makes it and *masked* ever after.

use crate::db::Tx;
use crate::error::Error;
use crate::secrets::{Place, Secret, Secrets};
use crate::store::settings;
use std::fmt::Write as _;
use tallygate_core::id::ProductId;
use tallygate_core::key;

/// Keys an application may have: enough to rotate them without a gap.
pub const MOST_KEYS: usize = 5;

/// How a masked value begins; the digest's first half follows, which tells keys apart and reveals none.
const MASK: &str = "masked:";

/// Credentials that were made or given in this very call: the last time that anybody can show them.
#[derive(Debug, Default)]
pub struct Fresh(pub Vec<Secret>);

/// Seals credentials, or does not, as the provider's settings have it.
#[derive(Debug)]
pub struct Sealer<'a> {
    secrets: &'a Secrets,
    retrievable: bool,
}

impl<'a> Sealer<'a> {
    /// As the settings are in this transaction.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn load(tx: &mut Tx, secrets: &'a Secrets) -> Result<Self, Error> {
        let retrievable = settings::get(tx, settings::CREDENTIALS_RETRIEVABLE).await?;
        Ok(Self {
            secrets,
            retrievable,
        })
    }

    /// The copy to keep, if one is to be kept.
    ///
    /// # Errors
    /// When it cannot be sealed.
    pub fn seal(&self, place: Place, value: &Secret) -> Result<Option<Vec<u8>>, Error> {
        if self.retrievable {
            Ok(Some(self.secrets.seal(place, value)?))
        } else {
            Ok(None)
        }
    }
}

impl Fresh {
    /// What an answer shows of a credential: the sealed copy's value; else the value itself, if `is` says
    /// that it is a fresh one; else a mask.
    ///
    /// # Errors
    /// When the copy was sealed with another key.
    pub fn show(
        &self,
        secrets: &Secrets,
        place: Place,
        sealed: Option<&[u8]>,
        digest: &[u8],
        is: impl Fn(&Secret) -> bool,
    ) -> Result<Secret, Error> {
        if let Some(sealed) = sealed {
            return Ok(secrets.open(place, sealed)?);
        }
        let fresh = self.0.iter().find(|value| is(value)).cloned();
        Ok(fresh.unwrap_or_else(|| Secret::new(masked(digest))))
    }
}

/// A value nobody can see any more.
#[must_use]
pub fn masked(digest: &[u8]) -> String {
    digest
        .iter()
        .take(8)
        .fold(MASK.to_owned(), |mut mask, byte| {
            let _ = write!(mask, "{byte:02x}");
            mask
        })
}

/// Whether what is shown of a credential is not its value.
#[must_use]
pub fn is_masked(shown: &str) -> bool {
    shown.starts_with(MASK)
}

/// How a key is known.
#[must_use]
pub fn key_digest(value: &Secret) -> Vec<u8> {
    key::digest(value.reveal().as_bytes()).to_vec()
}

/// How an application is known in its product, by its `app_id` or `user_key`.
#[must_use]
pub fn ident(product_id: i64, identifier: &str) -> Vec<u8> {
    key::ident(ProductId(product_id), identifier.as_bytes()).to_vec()
}

/// What is wrong with a text as an `app_id`, if anything.
#[must_use]
pub fn app_id_problem(text: &str) -> Option<String> {
    length_problem(text, 4, 255).or_else(|| printable_problem(text))
}

/// What is wrong with a text as a key.
#[must_use]
pub fn app_key_problem(text: &str) -> Option<String> {
    length_problem(text, 5, 255)
        .or_else(|| printable_problem(text))
        .or_else(|| {
            text.starts_with(MASK)
                .then(|| format!("may not begin with {MASK}"))
        })
}

/// What is wrong with a text as a `user_key`.
#[must_use]
pub fn user_key_problem(text: &str) -> Option<String> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "-_.+=".contains(letter);
    length_problem(text, 1, 256).or_else(|| {
        (!text.chars().all(fits)).then(|| {
            "may only have letters, digits, `-`, `_` and `.`, or be base64 without `/`".to_owned()
        })
    })
}

fn length_problem(text: &str, min: usize, max: usize) -> Option<String> {
    match text.chars().count() {
        0 => Some("can't be blank".into()),
        count if count < min => Some(format!("is too short (minimum is {min} characters)")),
        count if count > max => Some(format!("is too long (maximum is {max} characters)")),
        _ => None,
    }
}

fn printable_problem(text: &str) -> Option<String> {
    (!text.bytes().all(|byte| byte.is_ascii_graphic()))
        .then(|| "may only have printable ASCII characters, and no spaces".to_owned())
}
