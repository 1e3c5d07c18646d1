//! When two values mean the same.

use serde_json::Value;

/// Whether a wanted value is as good as none: `null`, or a map or list without members.
pub(super) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.values().all(is_nothing),
        _ => false,
    }
}

/// Whether two plain values mean the same at this place.
pub(super) fn are_equal(path: &str, desired: &Value, live: &Value) -> bool {
    if desired == live || (is_nothing(desired) && is_nothing(live)) {
        return true;
    }
    if is_quantity(path) {
        return matches!((as_quantity(desired), as_quantity(live)), (Some(desired), Some(live)) if desired == live);
    }
    match (desired, live) {
        // `80` and `"80"` are the same port, and `1.0` the same number as `1`.
        (Value::Number(_), Value::Number(_)) => desired.as_f64() == live.as_f64(),
        (Value::Number(number), Value::String(text)) | (Value::String(text), Value::Number(number)) => {
            is_number_or_text(path) && number.to_string() == *text
        }
        _ => false,
    }
}

/// Places whose type is `IntOrString`.
fn is_number_or_text(path: &str) -> bool {
    const LAST: [&str; 7] = ["port", "targetPort", "maxSurge", "maxUnavailable", "minAvailable", "number", "endPort"];
    LAST.contains(&path.rsplit('.').next().unwrap_or(path))
}

/// Places whose type is a quantity.
fn is_quantity(path: &str) -> bool {
    const ABOVE: [&str; 8] = ["limits", "requests", "hard", "capacity", "overhead", "default", "defaultRequest", "max"];
    const LAST: [&str; 6] = ["sizeLimit", "storage", "averageValue", "targetAverageValue", "min", "divisor"];
    let parts: Vec<&str> = path.split(['.', '[', ']']).filter(|part| !part.is_empty()).collect();
    let above = parts.iter().rev().nth(1).is_some_and(|part| ABOVE.contains(part));
    above || parts.last().is_some_and(|part| LAST.contains(part))
}

/// A quantity in thousandths of its unit; finer parts are rounded up, as Kubernetes does.
fn as_quantity(value: &Value) -> Option<i128> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let end = text.find(|char: char| !char.is_ascii_digit() && !matches!(char, '.' | '+' | '-')).unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (thousandths, rest) = match suffix {
        "n" => (1, 1_000_000),
        "u" => (1, 1_000),
        "m" => (1, 1),
        "" => (1_000, 1),
        "k" => (1_000_000, 1),
        "M" => (1_000_000_000, 1),
        "G" => (1_000_000_000_000, 1),
        "T" => (1_000_000_000_000_000, 1),
        "P" => (1_000_000_000_000_000_000, 1),
        "E" => (1_000_000_000_000_000_000_000, 1),
        "Ki" => (1_000 << 10, 1),
        "Mi" => (1_000 << 20, 1),
        "Gi" => (1_000 << 30, 1),
        "Ti" => (1_000_i128 << 40, 1),
        "Pi" => (1_000_i128 << 50, 1),
        "Ei" => (1_000_i128 << 60, 1),
        _ => return exponent(number, suffix),
    };
    scale(number, thousandths, rest)
}

/// `1e3`.
fn exponent(number: &str, suffix: &str) -> Option<i128> {
    let power: u32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    scale(number, 1_000_i128.checked_mul(10_i128.checked_pow(power)?)?, 1)
}

fn scale(number: &str, by: i128, divided: i128) -> Option<i128> {
    let (sign, digits) = match number.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && part.is_empty() {
        return None;
    }
    let parse = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<i128>().ok() };
    let unit = 10_i128.checked_pow(u32::try_from(part.len()).ok()?)?;
    let value = parse(whole)?.checked_mul(unit)?.checked_add(parse(part)?)?.checked_mul(by)?;
    let divisor = unit.checked_mul(divided)?;
    Some(sign * (value / divisor + i128::from(value % divisor != 0)))
}
