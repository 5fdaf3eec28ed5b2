use super::*;

#[test]
fn catch_up_budget_ends_when_channel_is_empty_or_after_3_s() {
    let start = Instant::now();
    let at = |millis| start + Duration::from_millis(millis);
    let mut pace = IngestBudget::default();
    assert_eq!(pace.budget(at(0)), INGEST_BUDGET);
    assert_eq!(pace.budget(at(30_000)), CATCH_UP_BUDGET);
    assert_eq!(pace.budget(at(30_300)), CATCH_UP_BUDGET, "there is more");
    pace.caught_up();
    assert_eq!(pace.budget(at(30_316)), INGEST_BUDGET);
    assert_eq!(pace.budget(at(60_000)), CATCH_UP_BUDGET);
    assert_eq!(pace.budget(at(61_900)), CATCH_UP_BUDGET);
    assert_eq!(pace.budget(at(63_100)), INGEST_BUDGET, "it never ends");
}
