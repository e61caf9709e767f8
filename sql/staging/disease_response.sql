/* One row of RS that was kept: one response of one patient by one reader.
   Why: the trial's own verdicts, beside which ours are set.
   Caveats: also holds what gave no response (not_done, blank, other), so that every row is accounted for.
   Grain: one row per kept raw.rs row
   Key: rs_row
*/
SELECT
    screen.rs_row, -- position of the row in raw.rs
    screen.study_id, -- text id of the study
    screen.usubjid, -- subject's id
    screen.patient_id, -- text id of the patient
    screen.reader, -- who gave the response; '' where the source names none
    screen.test_code, -- TRGRESP, NTRGRESP, NEWLIND, NEWLPROG, OVRLRESP, BESTRESP or another
    screen.category, -- criteria as the source names them
    screen.result_kind, -- response, new_lesion, not_done, blank or other
    screen.response, -- CR, PR, SD, NON-CR/NON-PD, PD or NE
    screen.has_new_lesion, -- an unequivocal new lesion at this visit
    screen.result_word AS value_raw, -- the result as written, upper case
    screen.is_accepted, -- the accepted record of several readers
    screen.visit, -- the source's label of the visit
    time_point.time_point_id, -- assessment that the row belongs to; NULL for a best overall response
    screen.day, -- day from first dose; NULL for a best overall response without one
    screen.is_date_partial, -- the date is partial and the stated day was used
    screen.source_file, -- file of the row
    screen.source_row -- row in the file
FROM staging.disease_response_screen AS screen
LEFT JOIN staging.time_point_row AS time_point ON time_point.domain = 'rs' AND screen.rs_row = time_point.domain_row
WHERE screen.disposition = 'kept'
