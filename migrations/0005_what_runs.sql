-- What a rollback, or a deployment of something known, makes of a registered release. `again_at`: when it last began to run
-- anew; NULL: it began once, at `at`. `left_at`, `left_in`: when it was last rolled back from, and in which incident.
ALTER TABLE register ADD COLUMN again_at BIGINT;
ALTER TABLE register ADD COLUMN left_at BIGINT;
ALTER TABLE register ADD COLUMN left_in TEXT NOT NULL DEFAULT '';

UPDATE head SET schema = 5 WHERE id = 1;
