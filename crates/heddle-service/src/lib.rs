//! What each long-running program shares: telemetry, shutdown, ticker, retry, probes.
