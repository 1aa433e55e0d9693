-- A hub that has an administrator keeps one. Whatever takes the role, closes the account or deletes it (page, API,
-- command line, sign-in through a provider, erasure, SQL typed by hand) is refused once no administrator would be left
-- who may sign in. A hub without any is free to be set up. Rows of a backup only come in, so that a restore is free too.
CREATE FUNCTION refuse_last_administrator() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    administers boolean;
BEGIN
    IF TG_TABLE_NAME = 'account' THEN
        administers := EXISTS (SELECT FROM account_role WHERE account_id = OLD.id AND role = 'admin');
    ELSE
        administers := NOT EXISTS (SELECT FROM account WHERE id = OLD.account_id AND disabled_at IS NOT NULL);
    END IF;
    IF NOT administers THEN
        RETURN NULL;
    END IF;
    -- A snapshot from before the wait for the lock would make the count below outdated.
    IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'account_administrator_isolation',
            MESSAGE = 'administrators are removed in a transaction of the isolation level READ COMMITTED';
    END IF;
    -- Serialises two administrators who remove each other. The key is used for this rule only.
    PERFORM pg_advisory_xact_lock(7268191);
    IF NOT EXISTS (
        SELECT FROM account_role r JOIN account a ON a.id = r.account_id
        WHERE r.role = 'admin' AND a.disabled_at IS NULL
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'account_last_administrator',
            MESSAGE = 'this is the last administrator: make another one first';
    END IF;
    RETURN NULL;
END $$;

-- TRUNCATE fires no trigger of rows.
CREATE FUNCTION refuse_no_administrators() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM account_role WHERE role = 'admin') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'account_last_administrator',
            MESSAGE = 'this would take every administrator';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER account_role_taken AFTER DELETE ON account_role
FOR EACH ROW WHEN (OLD.role = 'admin') EXECUTE FUNCTION refuse_last_administrator();

CREATE CONSTRAINT TRIGGER account_role_changed AFTER UPDATE OF role, account_id ON account_role
FOR EACH ROW WHEN (OLD.role = 'admin') EXECUTE FUNCTION refuse_last_administrator();

CREATE CONSTRAINT TRIGGER account_disabled AFTER UPDATE OF disabled_at ON account
FOR EACH ROW WHEN (OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL)
EXECUTE FUNCTION refuse_last_administrator();

CREATE TRIGGER account_role_truncated BEFORE TRUNCATE ON account_role
FOR EACH STATEMENT EXECUTE FUNCTION refuse_no_administrators();
