//! Tags of our own, where Liquid's would be without bounds or strict about what is not there.

mod loops;
mod partial;

pub(super) use loops::ForBlock;
pub(super) use partial::{IncludeTag, RenderTag};
