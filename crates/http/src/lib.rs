//! Tidegate: http.
