-- Who may sign in. A local account has a password, one of a provider has identities; either may have both.
CREATE TABLE account (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    login         text NOT NULL CONSTRAINT account_login_once UNIQUE
                  CONSTRAINT account_login_plain CHECK (login = lower(login) AND login ~ '^[^\s]{1,120}$'),
    name          text NOT NULL DEFAULT '' CONSTRAINT account_name_short CHECK (length(name) <= 120),
    password_hash text,
    person_id     uuid REFERENCES person ON DELETE SET NULL,
    language      text CONSTRAINT account_language_known
                  CHECK (language IN ('en', 'it', 'fi', 'et', 'lv', 'nl')),
    created_at    timestamptz NOT NULL DEFAULT now(),
    signed_in_at  timestamptz,
    disabled_at   timestamptz
);

CREATE TABLE account_role (
    account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    role       text NOT NULL CONSTRAINT account_role_known
               CHECK (role IN ('learner', 'staff', 'facilities', 'osh', 'admin')),
    granted_by text NOT NULL CONSTRAINT account_role_origin_known CHECK (granted_by IN ('local', 'oidc')),
    CONSTRAINT account_role_once PRIMARY KEY (account_id, role)
);

CREATE TABLE account_identity (
    issuer     text NOT NULL,
    subject    text NOT NULL,
    account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    CONSTRAINT account_identity_once PRIMARY KEY (issuer, subject)
);

-- A signed-in browser: of an account, or of a person who came with a code from the kiosk.
CREATE TABLE sign_in (
    token_hash   bytea PRIMARY KEY CONSTRAINT sign_in_hash_is_sha256 CHECK (octet_length(token_hash) = 32),
    account_id   uuid REFERENCES account ON DELETE CASCADE,
    person_id    uuid REFERENCES person ON DELETE CASCADE,
    csrf         text NOT NULL,
    language     text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    CONSTRAINT sign_in_of_somebody CHECK (num_nonnulls(account_id, person_id) = 1)
);
CREATE INDEX sign_in_expires ON sign_in (expires_at);

-- A one-time code that a kiosk shows after a tap.
CREATE TABLE visit_code (
    code_hash  bytea PRIMARY KEY CONSTRAINT visit_code_hash_is_sha256 CHECK (octet_length(code_hash) = 32),
    person_id  uuid NOT NULL REFERENCES person ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);

-- Programs. The token itself is shown once and kept as a hash.
CREATE TABLE service_token (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name       text NOT NULL CONSTRAINT service_token_name_once UNIQUE,
    token_hash bytea NOT NULL CONSTRAINT service_token_hash_once UNIQUE
               CONSTRAINT service_token_hash_is_sha256 CHECK (octet_length(token_hash) = 32),
    roles      text[] NOT NULL CONSTRAINT service_token_roles_known
               CHECK (roles <@ ARRAY['learner', 'staff', 'facilities', 'osh', 'admin']),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz
);

-- What was done with people's data, and by whom: each entry holds the hash of the one before. No names and no
-- pseudonyms in it: an actor or subject is the id of a row that erasure deletes.
CREATE TABLE audit_entry (
    id       bigint PRIMARY KEY,
    at       timestamptz NOT NULL,
    actor    text NOT NULL,
    action   text NOT NULL,
    subject  text NOT NULL DEFAULT '',
    detail   jsonb NOT NULL DEFAULT '{}',
    previous bytea NOT NULL,
    hash     bytea NOT NULL CONSTRAINT audit_entry_hash_is_sha256 CHECK (octet_length(hash) = 32)
);
