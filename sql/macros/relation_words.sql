/* A relation to a reference time point in words, as --ENRTPT and --ENTPT give it: 'BEFORE FIRST DOSE'. A reference that
   is a date is told by the first dose, so that the words are known.
*/
CREATE OR REPLACE MACRO relation_words(relation, reference_point, first_dose_date) AS
trim(
    plain_words(relation) || ' '
    || CASE
        WHEN full_date(reference_point) IS NULL THEN plain_words(reference_point)
        WHEN full_date(reference_point) <= first_dose_date THEN 'REFERENCE DATE BEFORE'
        ELSE 'REFERENCE DATE AFTER'
    END
);
