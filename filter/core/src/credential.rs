//! Where a request's credentials are looked for, and what is found.
//!
//! A source counts when it holds a complete set; incomplete ones are as good as absent, and so is an empty
//! value. All configured sources are read, the form body only when no other is complete, because reading it
//! holds the request up. Sources that contradict each other let nobody in. Nothing here knows which
//! credentials are right: that is for the directory and the key digests.

mod basic;
mod challenge;
mod parameters;
mod sources;

use crate::path::{decode, raw_pairs, split_target};
use crate::request::{FormBody, RequestView};
use alloc::{borrow::Cow, string::String, vec::Vec};

pub use sources::SourcesError;

/// A product's places to look for credentials, checked and ready to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    names: Names,
    query: bool,
    headers: bool,
    basic: bool,
    bearer: bool,
    form: bool,
    /// Path of the verified claim, when claims count.
    claim: Option<Vec<String>>,
    strip: bool,
    headers_to_strip: Vec<String>,
    challenge: String,
    instructions: String,
}

/// What the parameters are called.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Names {
    UserKey(Name),
    AppIdAndKey { app_id: Name, app_key: Name },
}

/// A parameter's name, as it is in query and form.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Name {
    parameter: String,
    /// Its spellings among headers, in lower case; empty unless headers are a source. `user_key` may come
    /// as `User-Key`, since some clients and proxies do not pass underscores on.
    headers: Vec<String>,
}

/// What a look for credentials comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// No source holds a complete set.
    None,
    /// None so far, but the form body, not yet read, may.
    NeedBody,
    /// Sources contradict each other, or one of them itself.
    Conflict,
    /// These.
    Credentials(Presented),
}

/// A complete set of credentials, as presented.
#[derive(Clone, PartialEq, Eq)]
pub enum Presented {
    /// A `user_key`.
    UserKey(Vec<u8>),
    /// An application's id and one of its keys.
    AppIdAndKey {
        /// The id.
        app_id: Vec<u8>,
        /// The key.
        app_key: Vec<u8>,
    },
    /// What a verified token's claim names the application by: its `app_id` or `user_key`. Needs no key.
    Verified {
        /// The name.
        identifier: Vec<u8>,
    },
}

/// Two different values where there can be only one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Contradiction;

/// A parameter while one source is read.
#[derive(Default)]
enum Slot {
    #[default]
    Missing,
    Given(Vec<u8>),
    Contradicted,
}

/// What one source holds. In `user_key` mode the identifier is all there is.
#[derive(Default)]
struct Gathered {
    identifier: Slot,
    key: Slot,
}

// === impl Sources ===

impl Sources {
    /// Looks for credentials in all configured sources.
    #[must_use]
    pub fn find(&self, request: &RequestView<'_>) -> Found {
        let found = match self.outside_the_body(request) {
            Ok(None) if self.form => match request.form_body {
                FormBody::Unread => return Found::NeedBody,
                FormBody::Absent => Ok(None),
                FormBody::Read(body) => self.in_pairs(body),
            },
            found => found,
        };
        match found {
            Ok(Some(presented)) => Found::Credentials(presented),
            Ok(None) => Found::None,
            Err(Contradiction) => Found::Conflict,
        }
    }

    fn outside_the_body(
        &self,
        request: &RequestView<'_>,
    ) -> Result<Option<Presented>, Contradiction> {
        let mut found = None;
        if self.query
            && let Some(query) = split_target(request.target).1
        {
            found = self.in_pairs(query)?;
        }
        if self.headers {
            found = agree(found, self.in_headers(request)?)?;
        }
        if self.basic || self.bearer {
            found = agree(found, self.in_authorization(request)?)?;
        }
        if let Some(path) = &self.claim {
            let claim = request
                .headers
                .claim(path)
                .filter(|claim| !claim.is_empty());
            found = agree(
                found,
                claim.map(|identifier| Presented::Verified { identifier }),
            )?;
        }
        Ok(found)
    }

    fn in_pairs(&self, pairs: &[u8]) -> Result<Option<Presented>, Contradiction> {
        let mut gathered = Gathered::default();
        for (name, value) in raw_pairs(pairs) {
            match &self.names {
                Names::UserKey(user_key) => {
                    if parameters::is_named(name, &user_key.parameter) {
                        gathered.identifier.put(decode(value));
                    }
                }
                Names::AppIdAndKey { app_id, app_key } => {
                    if parameters::is_named(name, &app_id.parameter) {
                        gathered.identifier.put(decode(value));
                    } else if parameters::is_named(name, &app_key.parameter) {
                        gathered.key.put(decode(value));
                    }
                }
            }
        }
        self.complete(gathered)
    }

    fn in_headers(&self, request: &RequestView<'_>) -> Result<Option<Presented>, Contradiction> {
        let mut gathered = Gathered::default();
        let read = |name: &Name, slot: &mut Slot| {
            for header in &name.headers {
                let visit = &mut |value: &[u8]| slot.put(Cow::Borrowed(value));
                request.headers.each(header, visit);
            }
        };
        match &self.names {
            Names::UserKey(user_key) => read(user_key, &mut gathered.identifier),
            Names::AppIdAndKey { app_id, app_key } => {
                read(app_id, &mut gathered.identifier);
                read(app_key, &mut gathered.key);
            }
        }
        self.complete(gathered)
    }

