/* One procedure of a patient: surgery, irradiation, local ablation or biopsy, and the lesion or organ that it
   touched.
   Why: a lesion that was irradiated or cut out no longer tells what the drug does; analysis.local_treatment says which.
   Caveats: the lesion is that of the analysis reader with the same link id; NULL when none is named or none fits.
   Where the procedure names no site, the organ is the lesion's.
   Grain: one row per procedure_id
   Key: procedure_id
   Tags: public
*/
WITH linked AS (
    SELECT
        procedure.procedure_id,
        lesion.lesion_id,
        lesion.organ,
        row_number() OVER (
            PARTITION BY procedure.procedure_id
            ORDER BY lesion.is_analysis_reader DESC, lesion.reader ASC, lesion.lesion_id ASC
        ) AS place
    FROM staging.procedure AS procedure
    INNER JOIN core.lesion AS lesion
        ON procedure.patient_id = lesion.patient_id AND procedure.lesion_label = lesion.lesion_label
)

SELECT
    procedure.procedure_id, -- text id of the procedure
    procedure.patient_id, -- text id of the patient
    procedure.study_id, -- text id of the study
    procedure.day, -- day from first dose; NULL when not known
    procedure.procedure_type, -- surgery, radiotherapy, local ablation, biopsy or other
    procedure.procedure, -- procedure as written
    procedure.category, -- category as written
    procedure.indication, -- indication as written
    coalesce(site.organ, linked.organ, 'unknown') AS organ, -- organ that it touched
    procedure.site_raw, -- site as written
    procedure.lesion_label, -- the source's link id of the lesion; NULL when none is named
    linked.lesion_id, -- text id of the lesion that it touched; NULL when none is named
    procedure.day < 0 AS is_before_treatment, -- before the first dose; NULL when the day is not known
    procedure.n_source_rows, -- rows of PR behind this row
    procedure.source_file, -- file of the (first) row
    procedure.source_row -- row in the file
FROM staging.procedure AS procedure
LEFT JOIN staging.site AS site
    ON procedure.study_id = site.study_id AND procedure.site_raw = site.site_raw
LEFT JOIN linked ON procedure.procedure_id = linked.procedure_id AND linked.place = 1
