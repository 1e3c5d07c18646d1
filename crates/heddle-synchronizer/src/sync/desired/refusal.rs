//! Where in a file the field stands that the API server refuses.

use heddle_manifest::documents::line_of;

/// What stands before the field in messages of server-side apply and of validation.
const BEFORE_FIELD: [&str; 2] = ["): ", " is invalid: "];

/// The line of the first field that a message names, in the document that starts at `document_line`.
pub(super) fn line_in(text: &str, document_line: u32, message: &str) -> Option<u32> {
    line_of(text, document_line, field_of(message)?)
}

/// The first field that a message names, as it writes it.
fn field_of(message: &str) -> Option<&str> {
    let (_, after) = BEFORE_FIELD.iter().find_map(|before| message.split_once(before))?;
    // Several faults come as a list, or as lines below a heading.
    let after = after.strip_prefix("errors:").unwrap_or(after).trim_start().trim_start_matches('[');
    let (field, _) = after.split_once(": ")?;
    (!field.contains(char::is_whitespace)).then_some(field)
}

#[cfg(test)]
mod tests {
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
}
