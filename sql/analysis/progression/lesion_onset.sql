/* When one lesion began, by its growth backwards, or why that cannot be told.
   Why: how long a metastasis was there before it was seen.
   How: exponential growth at the rate of the lesion's own scans before treatment, the rate normal and cut off at 0;
   quantiles are exact, and there is no mean. Lesions with one such scan take the doubling time of
   onset.prior_doubling_days, where one is stated (is_prior). A new lesion became visible between the last scan without
   and the scan that shows it. Back to one cell is an extrapolation over many decades; back to the visible size is less.
   Caveats: growth under treatment is not the rate before it and is not used. A time without growth (dormancy) moves the
   onset to earlier by as much and leaves no trace. Gompertz growth is refused: sizes within one decade do not tell its
   two parameters.
   Reference: Hanin et al., Math Biosci 2006; Bilous et al., Sci Rep 2019, 9:13018; Parker et al., Clin Exp Metastasis
   2022
   Filled by: step lesion_onset
   Grain: one row per lesion_id, model and start
   Key: lesion_id, model, start
   Tags: public
*/
CREATE TABLE analysis.lesion_onset (
    lesion_id VARCHAR, -- core.lesion
    model VARCHAR, -- exponential or gompertz growth, or detection of a new lesion
    start VARCHAR, -- what begins: one cell, visible size (onset.visible_mm), or visible on a scan
    patient_id VARCHAR, -- core.patient; NULL where the source does not say
    onset_day DOUBLE, -- median day, from first dose; NULL for detections, of which only the interval is known
    onset_lower DOUBLE, -- lower limit (survival.confidence); of a detection the last scan without
    onset_upper DOUBLE, -- upper limit; of a detection the scan with it
    is_identified BOOLEAN, -- told by the lesion's own scans
    is_prior BOOLEAN, -- told by the doubling time that the settings state
    refusal VARCHAR -- why it is not told; NULL where it is
)
