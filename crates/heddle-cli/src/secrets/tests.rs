use serde_json::json;

use super::*;

fn secrets(values: &[Value]) -> Secrets {
    Secrets::of(values, Mask::new("salt"))
}

#[test]
fn a_value_is_hidden_in_every_form() {
    let secrets = secrets(&[json!({"door": ["hunter2 \"x\""]}), json!(73319046)]);
    let print = secrets.fingerprint(&json!("hunter2 \"x\"")).as_str().unwrap().to_owned();
    for form in ["hunter2 \"x\"", "hunter2 \\\"x\\\"", "aHVudGVyMiAieCI=", "hunter2+%22x%22"] {
        assert_eq!(secrets.hide(&format!("a {form} b")), format!("a {print} b"), "{form}");
    }
    let hidden =
        secrets.hide_in(&json!({"a": {"hunter2 \"x\"": [73319046, 7, true, null, "pin=73319046"]}})).to_string();
    assert!(!hidden.contains("hunter2") && !hidden.contains("73319046"), "{hidden}");
    assert!(hidden.contains(",7,true,null,"), "{hidden}");
}

#[test]
fn a_value_is_hidden_as_go_writes_it() {
    let secrets = secrets(&[json!("a<b>&c ~$/@")]);
    let print = secrets.fingerprint(&json!("a<b>&c ~$/@")).as_str().unwrap().to_owned();
    for form in [
        "a\\u003cb\\u003e\\u0026c ~$/@",
        "a%3Cb%3E%26c+~%24%2F%40",
        "a%3Cb%3E%26c%20~%24%2F%40",
        "a%3Cb%3E&c%20~$%2F%40",
        "a%3Cb%3E&c%20~$%2F@",
        "a%3Cb%3E&c%20~$/@",
    ] {
        assert_eq!(secrets.hide(&format!("x {form} y")), format!("x {print} y"), "{form}");
    }
}

#[test]
fn the_lines_of_a_text_are_hidden_and_brackets_are_not() {
    let secrets = secrets(&[json!("-----BEGIN KEY-----\n  MIIabcdef\n}  \n]\n")]);
    assert_eq!(secrets.hide("}  ]"), "}  ]");
    assert!(!secrets.hide("could not parse MIIabcdef").contains("MIIabcdef"));
}

#[test]
fn what_stands_everywhere_by_chance_is_left() {
    let secrets = secrets(&[json!("abc"), json!(""), json!("true"), json!(42), json!(false)]);
    assert_eq!(secrets.hide("abc true false 42"), "abc true false 42");
    assert_eq!(secrets.hide_in(&json!({"a": [true, 42]})), json!({"a": [true, 42]}));
}

#[test]
fn the_longest_value_wins_so_that_no_rest_is_left() {
    let secrets = secrets(&[json!("hunter"), json!("hunter2hunter2")]);
    let hidden = secrets.hide("hunter2hunter2!");
    assert_eq!(hidden, format!("{}!", secrets.fingerprint(&json!("hunter2hunter2")).as_str().unwrap()));
}

#[test]
fn names_in_a_secret_object_are_secret() {
    let print = secrets(&[]).fingerprint(&json!({"ada": 1}));
    assert!(print.as_str().unwrap().starts_with("<secret "), "{print}");
}

/// In whatever form a template writes it. The value has all letters that one form or another writes otherwise.
#[test]
fn a_value_is_hidden_in_one_form_within_another() {
    const VALUE: &str = r#"hunter & "gate"/<7>'s \\ key+one"#;
    // A value within another one hides none of its forms.
    let secrets = secrets(&[json!(VALUE), json!("gate")]);
    let encoded = |text: &str| BASE64_STANDARD.encode(text);
    let json = json!({"auth": encoded(&format!("u:{VALUE}"))}).to_string();
    let escaped = html_escaped(VALUE, "&#34;", "&#39;");
    for form in [
        escaped.clone(),
        escaped.replace("&#39;", "&apos;").replace("&#34;", "&quot;"),
        encoded(&format!("user:{VALUE}")),
        encoded(&format!("us:{VALUE}:more")),
        encoded(&format!("u:{VALUE}:more")).replace('+', "-").replace('/', "_"),
        encoded(&encoded(VALUE)),
        encoded(&json),
        encoded(&escaped),
        json!(json!(VALUE).to_string()).to_string(),
        percent_encoded(VALUE, "").to_ascii_lowercase(),
        VALUE.replace('\'', "'\\''"),
        encoded(&format!("{}{VALUE}", "x".repeat(90)))
            .as_bytes()
            .chunks(76)
            .map(|line| std::str::from_utf8(line).unwrap())
            .collect::<Vec<_>>()
            .join("\n"),
    ] {
        let told = secrets.hide(&format!("before\nx {form} y\nafter"));
        assert!(
            told.contains("<secret ") && told.starts_with("before\n") && told.ends_with("\nafter"),
            "{form}: {told}"
        );
        for part in ["gate", "key", "7%3", "Z2F0ZS", "dhdGUi", "nYXRl"] {
            assert!(!told.contains(part), "{form} tells {part}: {told}");
        }
    }
}

