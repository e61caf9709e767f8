/* One assessment of a patient by one reader: the scans and responses that belong together, on one day or on several.
   Why: CT, MRI, bone scan and photographs of one visit lie on several days. RECIST judges them together: a sum is whole
   only when every target lesion is in it.
   How: rows belong together by link group (--LNKGRP), else by visit (VISITNUM, VISIT), else by a window of days
   (time_point.window_days), else by the day; staging.scan_day says how a label that was used twice is split.
   Caveats: the days are those of scans; a time point that has only responses has the days of these. A reader's time
   points do not share a day, but the days of one may lie between those of another.
   Reference: Eisenhauer et al. 2009, Eur J Cancer 45:228, section 4.3; CDISC SDTMIG 3.4, TU, TR and RS.
   Grain: one row per time_point_id
   Key: time_point_id
   Tags: public
*/
SELECT
    time_point_id, -- text id, stable across rebuilds: patient/reader/visit, or day where no visit is named
    patient_id, -- text id of the patient; NULL when the source names no patients
    reader, -- who read the scans; '' where the source names no reader
    any_value(visit) AS visit, -- the visit as most rows write it; NULL where none is named
    any_value(first_day) AS first_day, -- first day with a scan, from first dose
    any_value(last_day) AS last_day, -- last day with a scan, from first dose
    CAST(greatest(count(DISTINCT day) FILTER (WHERE is_scan), 1) AS INTEGER) AS n_days, -- days with a scan
    bool_or(is_scan) AS has_scan, -- false: responses only
    CASE any_value(kind)
        WHEN 1 THEN 'link group'
        WHEN 2 THEN 'visit'
        ELSE CASE WHEN any_value(first_day) < any_value(last_day) THEN 'window' ELSE 'day' END
    END AS grouping -- link group, visit, window or day: what ties its rows together
FROM staging.time_point_row
GROUP BY time_point_id, patient_id, reader
