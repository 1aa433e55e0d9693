-- Spaces and devices that are not used any more, what became of the simulated hub, and whose hand made an account.

ALTER TABLE space ADD COLUMN archived_at timestamptz;
ALTER TABLE device ADD COLUMN archived_at timestamptz;

-- One row at most: the simulated hub was registered here. Without it, `hubwell up` registers it in an empty hub only.
CREATE TABLE demonstration (
    only_one   boolean PRIMARY KEY DEFAULT true CONSTRAINT demonstration_once CHECK (only_one),
    seeded_at  timestamptz NOT NULL DEFAULT now(),
    removed_at timestamptz,
    deleted_at timestamptz,
    spaces     text[] NOT NULL DEFAULT '{}',
    devices    text[] NOT NULL DEFAULT '{}'
);

COMMENT ON COLUMN demonstration.spaces IS 'what was removed, until its data is deleted';

-- Who approves names in a drill must be another person: not an account that the asker made or whose password they set.
ALTER TABLE account ADD COLUMN created_by uuid;
ALTER TABLE account ADD COLUMN password_set_by uuid;
COMMENT ON COLUMN account.created_by IS 'account that added this one; null: the command line, or a provider';
COMMENT ON COLUMN account.password_set_by IS 'account that set the password for its owner; null: none did, or the command line';
