-- What a database may hold after migration 1: read back by the tests through every later migration.
UPDATE head SET seq = 2, hash = '4b80fb9eb8fe610ff5afea6a996248f732e95c28d88da4a5bfe87a4e8e7c31c1', at = 1772680469000000 WHERE id = 1;
INSERT INTO ledger (seq, stream, version, kind, at, actor, body, body_hash, hash) VALUES
(1, 'incident/RB-0001', 1, 'opened', 1772680468000000, 'system', '{"title":"Checkout fails"}', '7e5c074da890af3b23647ba71ee22cc42e8dd4c80a7382a97b8f667040789a7a', 'f23c2932ec1ce2722eb5ec0848b321f00b579005e6f51715943bf4b518859c2b'),
(2, 'access', 1, 'signed_in', 1772680469000000, 'p-ada', NULL, '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a', '4b80fb9eb8fe610ff5afea6a996248f732e95c28d88da4a5bfe87a4e8e7c31c1');
INSERT INTO board (incident, number, version, title, severity, category, environment, component, decision, status,
    phase, outcome, opened_at, closed_at, commander, technical_lead, attempt, next_due, locked_components, frozen,
    waits_for, updated_at) VALUES
('RB-0001', 1, 1, 'Checkout fails', 'P1', 'errors', 'production', 'checkout', 'rollback', 'open', 'assessing', NULL,
    1772680468000000, NULL, 'p-ada', NULL, 0, 1772680768000000, '["checkout"]', 0, '[]', 1772680468000000);
INSERT INTO people (id, login, name, password, roles, active, epoch, created_at, password_changed_at) VALUES
('p-ada', 'ada', 'Ada', '$argon2id$sample', '["ic","admin"]', 1, 2, 1772600000000000, 1772600000000000);
INSERT INTO sessions (id_hash, person, data, created_at, last_seen, expires_at, user_agent) VALUES
('session', 'p-ada', '{}', 1772680000000000, 1772680400000000, 1772700000000000, 'Firefox');
INSERT INTO links (token_hash, purpose, person, created_at, expires_at, used_at) VALUES
('link', 'invite', NULL, 1772680000000000, 1772700000000000, NULL);
INSERT INTO sign_in_buckets (key, failures, blocked_until, updated_at) VALUES
('login/ada', 3, 1772680100000000, 1772680000000000);
INSERT INTO devices (token_hash, person, created_at, last_used) VALUES
('device', 'p-ada', 1772600000000000, 1772680000000000);
INSERT INTO tokens (id, hash, label, scope, created_by, created_at, expires_at, last_used_at, revoked_at) VALUES
('t-1', 'token', 'Alertmanager', 'signals', 'p-ada', 1772600000000000, 1780000000000000, NULL, NULL);
INSERT INTO register (kind, environment, component, name, checksum, at, added_by, note, migrations, verified_at) VALUES
('release', 'production', 'checkout', '2.4.1', 'sha256:1', 1772600000000000, 'p-ada', '', 'none', NULL);
INSERT INTO scripts (sha256, bytes) VALUES
('2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824', 'aGVsbG8=');
INSERT INTO playbooks (hash, text, title, version, added_at, added_by) VALUES
('playbook', 'title = "Rollback"', 'Rollback', '1', 1772600000000000, 'p-ada');
INSERT INTO settings (key, value) VALUES ('playbook/current', 'playbook');
INSERT INTO log_chunks (run, first_line, count, bytes) VALUES ('run-1', 0, 1, 'aGVsbG8K');
INSERT INTO hosts (id, name, seen_at) VALUES ('host-1', 'alpha', 1772680000000000);
INSERT INTO samples (series, at, value) VALUES ('checkout/error_rate', 1772680000000000, 61);
INSERT INTO trigger_states (key, state, since, body, updated_at) VALUES
('error_rate/checkout', 'breached', 1772680000000000, '{}', 1772680000000000);
INSERT INTO counters (key, count, first_at, last_at) VALUES ('refused/strangers', 4, 1772680000000000, 1772680030000000);
INSERT INTO intents (key, person, stream, fingerprint, first_seq, last_seq, at) VALUES
('key-1', 'p-ada', 'incident/RB-0001', 'print', 1, 1, 1772680468000000);
