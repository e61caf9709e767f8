/* Turnbull's estimate of the time to response and progression in a line.
   Why: the median as an interval, beside that which takes scans for events.
   How: who had the event had it after the last scan without and up to the scan that showed it; who had not is censored
   at the last scan, not at the last day alive. The estimate of greatest likelihood has mass in the innermost intervals
   only, and says nothing of where in one. The lesions are the observed ones of analysis.lesion_survival_curve.
   Caveats: lesions of one patient are taken as independent, which leaves the estimate as it is; there are no limits:
   between scans it converges too slowly for a bootstrap to hold.
   Reference: Turnbull, JRSS B 1976; Wang, Comput Stat Data Anal 2007
   Filled by: step interval_survival
   Grain: one row per level, subset, arm, organ and endpoint
   Key: level, subset, arm, organ, endpoint
   Tags: public
*/
CREATE TABLE analysis.interval_survival_summary (
    level VARCHAR, -- lesion: single lesions by their own rules; patient: time to progression (TTP) as
    -- analysis.patient_endpoint counts it
    subset VARCHAR, -- all, or study and its id
    arm VARCHAR, -- arm of the study; all for every arm together
    organ VARCHAR, -- organ of the lesions; all for every organ and for patients
    endpoint VARCHAR, -- response or progression; of patients progression only
    n_members BIGINT, -- lesions or patients
    n_patients BIGINT, -- patients that they are of
    n_events BIGINT, -- of n_members, with the event
    mean_width_days DOUBLE, -- mean days between the last scan without and the scan with the event
    n_intervals BIGINT, -- intervals that have mass, one of no end counted
    median_from_days DOUBLE, -- half have had the event after this day; NULL where not reached
    median_to_days DOUBLE, -- and up to this one; NULL where not reached
    is_median_reached BOOLEAN, -- half had the event
    scan_median_days DOUBLE, -- Kaplan-Meier median with events on the day of the scan; NULL where not reached
    loglik DOUBLE, -- log-likelihood
    gap DOUBLE -- it is at most so far from its largest value
)
