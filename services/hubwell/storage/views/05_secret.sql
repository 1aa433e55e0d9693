-- The name of a channel of notifications in this database. Every role may LISTEN and NOTIFY, so the name is a secret:
-- the function runs with the rights of its caller and fails where those do not include hub_secret.
CREATE FUNCTION channel_name(channel text) RETURNS text LANGUAGE sql STABLE
RETURN (SELECT 'hubwell_' || left(encode(sha256(convert_to('channel ' || channel || value, 'UTF8')), 'hex'), 40)
        FROM hub_secret);

-- The key of an advisory lock on something about a person. pg_locks shows it to every role.
CREATE FUNCTION lock_key(about text) RETURNS bigint LANGUAGE sql STABLE
RETURN (SELECT ('x' || left(encode(sha256(convert_to('lock ' || about || ' ' || value, 'UTF8')), 'hex'), 16))::bit(64)::bigint
        FROM hub_secret);
