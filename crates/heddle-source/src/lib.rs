//! Fetches one revision over git and renders it into objects.
