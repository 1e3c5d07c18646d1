//! The World: every real part, started together.
