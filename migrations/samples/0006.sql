-- What a database may hold after migration 6: read back by the tests through every later migration.
UPDATE register SET undone_at = 1772680468000000 WHERE name = '2.5.0' AND component = 'checkout';
