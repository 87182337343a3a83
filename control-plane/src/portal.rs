//! What developers see in a browser: so far a front page, and what the provider's APIs offer.
//!
//! `page` is the frame that all pages have. Everything that comes from the database is escaped.

pub mod docs;
pub mod home;
mod page;