    /// Basic and Bearer are two sources, but one header.
    fn in_authorization(
        &self,
        request: &RequestView<'_>,
    ) -> Result<Option<Presented>, Contradiction> {
        let mut basic = Gathered::default();
        let mut bearer = Gathered::default();
        request.headers.each("authorization", &mut |value| {
            // Envoy joins repeated headers of some names with commas, which credentials cannot contain.
            for credentials in value.split(|byte| *byte == b',') {
                if self.basic
                    && let Some(token) = basic::after_scheme(credentials, "basic")
                {
                    self.put_basic(token, &mut basic);
                }
                if self.bearer
                    && let Some(token) = basic::after_scheme(credentials, "bearer")
                {
                    bearer.identifier.put(Cow::Borrowed(token));
                }
            }
        });
        agree(self.complete(basic)?, self.complete(bearer)?)
    }

    fn put_basic(&self, token: &[u8], gathered: &mut Gathered) {
        let Some((user, password)) = basic::user_and_password(token) else {
            return;
        };
        match self.names {
            // `curl -u KEY:` and `curl -u :KEY` both mean the key.
            Names::UserKey(_) if user.is_empty() => gathered.identifier.put(Cow::Owned(password)),
            Names::UserKey(_) => gathered.identifier.put(Cow::Owned(user)),
            Names::AppIdAndKey { .. } => {
                gathered.identifier.put(Cow::Owned(user));
                gathered.key.put(Cow::Owned(password));
            }
        }
    }

    fn complete(&self, gathered: Gathered) -> Result<Option<Presented>, Contradiction> {
        let identifier = gathered.identifier.value()?;
        let key = gathered.key.value()?;
        Ok(match (&self.names, identifier, key) {
            (Names::UserKey(_), Some(user_key), _) => Some(Presented::UserKey(user_key)),
            (Names::AppIdAndKey { .. }, Some(app_id), Some(app_key)) => {
                Some(Presented::AppIdAndKey { app_id, app_key })
            }
            _ => None,
        })
    }

    /// The target (path and query) without credentials; none when there is nothing to remove.
    ///
    /// All other bytes stay as they are, in their order.
    #[must_use]
    pub fn strip_target(&self, target: &[u8]) -> Option<Vec<u8>> {
        if !(self.strip && self.query) {
            return None;
        }
        parameters::strip_target(target, |name| self.is_credential(name))
    }

    /// The urlencoded body without credentials; none when there is nothing to remove.
    #[must_use]
    pub fn strip_form(&self, body: &[u8]) -> Option<Vec<u8>> {
        if !(self.strip && self.form) {
            return None;
        }
        parameters::strip_pairs(body, |name| self.is_credential(name))
    }

    /// Headers to remove before the upstream sees the request, in lower case.
    #[must_use]
    pub fn headers_to_strip(&self) -> &[String] {
        &self.headers_to_strip
    }

    /// What a 401 says in `WWW-Authenticate`.
    #[must_use]
    pub fn challenge(&self) -> &str {
        &self.challenge
    }

    /// What a client without credentials is told to send: a sentence.
    #[must_use]
    pub fn instructions(&self) -> &str {
        &self.instructions
    }

    fn is_credential(&self, name: &[u8]) -> bool {
        match &self.names {
            Names::UserKey(user_key) => parameters::is_named(name, &user_key.parameter),
            Names::AppIdAndKey { app_id, app_key } => {
                parameters::is_named(name, &app_id.parameter)
                    || parameters::is_named(name, &app_key.parameter)
            }
        }
    }
}

/// One set where there were two sources, unless they differ.
fn agree(
    one: Option<Presented>,
    other: Option<Presented>,
) -> Result<Option<Presented>, Contradiction> {
    match (one, other) {
        (None, found) | (found, None) => Ok(found),
        (Some(one), Some(other)) if one == other => Ok(Some(one)),
        // A token and a key of the same application: the key still has to be right.
        (Some(Presented::Verified { identifier }), Some(keyed))
        | (Some(keyed), Some(Presented::Verified { identifier }))
            if keyed.identifier() == identifier =>
        {
            Ok(Some(keyed))
        }
        _ => Err(Contradiction),
    }
}

// === impl Presented ===

impl Presented {
    /// What names the application: the `app_id` or the `user_key`.
    #[must_use]
    pub fn identifier(&self) -> &[u8] {
        match self {
            Self::UserKey(identifier)
            | Self::AppIdAndKey {
                app_id: identifier, ..
            }
            | Self::Verified { identifier } => identifier,
        }
    }
}

/// Credentials are secret: only their kind is shown.
impl core::fmt::Debug for Presented {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::UserKey(_) => "UserKey(…)",
            Self::AppIdAndKey { .. } => "AppIdAndKey(…)",
            Self::Verified { .. } => "Verified(…)",
        })
    }
}

// === impl Slot ===

impl Slot {
    fn put(&mut self, value: Cow<'_, [u8]>) {
        if value.is_empty() {
            return;
        }
        match self {
            Self::Missing => *self = Self::Given(value.into_owned()),
            Self::Given(given) if **given == *value => {}
            Self::Given(_) | Self::Contradicted => *self = Self::Contradicted,
        }
    }

    fn value(self) -> Result<Option<Vec<u8>>, Contradiction> {
        match self {
            Self::Missing => Ok(None),
            Self::Given(value) => Ok(Some(value)),
            Self::Contradicted => Err(Contradiction),
        }
    }
}
