//! Logs as JSON lines on standard error, and the recorder of metrics.

use anyhow::Context;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, filter_fn},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// Sends logs to standard error, one JSON object a line. `filter` is what `RUST_LOG` takes, such as `info` or
/// `info,heddle_api=debug`. Libraries log at most `INFO`, whatever it asks for: their details hold what requests and
/// answers hold, and so the secrets in them.
///
/// # Errors
/// When `filter` cannot be read or logs are already set up.
pub fn init_logs(filter: &str) -> anyhow::Result<()> {
    // octocrab logs each failed request as an error; its callers say what they make of it.
    let filter = EnvFilter::try_new(format!("octocrab=off,{filter}"))
        .with_context(|| format!("`{filter}` is no log filter: write `info` or `info,heddle_api=debug`"))?;
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(std::io::stderr)
        .with_filter(filter.and(filter_fn(may_be_shown)));
    tracing_subscriber::registry().with(lines).try_init().context("could not set up logs")
}

fn may_be_shown(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::INFO || metadata.target().starts_with("heddle_")
}

/// Records metrics, to be shown by [`crate::probes`].
///
/// # Errors
/// When a recorder is already set up in this process.
pub fn init_metrics() -> anyhow::Result<PrometheusHandle> {
    let buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
    PrometheusBuilder::new()
        .set_buckets(&buckets)
        .and_then(PrometheusBuilder::install_recorder)
        .context("could not set up metrics")
}
