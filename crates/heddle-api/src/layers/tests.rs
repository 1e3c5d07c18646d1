use super::*;

#[test]
fn methods_that_strangers_invent_are_one() {
    for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"] {
        assert_eq!(known_method(&method.parse().unwrap()), method);
    }
    for method in ["get", "PROPFIND", "X1", "X2"] {
        assert_eq!(known_method(&method.parse().unwrap()), "other");
    }
}