#[test]
fn what_looks_like_another_form_and_holds_no_value_stays() {
    let secrets = secrets(&[json!("hunter2hunter2")]);
    let text = "a%20b &amp; c\nUXVpZXRseSBub3RoaW5n\n'quoted' \\n sha256:0123456789abcdef0123456789abcdef";
    assert_eq!(secrets.hide(text), text);
    // A value that stands there as it is takes no more of its line with it.
    let told = secrets.hide("https://door:hunter2hunter2@example.com/a%20b");
    assert!(told.starts_with("https://door:<secret ") && told.ends_with("@example.com/a%20b"), "{told}");
}

#[test]
fn a_value_is_hidden_over_line_breaks_of_mail_and_in_escapes_of_two_halves() {
    let secrets = secrets(&[json!("hunter of the gate \u{1f600}\u{8}")]);
    let value = "hunter of the gate \u{1f600}\u{8}";
    let encoded = BASE64_STANDARD.encode(format!("{}{value}", "x".repeat(50)));
    let mail: Vec<&str> = encoded.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let told = secrets.hide(&mail.join("\r\n"));
    assert!(told.starts_with("<secret ") && !told.contains("aHVudGVy"), "{told}");
    let told = secrets.hide(r"x hunter of the gate \ud83d\ude00\b y");
    assert!(told.starts_with("<secret "), "{told}");
}

#[test]
fn a_value_within_another_one_does_not_break_the_others_form() {
    let secrets = secrets(&[json!("prod"), json!("x&y-prod-zzz9"), json!("a%20b"), json!("cHJvZA")]);
    let encoded = BASE64_STANDARD.encode("user x&y-prod-zzz9 and more");
    for (text, secret) in [
        ("door x&#38;y-prod-zzz9 to prod", "zzz9"),
        ("prod is x%26y-prod-zzz9", "zzz9"),
        // The second has the letters of the first, and only the first one stands there as it is.
        ("a%20b and a%2520b", "2520"),
        (&format!("prod {encoded}"), &encoded[4..20]),
        // A value that stands in a run of base64 by chance, or because somebody wrote it there.
        (&format!("{encoded}cHJvZA"), &encoded[4..20]),
    ] {
        let told = secrets.hide(text);
        assert!(told.contains("<secret ") && !told.contains(secret) && !told.contains("prod"), "{text}: {told}");
    }
    // The one that stands there as it is takes nothing else with it.
    let print = secrets.fingerprint(&json!("prod")).as_str().unwrap().to_owned();
    assert_eq!(secrets.hide("in prod it's 100% &amp; more"), format!("in {print} it's 100% &amp; more"));
}

#[test]
fn values_that_overlap_are_hidden_whole() {
    let secrets = secrets(&[json!("user:pass"), json!("pass@db-host-zzz"), json!("zzz/more")]);
    for text in [
        "user:pass@db-host-zzz",
        "to user:pass@db-host-zzz/more!",
        "user:pass@db&#45;host-zzz",
        "pass@db-host-zzz/mor%65",
    ] {
        let told = secrets.hide(text);
        assert!(told.contains("<secret "), "{text}: {told}");
        for part in ["user", "pass", "host", "zzz", "more"] {
            assert!(!told.contains(part), "{text} tells {part}: {told}");
        }
    }
    assert!(secrets.hide("to user:pass@db-host-zzz/more!").ends_with('!'), "what is behind them stays");
}

#[test]
fn a_value_over_lines_one_of_which_is_hidden_is_hidden_whole() {
    let secrets = secrets(&[json!("a of\nb of\n"), json!("hunter2 of")]);
    let told = secrets.hide("a of\nb of\nand hunter2%20of");
    assert!(!told.contains("a of") && !told.contains("b of") && !told.contains("hunter2"), "{told}");
}
