//! How many runs end in a minute, whether that is usual, and since when it is not.

/// Minutes that the pace is the mean of.
const MINUTES: usize = 10;
/// Minutes before these that must be known before a pace is called usual.
const LEAST_BEFORE: usize = 10;
/// Difference from the usual pace from which it is unusual, in parts of it.
const UNUSUAL: f64 = 0.15;

/// Runs that ended in a minute.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pace {
    /// Mean of the last ten minutes, or of those that are known; `None` before the first is.
    pub now: Option<f64>,
    /// Number of minutes that `now` is the mean of.
    pub minutes: usize,
    /// Mean of the minutes before these; `None` before ten of them are known.
    pub usual: Option<f64>,
    /// Difference from the usual pace.
    pub trend: Trend,
}

/// Difference of a pace from the usual one, with the minutes for which it has lasted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trend {
    /// Within 15 % of the usual pace, or that is not known.
    #[default]
    Level,
    /// Higher.
    Rising(usize),
    /// Lower.
    Falling(usize),
}

impl Pace {
    /// Computes the pace from the numbers of runs in each full minute up to now, oldest first.
    pub fn of(minutes: &[u32]) -> Self {
        let before = minutes.len().saturating_sub(MINUTES);
        let usual = (before >= LEAST_BEFORE).then(|| mean(&minutes[..before])).flatten();
        let now = mean(&minutes[before..]);
        let trend = usual.map_or(Trend::Level, |usual| trend(minutes, usual));
        Self { now, minutes: minutes.len() - before, usual, trend }
    }
}

fn mean(minutes: &[u32]) -> Option<f64> {
    let sum: f64 = minutes.iter().map(|count| f64::from(*count)).sum();
    (!minutes.is_empty()).then(|| sum / minutes.len() as f64)
}

fn trend(minutes: &[u32], usual: f64) -> Trend {
    // Difference of the ten minutes up to each minute, latest first, as a direction.
    let mut directions = minutes.windows(MINUTES).rev().map(|ten| {
        let by = mean(ten).unwrap_or(usual) - usual;
        if by == 0.0 || by.abs() < UNUSUAL * usual { 0.0 } else { by.signum() }
    });
    let Some(now) = directions.next().filter(|now| *now != 0.0) else {
        return Trend::Level;
    };
    let lasted = 1 + directions.take_while(|before| *before == now).count();
    if now > 0.0 { Trend::Rising(lasted) } else { Trend::Falling(lasted) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many minutes with so many runs each, one group after the other.
    fn minutes(groups: &[(usize, u32)]) -> Vec<u32> {
        groups.iter().flat_map(|(minutes, runs)| vec![*runs; *minutes]).collect()
    }

    #[test]
    fn pace_is_the_mean_of_ten_minutes_and_usual_is_that_of_those_before() {
        let pace = Pace::of(&minutes(&[(50, 4), (5, 4), (5, 3)]));
        assert_eq!((pace.now, pace.usual), (Some(3.5), Some(4.0)));
        assert_eq!(pace.trend, Trend::Level, "12.5 % less");
    }

    #[test]
    fn pace_of_few_minutes_is_their_mean_and_nothing_is_usual() {
        assert_eq!(Pace::of(&[]), Pace::default());
        assert_eq!(Pace::of(&[3]).now, Some(3.0));
        assert_eq!(Pace::of(&minutes(&[(4, 2), (1, 7)])).now, Some(3.0));
        assert_eq!(Pace::of(&minutes(&[(19, 5)])).usual, None);
        assert_eq!(Pace::of(&minutes(&[(20, 5)])).usual, Some(5.0));
    }

    #[test]
    fn trend_lasts_since_the_mean_first_differed_by_15_percent() {
        // The mean of ten minutes is 8.5 after three minutes of 5, and 8 after four.
        let falling = |after| Pace::of(&minutes(&[(50 - after, 10), (10, 10), (after, 5)])).trend;
        assert_eq!(falling(2), Trend::Level);
        assert_eq!(falling(4), Trend::Falling(2));
        assert_eq!(falling(9), Trend::Falling(7));
        assert_eq!(Pace::of(&minutes(&[(50, 10), (10, 20)])).trend, Trend::Rising(9));
        assert_eq!(Pace::of(&minutes(&[(50, 0), (10, 0)])).trend, Trend::Level);
        assert_eq!(Pace::of(&minutes(&[(50, 0), (9, 0), (1, 1)])).trend, Trend::Rising(1));
    }
}
