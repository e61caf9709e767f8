/* Whether a label is that of visits that were not planned: it is used for any of them, and names none. */
CREATE OR REPLACE MACRO is_unscheduled_visit(visit) AS
coalesce(regexp_matches(upper(visit), 'UNSCH|UNPLANNED'), FALSE);
