INSERT INTO readings (incident, person, first_at, last_at) VALUES ('RB-0001', 'p-ada', 1772680468000000, 1772680528000000);
