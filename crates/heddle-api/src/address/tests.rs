use super::*;

#[test]
fn one_customers_ipv6_network_is_one_client() {
    for (address, counted) in [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::"),
        ("2001:db8:1:3::1", "2001:db8:1:3::"),
    ] {
        assert_eq!(network(address.parse().unwrap()).to_string(), counted);
    }
}

#[test]
fn of_what_a_proxy_passes_on_the_last_entry_counts() {
    let mut headers = HeaderMap::new();
    let name = HeaderName::from_static("x-forwarded-for");
    for value in ["198.51.100.1", "203.0.113.9, 192.0.2.7"] {
        headers.append(&name, value.parse().unwrap());
    }
    assert_eq!(told_by_proxy(&headers, &name), "192.0.2.7".parse().ok());
    headers.insert(&name, "nonsense".parse().unwrap());
    assert_eq!(told_by_proxy(&headers, &name), None);
}
