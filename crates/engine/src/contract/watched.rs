//! Queries whose answers are told as they change.

/// How a query is watched. It is one whose answer rests on rows of its slot, and perhaps on the time.
///
/// A front offers it so that nobody has to ask again and again: the answer that is there, and then each one
/// that says something else. All queries of a domain that name the same path share a stream there: it takes
/// the fields that they require, and has the answers of those whose fields are all given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watched {
    /// The path of its stream, from `/v1` on. Fields in braces, which all queries that share it require.
    pub path: &'static str,
    /// Fields of its reply that say nothing new by themselves, as what time it is.
    pub aside: &'static [&'static str],
    /// It may answer something else with time though no row has changed, and is asked again for that.
    pub moves: bool,
}
