//! Postgres: all SQL, all rows, the launcher of the embedded server.
