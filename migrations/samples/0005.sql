-- What a database may hold after migration 5: read back by the tests through every later migration.
INSERT INTO register (kind, environment, component, name, checksum, at, added_by, note, migrations, verified_at, again_at,
    left_at, left_in) VALUES
('release', 'production', 'checkout', '2.5.0', 'sha256:2', 1772670000000000, 'p-ada', '', 'none', NULL, NULL,
    1772680468000000, 'RB-0001');
UPDATE register SET again_at = 1772680468000000 WHERE name = '2.4.1';
