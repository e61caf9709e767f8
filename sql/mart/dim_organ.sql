/* One organ.
   Why: the name, order and group under which figures and reports show it.
   Grain: one row per organ
   Key: organ
   Tags: public
*/
SELECT
    organ, -- id of the organ
    display_name, -- name for a report
    organ_group, -- group of organs
    is_immune_privileged, -- organ with an immunosuppressive surrounding
    sort_order -- order in figures
FROM core.organ
