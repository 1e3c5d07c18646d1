//! Fakes that speak HTTP, starters for real parts, builders of domain values.
