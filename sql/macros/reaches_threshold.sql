/* Whether a result of a biomarker reaches a threshold: at or below it for a decrease, at or above it for an increase,
   below its limit for undetected. The threshold itself counts unless is_strict. A result below its limit, with the
   limit as number, lies under it: it reaches a decrease where the limit does, and never an increase. Products such as
   1.2 * 0.25 are not exact in binary: what differs by less than a billionth of the threshold is at it.
*/
CREATE OR REPLACE MACRO reaches_threshold(number, is_below_limit, threshold, direction, is_strict) AS
CASE direction
    WHEN 'undetected' THEN is_below_limit
    WHEN 'decrease'
        THEN number <= threshold + CASE WHEN is_strict AND NOT is_below_limit THEN -1e-9 ELSE 1e-9 END * abs(threshold)
    WHEN 'increase'
        THEN NOT is_below_limit AND number >= threshold - CASE WHEN is_strict THEN -1e-9 ELSE 1e-9 END * abs(threshold)
END;
