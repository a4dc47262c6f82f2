# G-single: Read skew: one row from before the other transaction, one from after it.
schema {
	CREATE TABLE item (id INTEGER PRIMARY KEY, value INTEGER NOT NULL) {table_end}
}
setup { INSERT INTO item (id, value) VALUES (1, 10), (2, 20) }

session A
step begin  { BEGIN }
step first  { SELECT value FROM item WHERE id = 1 } into x
step second { SELECT value FROM item WHERE id = 2 } into y
step commit { COMMIT }

session B
step begin  { BEGIN }
step first  { UPDATE item SET value = 12 WHERE id = 1 }
step second { UPDATE item SET value = 18 WHERE id = 2 }
step commit { COMMIT }

shows A.x = 10, A.y = 18
