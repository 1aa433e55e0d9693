-- The rows of this package's tables that hold something of a person; see people/erasure.sql.

-- name: rejected
FROM rejected
WHERE EXISTS (SELECT FROM unnest(%(texts)s::bytea[]) text WHERE position(text IN payload) > 0)
   OR EXISTS (SELECT FROM unnest(%(words)s::text[]) word WHERE position(word IN reason) > 0)

-- name: anonymise_rejected
-- Messages that were set aside keep their place and their reason, and lose what may be the person's. Where a card
-- hides its number it cannot be known whose message it is: then all of that kind are emptied.
UPDATE rejected SET payload = ''
WHERE octet_length(payload) > 0
  AND (EXISTS (SELECT FROM unnest(%(texts)s::bytea[]) text WHERE position(text IN payload) > 0)
       OR (%(signing)s AND position('"sun"'::bytea IN payload) > 0))
