# PMP-write: The same with a write: all rows of value 20 are deleted, and then there is one.
schema {
	CREATE TABLE item (id INTEGER PRIMARY KEY, value INTEGER NOT NULL) {table_end}
}
setup { INSERT INTO item (id, value) VALUES (1, 10), (2, 20) }

session A
step begin  { BEGIN }
step add    { UPDATE item SET value = value + 10 }
step commit { COMMIT }

session B
step begin  { BEGIN }
step look   { SELECT COUNT(*) FROM item WHERE value = 20 } into w
step delete { DELETE FROM item WHERE value = 20 }
step search { SELECT COUNT(*) FROM item WHERE value = 20 } into x
step commit { COMMIT }

shows B.x = 1
