-- What a database may hold after migration 2: read back by the tests through every later migration.
UPDATE people SET settings = '{"theme":"dark"}' WHERE id = 'p-ada';
