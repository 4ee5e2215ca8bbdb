-- Who has the pages of an incident open, and when a server last saw so. Kept for a day, told nowhere else.
CREATE TABLE presence (
    incident TEXT   NOT NULL,
    person   TEXT   NOT NULL,
    seen_at  BIGINT NOT NULL,
    PRIMARY KEY (incident, person)
);
CREATE INDEX presence_age ON presence (seen_at);

UPDATE head SET schema = 3 WHERE id = 1;
