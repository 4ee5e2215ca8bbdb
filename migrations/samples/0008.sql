-- What a database may hold after migration 8: read back by the tests through every later migration.
UPDATE register SET restored_at = 1772680469000000 WHERE name = '2.4.1' AND component = 'checkout';
