-- What a database may hold after migration 7: read back by the tests through every later migration.
INSERT INTO tokens (id, hash, label, scope, created_by, created_at, expires_at, last_used_at, revoked_at) VALUES
    ('t-wall', 'wall', 'Big screen', 'wall technical', 'p-ada', 1772680468000000, 1772766868000000, NULL, NULL);
