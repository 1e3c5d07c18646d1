//! Applies, deletes and watches objects; keeps the inventory in the cluster.
