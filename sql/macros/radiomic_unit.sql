/* Unit of a radiomic feature: the source's, else from its name (volume_mm3; pyradiomics' shape features in mm). */
CREATE OR REPLACE MACRO radiomic_unit(stated, feature_name) AS
CASE
    WHEN stated IS NOT NULL THEN stated
    WHEN regexp_matches(lower(feature_name), '_(mm|mm2|mm3|cm|cm2|cm3)$')
        THEN regexp_extract(lower(feature_name), '_(mm|mm2|mm3|cm|cm2|cm3)$', 1)
    WHEN lower(feature_name) LIKE '%\_ml' ESCAPE '\' THEN 'mL'
    WHEN regexp_matches(feature_name, '(?:^|_)shape_(?:Mesh|Voxel)Volume$') THEN 'mm3'
    WHEN regexp_matches(feature_name, '(?:^|_)shape_SurfaceArea$') THEN 'mm2'
    WHEN regexp_matches(feature_name, '(?:^|_)shape_SurfaceVolumeRatio$') THEN '1/mm'
    WHEN
        regexp_matches(
            feature_name, '(?:^|_)shape_(?:Maximum[23]DDiameter\w*|(?:Major|Minor|Least)AxisLength)$'
        ) THEN 'mm'
    WHEN regexp_matches(feature_name, '(?:^|_)shape_(?:Sphericity|Elongation|Flatness|Compactness[12])$') THEN '1'
END;
