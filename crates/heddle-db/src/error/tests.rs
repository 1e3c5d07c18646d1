use super::*;

#[test]
fn a_lost_connection_is_no_fault_of_ours() {
    let lost = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    assert!(matches!(DbError::from(sqlx::Error::Io(lost)), DbError::Away(_)));
    assert!(matches!(DbError::from(sqlx::Error::PoolTimedOut), DbError::Busy));
    assert!(matches!(DbError::from(sqlx::Error::RowNotFound), DbError::Other(_)));
}
