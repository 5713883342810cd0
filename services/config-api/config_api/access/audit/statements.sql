-- name: add
-- A line; there is no other statement that changes this table.
INSERT INTO audit (who, via, address, action, target, text, changes) VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: lines
-- Lines by their filters, the latest first.
SELECT id, at, who, via, address, action, target, text, changes FROM audit
WHERE ($1::text IS NULL OR lower(who) = lower($1))
    AND ($2::text IS NULL OR action = $2)
    AND ($3::timestamptz IS NULL OR at >= $3)
    AND ($4::timestamptz IS NULL OR at < $4)
    AND ($5::text IS NULL OR strpos(lower(text || ' ' || target || ' ' || address), lower($5)) > 0)
    AND ($6::timestamptz IS NULL OR (at, id) < ($6, $7::bigint))
ORDER BY at DESC, id DESC
LIMIT $8;

-- name: actions
-- What was ever done, for the filter.
SELECT DISTINCT action FROM audit ORDER BY action LIMIT 200;
