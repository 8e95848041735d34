//! Requests that read many rows; one file per request.

mod flow;
mod holds;
mod list;
