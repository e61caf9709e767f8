/* How often patients with a primary of one site have metastases in an organ, to be drawn.
   Why: organotropism at a glance.
   Grain: one row per primary_site and organ
   Key: primary_site, organ
   Tags: figure
*/
SELECT
    site.primary_site, -- site of the primary tumor
    site.organ, -- core.organ
    organ.display_name AS organ_name, -- name of the organ
    organ.sort_order AS organ_order, -- order of organs
    site.n_patients, -- patients with this primary
    site.n_affected, -- of them, with a lesion in the organ at baseline
    100 * site.share AS percent, -- percent of the patients
    site.enrichment -- over the share of all patients
FROM analysis.primary_organ AS site
INNER JOIN core.organ AS organ ON site.organ = organ.organ
