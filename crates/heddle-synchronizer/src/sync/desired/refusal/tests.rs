use super::*;

const TEXT: &str = "kind: Deployment
spec:
  replicas: two
  template:
    spec:
      containers:
        - name: side
        - name: api
          imagee: x
          ports:
            - containerPort: 80
              nam: http
";

#[track_caller]
fn check(message: &str, line: Option<u32>) {
    assert_eq!(line_in(TEXT, 1, message), line, "{message}");
}

#[test]
fn the_field_of_each_kind_of_message_is_found() {
    let typed = "failed to create typed patch object (shop/api; apps/v1, Kind=Deployment): ";
    let side = ".spec.template.spec.containers[name=\"api\"]";
    check(&format!("{typed}{side}.imagee: field not declared in schema"), Some(9));
    check(&format!("{typed}{side}.ports[containerPort=80,protocol=\"TCP\"].nam: field not declared"), Some(12));
    check(&format!("{typed}errors:\n  {side}.imagee: field not declared\n  .spec.x: field not declared"), Some(9));
    check("Deployment.apps \"api\" is invalid: spec.replicas: Invalid value: \"two\"", Some(3));
    check("Deployment.apps \"api\" is invalid: [spec.replicas: Invalid value, metadata.name: Required]", Some(3));
    // What is missing has the line of what is around it.
    check("Deployment.apps \"api\" is invalid: spec.selector: Required value", Some(2));
}

#[test]
fn a_message_without_a_field_of_the_file_has_no_line() {
    check("Deployment.apps \"api\" is invalid: metadata.name: Required value", None);
    check("the server does not know this kind", None);
    check("Secret \"x\" is invalid: data[[redacted] !]: Invalid value", None);
}
