//! Speaks GitHub: App tokens, commits, pull requests, webhook signatures.
