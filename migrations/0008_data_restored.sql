-- When the data of a release's component was last restored from a backup, or may have been, since the release first ran. Unlike
-- `undone_at` it is never taken back: where it stands, what the data holds is for people to judge. NULL: never.
ALTER TABLE register ADD COLUMN restored_at BIGINT;

-- What was undone was restored. Of restorations that broke off before now nothing is known.
UPDATE register SET restored_at = undone_at WHERE undone_at IS NOT NULL;

UPDATE head SET schema = 8 WHERE id = 1;
