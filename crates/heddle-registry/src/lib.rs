//! Speaks OCI distribution: lists tags, resolves digests, authenticates.
