# P4: Lost update: both read the same value, and both write what they make of it.
schema {
	CREATE TABLE item (id INTEGER PRIMARY KEY, value INTEGER NOT NULL) {table_end}
}
setup { INSERT INTO item (id, value) VALUES (1, 10), (2, 20) }

session A
step begin  { BEGIN }
step read   { SELECT value FROM item WHERE id = 1 } into x
step write  { UPDATE item SET value = :x + 1 WHERE id = 1 }
step commit { COMMIT }

session B
step begin  { BEGIN }
step read   { SELECT value FROM item WHERE id = 1 } into x
step write  { UPDATE item SET value = :x + 2 WHERE id = 1 }
step commit { COMMIT }

shows A.x = 10, B.x = 10
