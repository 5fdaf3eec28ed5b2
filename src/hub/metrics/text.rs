//! The Prometheus text format, version 0.0.4.
//!
//! Implemented here instead of using the crate `prometheus-client`, which writes OpenMetrics: its
//! HELP and TYPE lines name a counter without `_total`, so a parser of 0.0.4 sees a metric without
//! type or help.

use std::fmt::{Display, Write};

use crate::hub::relay::studio::DurationHistogram;

/// Content type of the response.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Type of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A value that only increases; its name ends in `_total`.
    Counter,
    /// A value that increases and decreases.
    Gauge,
    /// Values counted by classes.
    Histogram,
}

/// Text of metrics, appended one after the other.
#[derive(Debug, Default)]
pub struct Exposition(String);

impl Exposition {
    /// Adds a metric with one value.
    pub fn add_metric(&mut self, kind: Kind, name: &str, help: &str, value: impl Display) {
        self.add_labelled_metric(kind, name, help, [(&[][..], value)]);
    }

    /// Adds a metric with one value per set of labels.
    pub fn add_labelled_metric<'a, V: Display>(
        &mut self,
        kind: Kind,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (&'a [(&'a str, &'a str)], V)>,
    ) {
        self.add_head(kind, name, help);
        for (labels, value) in samples {
            self.add_sample(name, labels, value);
        }
    }

    /// Adds a histogram for each value of `label`.
    pub fn add_histograms<'a>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        histograms: impl IntoIterator<Item = (&'a str, &'a DurationHistogram)>,
    ) {
        self.add_head(Kind::Histogram, name, help);
        let bucket = format!("{name}_bucket");
        for (text, durations) in histograms {
            for (bound, count) in durations.up_to_bounds() {
                self.add_sample(&bucket, &[(label, text), ("le", &bound.to_string())], count);
            }
            self.add_sample(&bucket, &[(label, text), ("le", "+Inf")], durations.count());
            self.add_sample(&format!("{name}_sum"), &[(label, text)], durations.sum_secs());
            self.add_sample(&format!("{name}_count"), &[(label, text)], durations.count());
        }
    }

    fn add_head(&mut self, kind: Kind, name: &str, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let help = escaped(help, false);
        // Writing to a string cannot fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn add_sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        for (place, (label, text)) in labels.iter().enumerate() {
            let before = if place == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{before}{label}=\"{}\"", escaped(text, true));
        }
        let after = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{after} {value}");
    }

    /// Returns the text.
    pub fn into_text(self) -> String {
        self.0
    }
}

fn escaped(text: &str, in_quotes: bool) -> String {
    let text = crate::text::clean(text).replace('\\', "\\\\").replace('\n', "\\n");
    if in_quotes { text.replace('"', "\\\"") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_names_cannot_break_out_of_their_label() {
        let mut exposition = Exposition::default();
        let durations = DurationHistogram::default();
        let name = "A\"} 1\nb\\";
        exposition.add_histograms("c_seconds", "C.", "node", [(name, &durations)]);
        let text = exposition.into_text();
        assert_eq!(text.lines().count(), 2 + 13 + 3, "{text}");
        let labels = r#"node="A\"} 1\nb\\""#;
        assert!(text.starts_with(&format!(
            "# HELP c_seconds C.\n# TYPE c_seconds histogram\n\
             c_seconds_bucket{{{labels},le=\"1\"}} 0\n"
        )));
        assert!(text.ends_with(&format!(
            "c_seconds_bucket{{{labels},le=\"+Inf\"}} 0\nc_seconds_sum{{{labels}}} 0\n\
             c_seconds_count{{{labels}}} 0\n"
        )));
    }

    #[test]
    fn metrics_follow_the_text_format() {
        let mut exposition = Exposition::default();
        exposition.add_metric(Kind::Gauge, "a_seconds", "Of a \"b\\c\"\nd.", 1.5);
        let labels: [(&str, &str); 2] = [("x", "1\n\"\\"), ("y", "é")];
        exposition.add_labelled_metric(
            Kind::Counter,
            "b_total",
            "B.",
            [(&labels[..], 7), (&labels[1..], 0)],
        );
        assert_eq!(
            exposition.into_text(),
            "# HELP a_seconds Of a \"b\\\\c\"\\nd.\n# TYPE a_seconds gauge\na_seconds 1.5\n\
             # HELP b_total B.\n# TYPE b_total counter\n\
             b_total{x=\"1\\n\\\"\\\\\",y=\"é\"} 7\nb_total{y=\"é\"} 0\n"
        );
    }
}
