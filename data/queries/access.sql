-- name: put_token
INSERT INTO tokens (id_tag, kind, blocked, expires_at, priority, label)
VALUES (%(id_tag)s, %(kind)s, %(blocked)s, %(expires_at)s, %(priority)s, %(label)s)
ON CONFLICT (lower(id_tag)) DO UPDATE SET
    id_tag = excluded.id_tag, kind = excluded.kind, blocked = excluded.blocked, expires_at = excluded.expires_at,
    priority = excluded.priority, label = excluded.label;

-- name: token
SELECT * FROM tokens WHERE lower(id_tag) = lower(%(id_tag)s);

-- name: tokens
SELECT * FROM tokens ORDER BY lower(id_tag);

-- name: create_api_token
INSERT INTO api_tokens (id, secret_hash, role, label, created_at, expires_at, revoked_at)
VALUES (%(id)s, %(secret_hash)s, %(role)s, %(label)s, %(created_at)s, %(expires_at)s, %(revoked_at)s);

-- name: api_token_by_hash
SELECT id, role, label, created_at, expires_at, revoked_at FROM api_tokens WHERE secret_hash = %(secret_hash)s;

-- name: api_tokens
SELECT id, role, label, created_at, expires_at, revoked_at FROM api_tokens ORDER BY created_at, id;

-- name: revoke_api_token
UPDATE api_tokens SET revoked_at = coalesce(revoked_at, %(at)s) WHERE id = %(token_id)s;

-- name: offer_secret
INSERT INTO secrets (name, value) VALUES (%(name)s, %(value)s) ON CONFLICT DO NOTHING;

-- name: secret
SELECT value FROM secrets WHERE name = %(name)s;

-- name: takes_writes
SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off' AS answer;
