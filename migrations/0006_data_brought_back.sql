-- When a component's data was brought back to a backup from before this release first ran, so that what the release did to
-- the data was undone. NULL: never, or nobody knows.
ALTER TABLE register ADD COLUMN undone_at BIGINT;

UPDATE head SET schema = 6 WHERE id = 1;
