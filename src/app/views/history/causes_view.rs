//! View model of why runs failed.

use super::period_view::{count_change_words, instant, knows_before};
use crate::app::state::history::Chosen;
use crate::app::words::{count_words, one_line};
use crate::history::{CauseTotal, Summary};
use crate::text;

/// Causes with a row of their own.
const NAMED: usize = 4;
/// Most bars of a row; more are added up by weeks.
const MOST_BARS: usize = 31;
/// Change from which a number of failures is told in colour, in failures and as part of the greater number.
const NOTABLE: (u64, f64) = (5, 0.2);

/// Causes of failures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CausesView {
    /// "by day, change".
    pub head: String,
    pub rows: Vec<CauseRow>,
}

/// Failures for one cause, or for all further ones.
#[derive(Clone, Debug, PartialEq)]
pub struct CauseRow {
    /// `None` for further causes.
    pub chosen: Option<Chosen>,
    pub count: String,
    /// The reason; "other, 3 causes".
    pub reason: String,
    /// The failed step.
    pub step: String,
    /// Failures of each day; `None` where nothing is known of it.
    pub bars: Vec<Option<u64>>,
    /// "+21"; empty where the period before is not known.
    pub change: String,
    /// Direction of a change that is told in colour: more failures, or fewer.
    pub is_worse: Option<bool>,
}

impl CausesView {
    /// Causes of a period.
    pub fn of(summary: &Summary) -> Self {
        let compares = knows_before(summary);
        let each = summary.groups.len().div_ceil(MOST_BARS).max(1);
        // Weeks end with today.
        let each = if each > 1 { 7 } else { 1 };
        let unit = match summary.group.as_str() {
            "hour" => "by hour",
            _ if each > 1 => "by week",
            _ => "by day",
        };
        let head = if compares { format!("{unit}, change") } else { unit.to_owned() };
        let since = summary.kept_since.as_deref().and_then(instant);
        let is_known = |group: &crate::history::BarSummary| {
            instant(&group.ended.to).zip(since).is_some_and(|(to, since)| to > since)
        };
        let known: Vec<bool> = summary.groups.iter().map(is_known).collect();
        let row = |total: &CauseTotal| CauseRow {
            chosen: None,
            count: count_words(total.count),
            reason: String::new(),
            step: String::new(),
            bars: bars(&total.trend, &known, each),
            change: if compares { count_change_words(change(total)) } else { String::new() },
            is_worse: is_worse(total).filter(|_| compares),
        };
        let mut rows: Vec<CauseRow> = Vec::new();
        let mut rest = summary.other_causes.clone();
        for (place, cause) in summary.causes.iter().enumerate() {
            // Five causes need no row for the others.
            let is_last = place == NAMED && summary.causes.len() == NAMED + 1 && rest.count == 0;
            if place < NAMED || is_last {
                rows.push(CauseRow {
                    chosen: Some(Chosen::Cause {
                        step: cause.step.clone(),
                        reason: cause.reason.clone(),
                    }),
                    reason: one_line(&cause.example),
                    step: cause.step.as_deref().map_or_else(
                        || "outside a step".to_owned(),
                        |it| text::name(it).into_owned(),
                    ),
                    ..row(&cause.total)
                });
            } else {
                rest.count += cause.total.count;
                rest.before += cause.total.before;
                rest.trend.resize(rest.trend.len().max(cause.total.trend.len()), 0);
                rest.trend.iter_mut().zip(&cause.total.trend).for_each(|(sum, it)| *sum += it);
            }
        }
        if rest.count > 0 {
            let kinds = summary.cause_kinds.saturating_sub(rows.len() as u64);
            let reason = match kinds {
                0 => "other".to_owned(),
                1 => "other, 1 cause".to_owned(),
                kinds => format!("other, {} causes", count_words(kinds)),
            };
            rows.push(CauseRow { reason, ..row(&rest) });
        }
        Self { head, rows }
    }
}

fn change(total: &CauseTotal) -> i64 {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    number(total.count).saturating_sub(number(total.before))
}

fn is_worse(total: &CauseTotal) -> Option<bool> {
    let by = total.count.abs_diff(total.before);
    let greater = total.count.max(total.before).max(1);
    let is_notable = by >= NOTABLE.0 && by as f64 >= NOTABLE.1 * greater as f64;
    is_notable.then_some(total.count > total.before)
}

/// Adds up so many numbers each, from the end; `None` where none of them is known.
fn bars(trend: &[u64], known: &[bool], each: usize) -> Vec<Option<u64>> {
    let each = each.max(1);
    let sums = trend.rchunks(each).map(|days| days.iter().sum());
    let are_known = known.rchunks(each).map(|days| days.contains(&true));
    let bars = sums.zip(are_known).map(|(sum, is_known)| is_known.then_some(sum));
    let mut bars: Vec<Option<u64>> = bars.collect();
    bars.reverse();
    bars
}

/// Title and words about a cause.
pub fn cause_words(
    summary: &Summary,
    step: Option<&str>,
    reason: &str,
) -> Option<(String, String)> {
    let is_it = |cause: &&crate::history::CauseSummary| {
        cause.step.as_deref() == step && cause.reason == reason
    };
    let cause = summary.causes.iter().find(is_it)?;
    let place =
        step.map_or_else(|| "outside a step".to_owned(), |step| text::name(step).into_owned());
    let mut words = format!("{} times", count_words(cause.total.count));
    if cause.total.count == 1 {
        words = "once".to_owned();
    }
    if knows_before(summary) {
        words += &format!(", {} before", count_words(cause.total.before));
    }
    Some((place, format!("{words}: {}", one_line(&cause.example))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_added_up_to_weeks_that_end_today() {
        let known = |days: &[u64]| vec![true; days.len()];
        let days = [5, 1, 1, 1, 1, 1, 1, 1];
        assert_eq!(bars(&[1, 2, 3], &known(&[1, 2, 3]), 1), [Some(1), Some(2), Some(3)]);
        assert_eq!(bars(&days, &known(&days), 7), [Some(5), Some(7)]);
        let late = [false, false, false, true, true, true, true, true];
        assert_eq!(bars(&days, &late, 7), [None, Some(7)], "a day of the first week is not known");
        assert!(bars(&[], &[], 7).is_empty());
    }

    #[test]
    fn change_is_told_in_colour_where_it_is_large() {
        let of = |count, before| is_worse(&CauseTotal { count, before, trend: Vec::new() });
        assert_eq!([of(59, 38), of(43, 55)], [Some(true), Some(false)]);
        assert_eq!([of(13, 9), of(25, 26), of(100, 94), of(0, 0)], [None; 4]);
    }
}
