# G1c: Circular information flow: each of two transactions sees what the other one writes.
schema {
	CREATE TABLE item (id INTEGER PRIMARY KEY, value INTEGER NOT NULL) {table_end}
}
setup { INSERT INTO item (id, value) VALUES (1, 10), (2, 20) }

session A
step begin  { BEGIN }
step write  { UPDATE item SET value = 11 WHERE id = 1 }
step read   { SELECT value FROM item WHERE id = 2 } into x
step commit { COMMIT }

session B
step begin  { BEGIN }
step write  { UPDATE item SET value = 22 WHERE id = 2 }
step read   { SELECT value FROM item WHERE id = 1 } into x
step commit { COMMIT }

shows A.x = 22, B.x = 11
