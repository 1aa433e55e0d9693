-- Every space can be booked: a new one has an atom, whichever way in made it (page, API, command line, demonstration,
-- SQL typed by hand). At the end of the transaction, so that a restore brings the atoms of the backup first.
CREATE FUNCTION add_first_atom() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO atom (space_id, position)
    SELECT s.id, 1 FROM space s
    WHERE s.id = NEW.id AND NOT EXISTS (SELECT FROM atom a WHERE a.space_id = s.id);
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER space_first_atom AFTER INSERT ON space DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION add_first_atom();

CREATE VIEW booking_shown AS
SELECT b.id, b.space_id, s.name AS space, s.names AS space_names, b.atoms AS parts, named.names AS part_names,
       cardinality(b.atoms) = (SELECT count(*) FROM atom t WHERE t.space_id = b.space_id) AS whole,
       lower(b.during) AS start, upper(b.during) AS until, b.title, b.shows_title, b.people, b.owner,
       coalesce(nullif(a.name, ''), a.login, '') AS owner_name, b.version, b.created_at, b.cancelled_at,
       b.series_id, b.series_at, b.series_exception, b.walk_in, b.release_at, b.no_show_end
FROM booking b
JOIN space s ON s.id = b.space_id
LEFT JOIN account a ON 'account:' || a.id = b.owner
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(t.name ORDER BY t.position) FILTER (WHERE t.name <> ''), '{}') AS names
    FROM atom t WHERE t.id = ANY (b.atoms)
) named;

-- When a booking is released if nobody comes; null where facilities have not turned it on, or it ends before.
CREATE FUNCTION release_time(place hub_id, begins timestamptz, ends timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE RETURN (
    SELECT CASE WHEN begins + make_interval(mins => release_min) < ends THEN begins + make_interval(mins => release_min) END
    FROM space WHERE id = place
);
