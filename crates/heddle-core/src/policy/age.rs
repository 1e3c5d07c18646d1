//! Lengths of time as people write them: `2d`, `36h`, `1w`, `1d12h`.

use chrono::TimeDelta;

/// Reads a length of time: whole numbers, each with `w`, `d`, `h`, `m` or `s`; `None` for anything else.
pub fn parse_age(text: &str) -> Option<TimeDelta> {
    let mut total = TimeDelta::zero();
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let count: i64 = rest[..digits].parse().ok()?;
        let mut units = rest[digits..].chars();
        let part = match units.next()? {
            'w' => TimeDelta::try_weeks(count)?,
            'd' => TimeDelta::try_days(count)?,
            'h' => TimeDelta::try_hours(count)?,
            'm' => TimeDelta::try_minutes(count)?,
            's' => TimeDelta::try_seconds(count)?,
            _ => return None,
        };
        total = total.checked_add(&part)?;
        rest = units.as_str();
    }
    Some(total)
}

/// Says a length of time as people do: `2 d 3 h`, with the two greatest units.
pub fn say_age(age: TimeDelta) -> String {
    let seconds = age.num_seconds().max(0);
    let units = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)];
    let mut rest = seconds;
    let mut said = Vec::new();
    for (name, size) in units {
        if rest >= size && said.len() < 2 {
            said.push(format!("{} {name}", rest / size));
            rest %= size;
        } else if !said.is_empty() {
            break;
        }
    }
    if said.is_empty() { "0 s".to_owned() } else { said.join(" ") }
}
