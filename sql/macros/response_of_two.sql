/* Which of two organs shrank, in words: the groups of Zhou 2021, Fig. 6. NULL where one of the two is not known. */
CREATE OR REPLACE MACRO response_of_two(first_shrank, second_shrank, first_name, second_name) AS
CASE
    WHEN first_shrank IS NULL OR second_shrank IS NULL THEN NULL
    WHEN first_shrank AND second_shrank THEN 'all shrank'
    WHEN first_shrank THEN first_name || ' shrank, ' || second_name || ' not'
    WHEN second_shrank THEN second_name || ' shrank, ' || first_name || ' not'
    ELSE 'none shrank'
END;
