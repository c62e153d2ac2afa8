//! Writes the Prometheus text format: HELP and TYPE once a family, label values escaped.

use crate::engine::histogram::HistogramView;
use std::fmt::{Display, Write};

/// A text under construction. Every name gets the prefix.
#[derive(Default)]
pub struct Exposition {
    text: String,
    name: &'static str,
}

impl Exposition {
    /// Starts a counter; its name ends in `_total`.
    pub fn counter(&mut self, name: &'static str, help: &str) -> &mut Exposition {
        debug_assert!(name.ends_with("_total"), "{name}");
        self.family(name, "counter", help)
    }

    pub fn gauge(&mut self, name: &'static str, help: &str) -> &mut Exposition {
        self.family(name, "gauge", help)
    }

    /// One value of the family begun last.
    pub fn value(&mut self, labels: &[(&str, &str)], value: impl Display) -> &mut Exposition {
        self.sample("", labels, value);
        self
    }

    /// A whole histogram. `bounds` are inclusive, in the recorded unit, of which `unit` make one of the shown.
    pub fn histogram(
        &mut self,
        name: &'static str,
        help: &str,
        view: &HistogramView,
        bounds: &[u64],
        unit: f64,
    ) {
        self.family(name, "histogram", help);
        for bound in bounds {
            let le = (*bound as f64 / unit).to_string();
            self.sample("_bucket", &[("le", &le)], view.count_at_most(*bound));
        }
        self.sample("_bucket", &[("le", "+Inf")], view.count());
        self.sample("_sum", &[], view.sum() as f64 / unit);
        self.sample("_count", &[], view.count());
    }

    pub fn finish(self) -> String {
        self.text
    }

    fn family(&mut self, name: &'static str, kind: &str, help: &str) -> &mut Exposition {
        self.name = name;
        // A String takes every write.
        let _ = writeln!(self.text, "# HELP depthd_{name} {help}\n# TYPE depthd_{name} {kind}");
        self
    }

    fn sample(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        let _ = write!(self.text, "depthd_{}{suffix}", self.name);
        for (i, (label, text)) in labels.iter().enumerate() {
            let _ = write!(self.text, "{}{label}=\"", if i == 0 { '{' } else { ',' });
            for c in text.chars() {
                match c {
                    '\\' => self.text.push_str("\\\\"),
                    '"' => self.text.push_str("\\\""),
                    '\n' => self.text.push_str("\\n"),
                    c => self.text.push(c),
                }
            }
            self.text.push('"');
        }
        let _ = writeln!(self.text, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::histogram::Histogram;

    #[test]
    fn labels_are_escaped_and_histograms_cumulative() {
        let h = Histogram::new();
        [1, 2, 2, 9].iter().for_each(|v| h.record(*v));
        let mut out = Exposition::default();
        out.counter("a_total", "A.").value(&[("feed", "x\"\\\n"), ("b", "c")], 3).value(&[], 4);
        out.histogram("b", "B.", &h.view(), &[1, 3], 1.0);
        assert_eq!(
            out.finish(),
            "# HELP depthd_a_total A.\n# TYPE depthd_a_total counter\n\
             depthd_a_total{feed=\"x\\\"\\\\\\n\",b=\"c\"} 3\ndepthd_a_total 4\n\
             # HELP depthd_b B.\n# TYPE depthd_b histogram\n\
             depthd_b_bucket{le=\"1\"} 1\ndepthd_b_bucket{le=\"3\"} 3\ndepthd_b_bucket{le=\"+Inf\"} 4\n\
             depthd_b_sum 14\ndepthd_b_count 4\n"
        );
    }
}
