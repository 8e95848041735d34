//! `tidegate replay`: real order lines, through the wire of a running server.
