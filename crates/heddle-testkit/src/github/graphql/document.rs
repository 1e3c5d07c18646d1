//! Reads the part of GraphQL's language that clients of the stand-in write: one operation, fields with aliases,
//! arguments from variables or literal strings, nested selections.

use serde_json::{Map, Value};

/// An operation.
#[derive(Debug)]
pub(crate) struct Operation {
    pub mutation: bool,
    pub fields: Vec<Field>,
}

/// A field that is asked for.
#[derive(Debug)]
pub(crate) struct Field {
    alias: Option<String>,
    pub name: String,
    arguments: Vec<(String, Token)>,
    pub fields: Vec<Field>,
    pub line: usize,
    pub column: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Variable(String),
    Mark(char),
}

impl Field {
    /// The name it has in the answer.
    pub fn key(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.name)
    }

    /// Its arguments with variables filled in.
    pub fn arguments(&self, variables: &Map<String, Value>) -> Result<Map<String, Value>, String> {
        let value = |token: &Token| match token {
            Token::Variable(name) => {
                variables.get(name).cloned().ok_or_else(|| format!("Variable ${name} was not provided"))
            }
            Token::Text(text) | Token::Word(text) => Ok(text.as_str().into()),
            Token::Mark(mark) => Err(format!("Parse error on \"{mark}\"")),
        };
        self.arguments.iter().map(|(name, token)| Ok((name.clone(), value(token)?))).collect()
    }

    /// The part of `value` that is asked for.
    pub fn project(&self, value: &Value) -> Result<Value, String> {
        match value {
            Value::Array(items) => items.iter().map(|item| self.project(item)).collect(),
            Value::Object(object) if !self.fields.is_empty() => {
                let pick = |field: &Self| {
                    let found = object.get(&field.name);
                    let found = found.ok_or_else(|| format!("Field '{}' doesn't exist here", field.name))?;
                    Ok((field.key().to_owned(), field.project(found)?))
                };
                self.fields.iter().map(pick).collect::<Result<Map<_, _>, String>>().map(Value::Object)
            }
            Value::Object(_) => Err(format!("Field '{}' must have a selection of subfields", self.name)),
            other => Ok(other.clone()),
        }
    }
}

/// Reads an operation.
pub(crate) fn parse(text: &str) -> Result<Operation, String> {
    let mut reader = Reader { tokens: tokens(text)?, at: 0 };
    let mut mutation = false;
    if let Some(Token::Word(word)) = reader.peek() {
        mutation = word == "mutation";
    }
    // What stands before the selection is the operation's name and the types of its variables.
    while reader.peek().is_some_and(|token| *token != Token::Mark('{')) {
        reader.at += 1;
    }
    Ok(Operation { mutation, fields: reader.selection()? })
}

struct Reader {
    tokens: Vec<(Token, usize, usize)>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, ..)| token)
    }

    fn next(&mut self) -> Result<(Token, usize, usize), String> {
        let found = self.tokens.get(self.at).cloned().ok_or("Unexpected end of document")?;
        self.at += 1;
        Ok(found)
    }

    fn take(&mut self, mark: char) -> bool {
        let there = self.peek() == Some(&Token::Mark(mark));
        self.at += usize::from(there);
        there
    }

    fn word(&mut self) -> Result<(String, usize, usize), String> {
        match self.next()? {
            (Token::Word(word), line, column) => Ok((word, line, column)),
            (token, line, column) => Err(format!("Parse error on {token:?} at [{line}, {column}]")),
        }
    }

    fn selection(&mut self) -> Result<Vec<Field>, String> {
        if !self.take('{') {
            return Ok(Vec::new());
        }
        let mut fields = Vec::new();
        while !self.take('}') {
            let (mut name, line, column) = self.word()?;
            let mut alias = None;
            if self.take(':') {
                alias = Some(name);
                name = self.word()?.0;
            }
            let mut arguments = Vec::new();
            if self.take('(') {
                while !self.take(')') {
                    let argument = self.word()?.0;
                    if !self.take(':') {
                        return Err(format!("Expected a value for argument {argument}"));
                    }
                    arguments.push((argument, self.next()?.0));
                }
            }
            fields.push(Field { alias, name, arguments, fields: self.selection()?, line, column });
        }
        Ok(fields)
    }
}

fn tokens(text: &str) -> Result<Vec<(Token, usize, usize)>, String> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut rest = line;
        while let Some(first) = rest.chars().next() {
            let column = line.len() - rest.len() + 1;
            let end_of_word = |text: &str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
            let (token, length) = match first {
                '#' => break,
                c if c.is_whitespace() || c == ',' => (None, c.len_utf8()),
                '"' => {
                    let end =
                        rest[1..].find('"').ok_or_else(|| format!("Unterminated string at line {}", number + 1))?;
                    (Some(Token::Text(rest[1..=end].to_owned())), end + 2)
                }
                '$' => {
                    let end = end_of_word(&rest[1..]);
                    (Some(Token::Variable(rest[1..=end].to_owned())), end + 1)
                }
                c if c.is_alphanumeric() || c == '_' => {
                    let end = end_of_word(rest);
                    (Some(Token::Word(rest[..end].to_owned())), end)
                }
                c => (Some(Token::Mark(c)), c.len_utf8()),
            };
            found.extend(token.map(|token| (token, number + 1, column)));
            rest = &rest[length..];
        }
    }
    Ok(found)
}
