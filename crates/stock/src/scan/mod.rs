//! Requests that read many rows; one file per request.

mod flow;
mod get;
mod holds;
mod list;

pub(crate) use get::GetAll;
