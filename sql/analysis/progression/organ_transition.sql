/* How often, per patient and year, an organ progresses for the first time after another has.
   Why: whether progression in one organ is followed by progression in others sooner than elsewhere.
   How: counts over time at risk, with exact Poisson intervals. A patient is at risk from the day of the first organ's
   progression, not from the first dose: no guarantee time. rate_ratio compares with the time after another organ's
   progression while the first was free. A death up to progression.death_window_days after the last scan competes; a
   later one is censored at the last scan, as nobody looked whether the organ had progressed before it.
   Caveats: both on one day is no transition (n_same_day): which was first is not known. An intensity is taken as
   constant over time. Patients whose disease progresses fast anywhere are over-represented after any progression: a
   ratio is an association, no spread from organ to organ.
   Reference: Aalen and Johansen, Scand J Stat 1978; Andersen and Keiding, Stat Methods Med Res 2002; asked for in Zhou
   et al., Nat Commun 2023, Discussion
   Filled by: step organ_transition
   Grain: one row per subset, stratum, from_organ and to_organ
   Key: subset, stratum, from_organ, to_organ
   Tags: public
*/
CREATE TABLE analysis.organ_transition (
    subset VARCHAR, -- all; where there are several tumor types, each by itself
    stratum VARCHAR, -- all, or the treatment class
    from_organ VARCHAR, -- organ that had progressed; none: no organ had
    to_organ VARCHAR, -- organ that progresses then, or death
    n_at_risk BIGINT, -- patients under observation in that state, the other organ free
    n_transitions BIGINT, -- progressions (or deaths) from it
    n_same_day BIGINT, -- patients in whom both progressed on one day; for none: those of them who progressed in several
    -- organs at once
    patient_years DOUBLE, -- time at risk, years
    rate_per_year DOUBLE, -- transitions per patient-year
    rate_lower DOUBLE, -- lower limit (survival.confidence)
    rate_upper DOUBLE, -- upper limit
    n_transitions_otherwise BIGINT, -- the same after another organ's progression, from_organ free; NULL for none
    patient_years_otherwise DOUBLE, -- time at risk of those, years
    rate_ratio DOUBLE, -- rate over that of otherwise
    ratio_lower DOUBLE, -- lower limit, exact
    ratio_upper DOUBLE, -- upper limit; NULL where it is infinite
    n_directly_next BIGINT -- patients in whom to_organ stands directly behind from_organ in the sequence; NULL for
    -- death
)
