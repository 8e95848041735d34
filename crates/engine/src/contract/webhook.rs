//! Requests that arrive as signed webhooks of another system.

use super::RefusalDef;

/// Where in HTTP the fields of a request stand that another system sends, in a form of its own.
///
/// The signature is the only credential: a front lets such a request in without one of its own, and the
/// domain checks it, over the bytes of the body as they were sent. Where there is no such form, as in
/// RESP, the request has its fields like any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// The field whose value is the whole body, byte for byte.
    pub body: &'static str,
    /// Headers, in lower case, each with the field whose value it is. Other headers say nothing.
    pub headers: &'static [(&'static str, &'static str)],
    /// How the domain refuses one that does not show who sends it: so is one that lacks one of these headers.
    pub unsigned: &'static RefusalDef,
}
