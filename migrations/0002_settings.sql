-- How each person wants the pages: one JSON text, so that a new wish needs no new column. '{}' is the default of each.
ALTER TABLE people ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';

UPDATE head SET schema = 2 WHERE id = 1;
