//! Tidegate: resp.
