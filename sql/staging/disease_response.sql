/* One row of RS that was kept: one response of one patient by one reader.
   Why: the trial's own verdicts, beside which ours are set.
   Caveats: also holds what gave no response (not_done, blank, other), so that every row is accounted for.
   Grain: one row per kept raw.rs row
   Key: rs_row
*/
SELECT
    rs_row, -- position of the row in raw.rs
    study_id, -- text id of the study
    usubjid, -- subject's id
    patient_id, -- text id of the patient
    reader, -- who gave the response; '' where the source names none
    test_code, -- TRGRESP, NTRGRESP, NEWLIND, NEWLPROG, OVRLRESP, BESTRESP or another
    category, -- criteria as the source names them
    result_kind, -- response, new_lesion, not_done, blank or other
    response, -- CR, PR, SD, NON-CR/NON-PD, PD or NE
    has_new_lesion, -- an unequivocal new lesion at this visit
    result_word AS value_raw, -- the result as written, upper case
    is_accepted, -- the accepted record of several readers
    visit, -- the source's label of the visit
    day, -- day from first dose; NULL for a best overall response without one
    is_date_partial, -- the date is partial and the stated day was used
    source_file, -- file of the row
    source_row -- row in the file
FROM staging.disease_response_screen
WHERE disposition = 'kept'
