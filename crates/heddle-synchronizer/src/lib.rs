//! Fetches, renders, applies, prunes, watches health and drift, reports.
