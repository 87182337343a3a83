//! Signing a developer in by a link: the provider asks for it, the developer's browser follows it, once.
//!
//! A link is random, lives at most ten minutes, and leads to a path of the portal and nowhere else. It is for active users of
//! approved accounts, when it is made and when it is used.

use crate::db::Tx;
use crate::error::Error;
use crate::secrets::{self, Secret};
use crate::store::accounts;
use crate::store::sso_tokens::{self as rows, SsoToken};
use crate::store::users::{self, User};

/// The longest that a link can be used.
pub const LONGEST_SECS: i64 = 600;
/// The longest path that a link leads to.
const PATH_CHARS: usize = 2000;

/// A link that was made.
#[derive(Debug)]
pub struct Link {
    /// What the browser shows to the portal.
    pub token: Secret,
    /// Until when, milliseconds since 1970.
    pub expires_at: i64,
}

/// Whom a link signed in, and where to.
#[derive(Debug)]
pub struct Redeemed {
    /// The user.
    pub user: User,
    /// A path of the portal.
    pub redirect_path: String,
}

/// Makes a link for a user that [`may_sign_in`].
///
/// # Errors
/// When the database does not answer.
pub async fn issue(
    tx: &mut Tx,
    user_id: i64,
    redirect_path: String,
    lifetime_secs: i64,
) -> Result<Link, Error> {
    let token = secrets::random_token("", 32);
    let expires_at = tx.now_ms().await? + lifetime_secs.min(LONGEST_SECS) * 1000;
    let row = SsoToken {
        user_id,
        redirect_path,
        expires_at,
    };
    rows::insert(tx, &secrets::token_digest(token.reveal()), &row).await?;
    Ok(Link { token, expires_at })
}

/// Uses a link. Commit the transaction whatever comes out: it is used up.
///
/// # Errors
/// 403 when there is no such link or it was used, has expired, or its user may not sign in.
pub async fn redeem(tx: &mut Tx, token: &Secret) -> Result<Redeemed, Error> {
    let digest = secrets::token_digest(token.reveal());
    let row = rows::take(tx, &digest)
        .await?
        .ok_or(Error::Forbidden("Invalid SSO Token"))?;
    if row.expires_at <= tx.now_ms().await? {
        return Err(Error::Forbidden("Token Expired"));
    }
    let user = users::find(tx, Some(row.user_id), None, None)
        .await?
        .ok_or(Error::Forbidden("User not found"))?;
    if !may_sign_in(tx, &user).await? {
        return Err(Error::Forbidden("User not found"));
    }
    Ok(Redeemed {
        user,
        redirect_path: row.redirect_path,
    })
}

/// Whether a user is active and its account approved.
///
/// # Errors
/// When the database does not answer.
pub async fn may_sign_in(tx: &mut Tx, user: &User) -> Result<bool, Error> {
    Ok(user.state == "active" && accounts::get(tx, user.account_id).await?.state == "approved")
}

/// The path of the portal that an address names: one that begins with `/`, or with the portal's own origin.
#[must_use]
pub fn portal_path(portal_url: &str, address: &str) -> Option<String> {
    let rest = address
        .strip_prefix(portal_url.trim_end_matches('/'))
        .unwrap_or(address);
    let path = match rest {
        "" => "/".to_owned(),
        _ if rest.starts_with(['?', '#']) => format!("/{rest}"),
        _ => rest.to_owned(),
    };
    let odd = |letter: char| letter == '\\' || letter.is_whitespace() || letter.is_control();
    // `//host` is another host, and some browsers read `\` as `/`.
    (path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains(odd)
        && path.chars().count() <= PATH_CHARS)
        .then_some(path)
}

#[cfg(test)]
mod tests {
    use super::portal_path;

    #[test]
    fn only_the_portals_own_paths() {
        for (address, path) in [
            ("", "/"),
            ("/", "/"),
            ("/admin/apps?x=1#y", "/admin/apps?x=1#y"),
            ("https://dev.example.com", "/"),
            ("https://dev.example.com/admin", "/admin"),
            ("https://dev.example.com?x", "/?x"),
        ] {
            assert_eq!(
                portal_path("https://dev.example.com", address).as_deref(),
                Some(path),
                "{address}"
            );
        }
        for address in [
            "admin",
            "//evil.example",
            "/\\evil.example",
            "/a\tb",
            "/a b",
            "https://evil.example/",
            "https://dev.example.com.evil.example/",
            "https://dev.example.com@evil.example/",
            "https://dev.example.com//evil.example",
            "javascript:alert(1)",
            "http://dev.example.com/",
        ] {
            assert_eq!(
                portal_path("https://dev.example.com", address),
                None,
                "{address}"
            );
        }
        assert_eq!(portal_path("https://a.example", &"/x".repeat(1001)), None);
    }
}
