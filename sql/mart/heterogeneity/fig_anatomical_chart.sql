/* The anatomical charts of all tumor types side by side: each organ's hazards and quadrant in each.
   Why: Zhou 2023, Fig. 3c beside 3d: does an organ have the same phenotype whatever the primary tumor?
   How: a project with several tumor types has a stratum for each (docs/hazards.md); with one, it is stratum all. The
   probability of the same quadrant is the sum over the quadrants of the products of its probabilities in the tumor
   types, which are of other patients and so independent.
   Caveats: each tumor type has covariates and a reference organ of its own (organ_reference). Against the mean, organs
   are compared with the organs of their own tumor type.
   Grain: one row per tumor_type, comparator and organ
   Key: tumor_type, comparator, organ
   Tags: figure
*/
WITH tumor AS (
    SELECT DISTINCT study.tumor_type
    FROM core.patient AS patient
    INNER JOIN core.study AS study ON patient.study_id = study.study_id
    WHERE patient.is_analysed AND study.tumor_type IS NOT NULL
),

own_stratum AS (
    SELECT DISTINCT stratum
    FROM analysis.hazard_fit
),

stratum_of AS (
    SELECT
        tumor.tumor_type,
        coalesce(own_stratum.stratum, CASE WHEN count(*) OVER () = 1 THEN 'all' END) AS stratum
    FROM tumor
    LEFT JOIN own_stratum ON tumor.tumor_type = own_stratum.stratum
),

chart AS (
    SELECT
        stratum_of.tumor_type,
        place.comparator,
        place.organ,
        place.display_name,
        place.sort_order,
        place.is_immune_privileged,
        place.organ_reference,
        place.response_hr,
        place.response_lower,
        place.response_upper,
        place.progression_hr,
        place.progression_lower,
        place.progression_upper,
        place.probable_phenotype AS phenotype,
        place.probability,
        place.is_assigned,
        place.n_lesions_progression AS n_lesions
    FROM mart.fig_organ_phenotype AS place
    INNER JOIN stratum_of ON place.stratum = stratum_of.stratum
),

quadrant AS (
    SELECT
        phenotype.comparator,
        phenotype.organ,
        phenotype.phenotype,
        count(*) AS n_tumor_types,
        CASE
            WHEN min(phenotype.probability) > 0
                THEN exp(sum(ln(phenotype.probability) ORDER BY stratum_of.tumor_type))
            ELSE 0
        END AS probability
    FROM analysis.organ_phenotype AS phenotype
    INNER JOIN stratum_of ON phenotype.stratum = stratum_of.stratum
    GROUP BY phenotype.comparator, phenotype.organ, phenotype.phenotype
),

alike AS (
    SELECT
        comparator,
        organ,
        CASE WHEN max(n_tumor_types) > 1 THEN sum(probability ORDER BY phenotype) END AS probability_same
    FROM quadrant
    GROUP BY comparator, organ
),

compared AS (
    SELECT
        comparator,
        organ,
        count(*) AS n_tumor_types,
        CASE WHEN count(*) > 1 THEN count(DISTINCT phenotype) = 1 END AS is_same_phenotype
    FROM chart
    GROUP BY comparator, organ
)

SELECT
    chart.tumor_type, -- as core.study says
    chart.comparator, -- reference: against organ_reference; mean: against the mean organ
    chart.organ, -- id of the organ
    chart.display_name, -- name of the organ for a report
    chart.sort_order, -- order of the organ in figures
    chart.is_immune_privileged, -- immune-privileged or tolerogenic (Zhou 2023, Discussion)
    chart.organ_reference, -- reference organ of the tumor type's models
    chart.response_hr, -- hazard ratio of response
    chart.response_lower, -- lower limit
    chart.response_upper, -- upper limit
    chart.progression_hr, -- hazard ratio of progression
    chart.progression_lower, -- lower limit
    chart.progression_upper, -- upper limit
    chart.phenotype, -- most probable quadrant: response, then progression
    chart.probability, -- its probability
    chart.is_assigned, -- probable enough to be assigned
    chart.n_lesions, -- lesions in the model of progression
    compared.n_tumor_types, -- tumor types that have the organ
    compared.is_same_phenotype, -- the same quadrant in all of them; NULL where only one has the organ
    alike.probability_same -- that the quadrant is the same in all of them; NULL where only one has the organ
FROM chart
INNER JOIN compared ON chart.comparator = compared.comparator AND chart.organ = compared.organ
LEFT JOIN alike ON chart.comparator = alike.comparator AND chart.organ = alike.organ
