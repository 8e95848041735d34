//! Requests that pages send to tell something, and whose answer nobody reads.

/// A second place of a request in HTTP, for pages: what a browser sends when somebody leaves one, and images of one
/// pixel.
///
/// It is the same request, done and durable before it is answered: by POST with no content, by GET with the image. An
/// id that is not sent is minted. A "no" is told as it is elsewhere, so an image is none then. Whose pages may send it
/// the front decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beacon {
    /// Its path, from `/v1` on. Fields in braces.
    pub path: &'static str,
    /// The fields that it takes beside those of the path: whoever looks at a page may send any of them, with any
    /// value.
    pub fields: &'static [&'static str],
}
