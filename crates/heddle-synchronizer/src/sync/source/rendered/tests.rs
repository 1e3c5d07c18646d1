use super::*;

#[test]
fn what_a_secret_says_before_variables_are_put_in_is_not_told() {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {
        "a": "swordfish-${region}", "b": "pre${p/hunter2}post", "c": "pre${p?canary",
    }});
    let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"d": "plain-words"}});
    let objects = [secret, config].map(|value| RenderedObject { value, ..RenderedObject::default() });
    let redactor = Redactor::of(&as_written(&objects));
    for secret in ["swordfish-${region}", "`${p/hunter2}` is no substitution", "`${p?canary` is no substitution"] {
        let told = redactor.redact(secret);
        assert!(!["swordfish", "hunter2", "canary"].iter().any(|word| told.contains(word)), "{told}");
    }
    let fault = "the variable `region` is not set; plain-words";
    assert_eq!(redactor.redact(fault), fault);
}
