//! Tidegate: stock.
