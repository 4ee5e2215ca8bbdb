-- Who opened the impact summary of an incident, first and last. Kept as long as the incident; never part of a journal.
CREATE TABLE readings (
    incident TEXT   NOT NULL,
    person   TEXT   NOT NULL,
    first_at BIGINT NOT NULL,
    last_at  BIGINT NOT NULL,
    PRIMARY KEY (incident, person)
);

UPDATE head SET schema = 4 WHERE id = 1;
