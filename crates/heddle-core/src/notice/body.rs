//! Reads a body of any shape, and no more of it than a notice can have: an object takes a hundred times its text in memory.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::{MOST_VALUES, NoNotice};

pub(super) fn parse(body: &[u8]) -> Result<Value, NoNotice> {
    let mut left = Left(MOST_VALUES);
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let read = Seed(&mut left).deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    read.map_err(|error| match left {
        Left(0) => NoNotice::TooMany(format!(
            "the notice holds more than {MOST_VALUES} values; send what it tells of in several notices"
        )),
        Left(_) => NoNotice::NotJson(error.to_string()),
    })
}

/// How many more values are taken.
#[derive(Debug, Clone, Copy)]
struct Left(usize);

struct Seed<'a>(&'a mut Left);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.0.0 = self.0.0.saturating_sub(1);
        if self.0.0 == 0 {
            return Err(D::Error::custom("too many values"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(Seed(self.0))? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            let value = fields.next_value_seed(Seed(self.0))?;
            values.insert(name, value);
        }
        Ok(Value::Object(values))
    }
}
