# G-single-write: Read skew with a write: the read is from before the other transaction, the delete works after it.
schema {
	CREATE TABLE item (id INTEGER PRIMARY KEY, value INTEGER NOT NULL) {table_end}
}
setup { INSERT INTO item (id, value) VALUES (1, 10), (2, 20) }

session A
step begin  { BEGIN }
step read   { SELECT value FROM item WHERE id = 1 } into x
step delete { DELETE FROM item WHERE value = 20 }
step count  { SELECT COUNT(*) FROM item WHERE id = 2 } into n
step commit { COMMIT }

session B
step begin  { BEGIN }
step first  { UPDATE item SET value = 12 WHERE id = 1 }
step second { UPDATE item SET value = 18 WHERE id = 2 }
step commit { COMMIT }

shows A.x = 10, A.n = 1
