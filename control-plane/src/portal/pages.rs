//! Every page that comes with the program, and what its template can name: `docs/liquid.md` is made from this.

use super::refusal::ErrorPage;
use super::{docs, home, login};
use crate::liquid::{Shape, ToLiquid as _};

/// A template's system name, and what it can name besides what every page can.
pub const ALL: &[(&str, fn() -> Shape)] = &[
    ("docs", docs::DocsPage::shape),
    ("errors/failure", ErrorPage::shape),
    ("errors/forbidden", ErrorPage::shape),
    ("errors/not_found", ErrorPage::shape),
    ("errors/refused", ErrorPage::shape),
    ("home", home::HomePage::shape),
    ("login", login::LoginPage::shape),
];
