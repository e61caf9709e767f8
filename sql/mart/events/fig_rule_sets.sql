/* How many events each rule set calls.
   Why: analysis.rule_set_difference for a chart, with the rule sets' names and order.
   Grain: one row per lesion_type, endpoint and rule_set
   Key: lesion_type, endpoint, rule_set
   Tags: figure
*/
SELECT
    difference.lesion_type, -- target, non-target or new
    difference.endpoint, -- response or progression
    difference.rule_set, -- rule set
    rule_set.title, -- its name for a report
    rule_set.sort_order, -- order of the rule sets
    difference.n_lesions, -- lesions that have this endpoint
    difference.n_events, -- of them, with an event
    100 * difference.n_events / difference.n_lesions AS events_percent, -- events of the lesions, percent
    difference.n_events_only_here, -- events that RECIST 1.1 does not call
    difference.n_events_only_recist, -- events that only RECIST 1.1 calls
    difference.median_event_days -- median day of the events seen
FROM analysis.rule_set_difference AS difference
INNER JOIN staging.rule_set AS rule_set ON difference.rule_set = rule_set.rule_set
