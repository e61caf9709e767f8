/* Turnbull's estimate of the time to response and progression: one interval with mass.
   Why: a scan shows an event weeks after it happened; Kaplan-Meier dates it to the scan.
   How: who had the event had it after the last scan without and up to the scan that showed it; who had not is censored
   at the last scan, not at the last day alive. The estimate of greatest likelihood has mass in the innermost intervals
   only, and says nothing of where in one. The lesions are the observed ones of analysis.lesion_survival_curve.
   Caveats: lesions of one patient are taken as independent, which leaves the estimate as it is; there are no limits:
   between scans it converges too slowly for a bootstrap to hold.
   Reference: Turnbull, JRSS B 1976; Wang, Comput Stat Data Anal 2007
   Filled by: step interval_survival
   Grain: one row per level, subset, arm, organ, endpoint and to_days
   Key: level, subset, arm, organ, endpoint, to_days
   Tags: public
*/
CREATE TABLE analysis.interval_survival_curve (
    level VARCHAR, -- lesion: single lesions by their own rules; patient: time to progression (TTP) as
    -- analysis.patient_endpoint counts it
    subset VARCHAR, -- all, or study and its id
    arm VARCHAR, -- arm of the study; all for every arm together
    organ VARCHAR, -- organ of the lesions; all for every organ and for patients
    endpoint VARCHAR, -- response or progression; of patients progression only
    from_days DOUBLE, -- the event happened after this day from the first dose (or on it, where to_days is the same)
    to_days DOUBLE, -- and up to this day
    mass DOUBLE, -- probability of the event in the interval
    survival DOUBLE -- share without event after to_days
)
