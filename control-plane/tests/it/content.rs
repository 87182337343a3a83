//! What developers read: API specifications and the parts of the portal.

mod active_docs;
mod files;
mod sections;
mod templates;
