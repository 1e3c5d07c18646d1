//! Plans, prunes, judges drift and health from plain values. Pure.
