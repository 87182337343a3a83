//! Against a naive map.
