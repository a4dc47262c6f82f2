# Two doctors are on call; each goes home if there is another one.
schema {
	CREATE TABLE doctor (id INTEGER PRIMARY KEY, on_call INTEGER NOT NULL) {table_end}
}
setup { INSERT INTO doctor (id, on_call) VALUES (1, 1), (2, 1) }

session A
step begin  { BEGIN }
step count  { SELECT COUNT(*) FROM doctor WHERE on_call = 1 } into others
step leave  { UPDATE doctor SET on_call = CASE WHEN :others > 1 THEN 0 ELSE 1 END WHERE id = 1 }
step commit { COMMIT }
session B
step begin  { BEGIN }
step count  { SELECT COUNT(*) FROM doctor WHERE on_call = 1 } into others
step leave  { UPDATE doctor SET on_call = CASE WHEN :others > 1 THEN 0 ELSE 1 END WHERE id = 2 }
step commit { COMMIT }

invariant "somebody is on call" { SELECT 1 FROM (SELECT COUNT(*) AS n FROM doctor WHERE on_call = 1) AS left_over WHERE n = 0 }
