/* Class of a radiomic feature: the source's word for it, else by the name that pyradiomics gives (IBSI's families). */
CREATE OR REPLACE MACRO radiomic_class(stated, feature_name) AS
CASE regexp_replace(
    lower(coalesce(stated, nullif(regexp_extract(
        feature_name, '(?i)(?:^|_)(first_?order|shape(?:2d)?|glcm|glrlm|glszm|gldm|ngtdm)(?:_|$)', 1
    ), ''))),
    '[^a-z0-9]', '', 'g'
)
    WHEN 'firstorder' THEN 'first-order'
    WHEN 'intensity' THEN 'first-order'
    WHEN 'shape' THEN 'shape'
    WHEN 'shape2d' THEN 'shape'
    WHEN 'morphology' THEN 'shape'
    WHEN 'glcm' THEN 'GLCM'
    WHEN 'glrlm' THEN 'GLRLM'
    WHEN 'glszm' THEN 'GLSZM'
    WHEN 'gldm' THEN 'GLDM'
    WHEN 'ngtdm' THEN 'NGTDM'
    ELSE CASE
        WHEN stated IS NOT NULL THEN 'other'
        WHEN regexp_matches(lower(feature_name), '_(mm|mm2|mm3|cm|cm2|cm3|ml)$') THEN 'shape'
        ELSE 'other'
    END
END;
