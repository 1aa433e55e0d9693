-- Passkeys (WebAuthn) of accounts, beside their passwords: public keys only.
CREATE TABLE passkey (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    account_id    uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    credential_id bytea NOT NULL
                  CONSTRAINT passkey_id_short CHECK (length(credential_id) BETWEEN 1 AND 1023)
                  CONSTRAINT passkey_once UNIQUE,
    attested      bytea NOT NULL,
    sign_count    bigint NOT NULL,
    name          text NOT NULL CONSTRAINT passkey_name_short CHECK (length(name) BETWEEN 1 AND 60),
    added_at      timestamptz NOT NULL,
    used_at       timestamptz
);
CREATE INDEX passkey_account ON passkey (account_id);
COMMENT ON COLUMN passkey.attested IS 'the authenticator''s attested credential data, with the public key (WebAuthn 6.5.1)';
COMMENT ON COLUMN passkey.sign_count IS 'highest counter that the authenticator signed; 0 for those that do not count';
