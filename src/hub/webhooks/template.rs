//! Templates of messages: text with fields in braces.

use std::ops::Range;

/// Names of the fields of a template.
pub const FIELDS: [&str; 12] = [
    "text",
    "event",
    "count",
    "song",
    "run",
    "execution",
    "step",
    "reason",
    "took",
    "backend",
    "time",
    "link",
];

/// A text with fields, such as `{song} failed at {step}`. `{{` and `}}` are braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Field(&'static str),
}

/// Reason why a text is no template, and its place in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    pub words: String,
    pub place: Range<usize>,
}

impl Default for Template {
    fn default() -> Self {
        Self(vec![Part::Field("text")])
    }
}

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    ///
    /// Fails at a brace that is alone, and at an unknown field.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut at = 0;
        while let Some(char) = text[at..].chars().next() {
            let rest = &text[at..];
            if rest.starts_with("{{") || rest.starts_with("}}") {
                plain.push(char);
                at += 2;
            } else if char == '{' {
                let Some(length) = rest.find('}') else {
                    let words = "`{` without `}`; write `{{` for a brace".to_owned();
                    return Err(TemplateError { words, place: at..at + 1 });
                };
                let name = rest[1..length].trim();
                let Some(field) = FIELDS.into_iter().find(|field| *field == name) else {
                    let words = format!("unknown field `{name}`; there are {}", FIELDS.join(", "));
                    return Err(TemplateError { words, place: at..at + length + 1 });
                };
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                }
                parts.push(Part::Field(field));
                at += length + 1;
            } else if char == '}' {
                let words = "`}` without `{`; write `}}` for a brace".to_owned();
                return Err(TemplateError { words, place: at..at + 1 });
            } else {
                plain.push(char);
                at += char.len_utf8();
            }
        }
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self(parts))
    }

    /// Returns the text with the values of its fields.
    pub fn fill(&self, value: impl Fn(&'static str) -> String) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Field(field) => value(field),
        };
        self.0.iter().map(part).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_replaced_and_braces_are_doubled() {
        let template = Template::parse("<!here> {song} é {{x}} { step }!").unwrap();
        let value = |field: &str| format!("[{field}]");
        assert_eq!(template.fill(value), "<!here> [song] é {x} [step]!");
        assert_eq!(Template::default().fill(value), "[text]");
    }

    #[test]
    fn unknown_fields_and_lone_braces_are_rejected_with_their_place() {
        let error = |text| Template::parse(text).unwrap_err();
        assert_eq!(error("é {sonf}").place, 3..9);
        assert!(error("{sonf}").words.starts_with("unknown field `sonf`; there are text, event"));
        assert_eq!((error("a {b").place, error("a}").place), (2..3, 1..2));
    }
}
