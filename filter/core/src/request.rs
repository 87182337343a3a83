//! What the decision sees of a request: borrowed bytes, never assumed to be UTF-8.

use alloc::{string::String, vec::Vec};

/// One request as Envoy's filter hands it over.
#[derive(Clone, Copy)]
pub struct RequestView<'a> {
    /// `:method`, as sent.
    pub method: &'a [u8],
    /// `:authority`, with the port if the client sent one.
    pub authority: &'a [u8],
    /// `:path`: path and query as Envoy forwards them.
    pub target: &'a [u8],
    /// All other headers, and the claims that `jwt_authn` left.
    pub headers: &'a dyn Headers,
    /// The urlencoded body, as far as it has been read.
    pub form_body: FormBody<'a>,
}

/// Whether there is a form body to look for credentials (and query parameters) in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormBody<'a> {
    /// No urlencoded body on POST, PUT or PATCH, or one longer than 8 KiB.
    Absent,
    /// There is one, and nobody has read it yet: the decision may ask for it.
    Unread,
    /// Here it is.
    Read(&'a [u8]),
}

/// Look-ups that cost something, made only when a configured source needs them.
pub trait Headers {
    /// Calls `visit` with each value of the header `name` (lower case), in order.
    fn each(&self, name: &str, visit: &mut dyn FnMut(&[u8]));

    /// A string claim of the token that Envoy's `jwt_authn` verified, by its path below
    /// `metadata.filter_metadata["envoy.filters.http.jwt_authn"]`.
    fn claim(&self, path: &[String]) -> Option<Vec<u8>>;
}
