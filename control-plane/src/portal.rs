//! What developers see in a browser. Every page is a Liquid template that the provider can replace.
//!
//! A request: `guard` (is it from this site?) → `visitor` (who asks?) → a handler, one file per group of pages, which reads
//! with `form`, makes one domain call, and answers through `view` (a page in its layout, or a redirect with a `flash`).
//! What goes wrong becomes a page in `refusal`.

mod assets;
pub mod audit;
mod flash;
mod form;
mod guard;
pub mod pages;
pub mod preview;
pub mod refusal;
mod session;
pub mod view;
mod visitor;

pub mod account;
pub mod account_users;
pub mod activation;
pub mod alerts;
pub mod applications;
pub mod auth;
pub mod content;
pub mod dashboard;
pub mod docs;
pub mod first_call;
pub mod home;
pub mod invitations;
pub mod legal;
pub mod login;
pub mod lost_password;
pub mod messages;
pub mod personal;
pub mod plans;
pub mod signup;
pub mod sso;
pub mod usage;

pub use assets::asset;
pub use flash::Flash;
pub use form::{Form, FormDrop};
pub use guard::guard;
pub use refusal::as_page;
pub use view::{Redirect, SiteDrop};
pub use visitor::{Member, Visitor};
