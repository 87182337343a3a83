//! Tags of our own, where Liquid's would be without bounds or strict about what is not there.

mod loops;
mod partial;
mod portal;
mod values;

pub(super) use loops::ForBlock;
pub(super) use partial::{IncludeTag, RenderTag};
pub(super) use portal::PortalTag;
pub(super) use values::{AssignTag, CaptureBlock, EchoTag};
