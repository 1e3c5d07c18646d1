//! The central web API: accounts, webhooks, work, facts, event stream and the dashboard.
