/* The reader as SDTM names one: --EVAL (role), then --EVALID (which of them): 'INDEPENDENT ASSESSOR / RADIOLOGIST
   1'.
*/
CREATE OR REPLACE MACRO reader_name(evaluator, evaluator_id) AS
coalesce(
    upper(clean_text(evaluator)) || ' / ' || upper(clean_text(evaluator_id)),
    upper(clean_text(evaluator)),
    upper(clean_text(evaluator_id))
);
