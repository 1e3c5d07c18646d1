use super::*;

#[test]
fn a_store_without_room_is_asked_again_later_and_is_no_fault() {
    let told = ApiError::from(DbError::from(sqlx::Error::PoolTimedOut));
    assert_eq!((told.status, told.code.as_ref()), (StatusCode::SERVICE_UNAVAILABLE, "busy"));
    assert!(told.retry_after.is_some());
    let told = ApiError::from(DbError::from(sqlx::Error::RowNotFound));
    assert_eq!(told.status, StatusCode::INTERNAL_SERVER_ERROR);
}
