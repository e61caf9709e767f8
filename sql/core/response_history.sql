/* One response of RS that is history: of prior therapy, or of follow-up after the next therapy.
   Why: it is kept as the source states it and reaches no endpoint; a patient's course before the trial stands here.
   Caveats: staging.response_period_rule has the rules in words. Rows without a day are here too.
   Reference: SDTMIG 3.4, section 4.4.7.
   Grain: one row per row of RS
   Key: rs_row
   Tags: public
*/
SELECT
    response.rs_row, -- position of the row in raw.rs
    response.patient_id, -- text id of the patient
    response.study_id, -- text id of the study
    response.reader, -- who gave the response; '' where the source names none
    response.criterion, -- criterion of staging.response_criterion; the source's own text where none fits
    response.response_period, -- before: of prior therapy; after: of follow-up after the next therapy
    response.test_code, -- TRGRESP, NTRGRESP, NEWLIND, NEWLPROG, OVRLRESP or BESTRESP
    response.response_term, -- term of the criterion; the result as written where none is known
    response.response, -- the same on RECIST's scale: CR, PR, SD, NON-CR/NON-PD, PD or NE; NULL where it is not on it
    response.has_new_lesion, -- an unequivocal new lesion; NULL for a response
    response.value_raw, -- the result as written, upper case
    response.visit, -- the source's label of the visit
    response.day, -- day from first dose; NULL where the source gives none
    rule.rule_id AS period_rule_id, -- rule of staging.response_period_rule
    rule.sentence AS period_rule, -- the rule in words
    response.source_file, -- file of the row
    response.source_row -- row in the file
FROM staging.disease_response AS response
INNER JOIN staging.response_period_rule AS rule ON response.period_rule_id = rule.rule_id
WHERE response.response_period <> 'on study' AND response.result_kind IN ('response', 'new_lesion')
