/* Do times to response and progression of target lesions differ by the best overall response of their patient?
   How: as the paper, Kruskal-Wallis over CR, PR, SD and PD among lesions with the event, and Dunn's test of each pair
   (comparisons.correction). Beside it, with all lesions and their censoring, the log-rank test, the log-rank test for
   trend from CR to PD, and the likelihood-ratio test of the response in a Cox model. The response is the one that the
   source states, else that of analysis.best_overall_response; NON-CR/NON-PD counts as SD. Lesions are target lesions
   under rules.rule_set with an event or with follow-up.
   Caveats: rank and log-rank tests count a patient's lesions as independent, which they are not, so that their p-values
   are too small; the Cox model has a random effect of the patient. Ranks of lesions with the event leave out that
   others never had it.
   Reference: Zhou et al. 2023, Nat Commun, Fig. S3, and Methods, 'Statistics and reproducibility'; Dunn, Technometrics
   1964
   Filled by: step event_by_response
   Grain: one row per endpoint, source, test, group_a and group_b
   Key: endpoint, source, test, group_a, group_b
   Tags: public
*/
CREATE TABLE analysis.event_by_response_test (
    endpoint VARCHAR, -- response or progression
    source VARCHAR, -- observed: seen on scans; modelled: on the lesion's growth curve
    test VARCHAR, -- Kruskal-Wallis, Dunn, log-rank, log-rank trend, or mixed-effects Cox
    group_a VARCHAR, -- response; all where the test is of all groups
    group_b VARCHAR, -- response; all where the test is of all groups
    n_a BIGINT, -- lesions in it: with the event in rank tests, else all
    n_b BIGINT, -- the same
    statistic DOUBLE, -- H; z of Dunn's test and of the trend (positive: a, or worse responses, later by rank, sooner by
    -- trend); else chi-squared
    df BIGINT, -- degrees of freedom; null where z
    p_value DOUBLE, -- p-value
    p_adjusted DOUBLE -- Dunn: corrected for the pairs; else p_value
)
