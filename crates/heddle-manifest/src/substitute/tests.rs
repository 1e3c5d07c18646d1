use proptest::prelude::*;
use serde_json::json;

use super::*;

fn variables(unset: Unset, list: &[(&str, &str)]) -> Variables {
    let mut variables = Variables::new(unset);
    for (name, value) in list {
        variables.set(name, value).unwrap();
    }
    variables
}

fn check(text: &str, expected: &str) {
    let variables = variables(Unset::Empty, &[("a", "one-two"), ("path", "/x/y.tar.gz"), ("u", "ö")]);
    assert_eq!(variables.expand(text).as_deref(), Ok(expected), "{text}");
}

#[test]
fn values_are_put_in_and_worked_on() {
    check("${a} $a $$ $${a} $", "one-two $a $ ${a} $");
    check("${a:4}|${a:-x}|${a:0:3}|${a:1:-1}|${a: -2}|${a:9}|${a:0:99}", "two|one-two|one|ne-tw|one-two||one-two");
    check("${none:-x${a^^}y}|${none:+z}|${a:+z}", "xONE-TWOy|z|one-two");
    check(
        "${path##*/}|${path%.*}|${path%%.*}|${path#/?/}|${path#[a-z]}",
        "y.tar.gz|/x/y.tar|/x/y|y.tar.gz|/x/y.tar.gz",
    );
    check("${path//\\//-}|${path/#\\//}|${path/%.gz/.xz}|${a/-/}", "-x-y.tar.gz|/x/y.tar.gz|/x/y.tar.xz|onetwo");
    check("${u^}|${#u}|${u:1}", "Ö|2|\u{fffd}");
}

#[test]
fn what_is_no_expression_is_refused_with_its_text() {
    let variables = variables(Unset::Empty, &[]);
    for wrong in
        ["${", "${}", "${a", "${a b}", "${a.b}", "${a[0]}", "${a-b}", "${a:}", "${a#}", "${a/b}", "${#}", "${${a}}"]
    {
        let error = variables.expand(&format!("x {wrong}")).unwrap_err();
        assert!(matches!(error, SubstituteError::Malformed { .. }), "{wrong}: {error}");
    }
    assert_eq!(
        variables.expand("echo ${a[0]} x}").unwrap_err().to_string(),
        "`${a[0]}` is no substitution: a `}` is missing, or something else stands before it; write `$${` for a `${` that stays"
    );
    assert!(variables.expand(&"${a=".repeat(100_000)).is_err());
}

#[test]
fn whole_values_take_their_type_and_texts_stay_texts() {
    let variables = variables(Unset::Empty, &[("n", "3"), ("q", "\"3\""), ("s", "it's: x"), ("k", "key")]);
    let mut object = json!({
        "n": "${n}", "q": "${q}", "in": "a ${n}", "quoted": "- ${s}", "none": "${none}", "block": "x: ${n}\ny\n",
        "${k}": ["${n}.0.0"], "kept": "$${n}"
    });
    variables.substitute(&mut object).unwrap();
    assert_eq!(
        object,
        json!({
            "n": 3, "q": "3", "in": "a 3", "quoted": "- it's: x", "none": null, "block": "x: 3\ny\n", "key": ["3.0.0"],
            "kept": "${n}"
        })
    );
}

#[test]
fn every_value_that_cannot_be_substituted_is_named() {
    let variables = variables(Unset::Refused, &[("s", "a: b")]);
    let mut object = json!({"a": {"b": ["${x}", "${y:=z}"]}, "c": "${s}", "d": "${"});
    let told: Vec<String> = variables.substitute(&mut object).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(told[0], "`a.b[0]`: the variable `x` is not set, and `${x:=…}` gives no default");
    assert_eq!(told[1], "`c`: it is no YAML once variables are put in");
}

#[test]
fn an_object_may_ask_to_be_left_alone() {
    for switch in SWITCHES {
        let mut object = json!({"metadata": {"annotations": {switch: "disabled"}}, "a": "${x}"});
        let before = object.clone();
        variables(Unset::Refused, &[]).substitute(&mut object).unwrap();
        assert_eq!(object, before);
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_fail_in_any_other_way(text in "[$${}a:=/#%^,\\\\\\-é1 ]{0,40}") {
        let _ = variables(Unset::Refused, &[("a", "aé1")]).expand(&text);
    }
}
