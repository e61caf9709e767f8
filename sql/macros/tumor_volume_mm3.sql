/* Volume of a lesion, as an ellipsoid with two equal short axes: long axis x short axis squared / 2.
   Without a measured short axis, the long axis is so many times the short one (setting volume.axis_ratio).
   Reference: Zhou et al. 2023, Methods, equation 1.
*/
CREATE OR REPLACE MACRO tumor_volume_mm3(diameter_mm, short_axis_mm := NULL) AS
CAST(diameter_mm AS DOUBLE)
* power(
    coalesce(
        CAST(short_axis_mm AS DOUBLE),
        CAST(diameter_mm AS DOUBLE) / CAST(1.31 /* setting volume.axis_ratio */ AS DOUBLE)
    ),
    2
)
/ 2;
