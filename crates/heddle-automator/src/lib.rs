//! Leases work, watches registries, chooses tags, edits the config repository, reports.
