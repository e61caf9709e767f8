/* The net benefit of acting on the risk of a new organ above a threshold, against acting on all or none.
   Why: a prediction is worth what is decided by it.
   How: patients flagged with a lesion count 1, flagged without one cost threshold / (1 - threshold), per patient at
   risk; none is 0. By risks left out.
   Reference: Vickers and Elkin, Med Decis Making 2006
   Filled by: step new_organ_risk
   Grain: one row per subset, organ, landmark_days and threshold
   Key: subset, organ, landmark_days, threshold
*/
CREATE TABLE analysis.new_organ_benefit (
    subset VARCHAR, -- all; where there are several tumor types, each by itself
    organ VARCHAR, -- core.organ, or any
    landmark_days DOUBLE, -- day from first dose
    threshold DOUBLE, -- risk from which on one acts
    share_flagged DOUBLE, -- share of the patients at or above it
    net_benefit DOUBLE, -- of acting on them
    net_benefit_all DOUBLE -- of acting on everybody
)
