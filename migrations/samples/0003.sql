-- What a database may hold after migration 3: read back by the tests through every later migration.
INSERT INTO presence (incident, person, seen_at) VALUES ('RB-0001', 'p-ada', 1772680469000000);
