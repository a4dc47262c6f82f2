# NRR-own-write: Non-repeatable read after an own write: it adds 100 to 10, and reads 112.
schema {
	CREATE TABLE item (id INTEGER PRIMARY KEY, value INTEGER NOT NULL) {table_end}
}
setup { INSERT INTO item (id, value) VALUES (1, 10), (2, 20) }

session A
step begin  { BEGIN }
step read   { SELECT value FROM item WHERE id = 1 } into x
step write  { UPDATE item SET value = value + 100 WHERE id = 1 }
step again  { SELECT value FROM item WHERE id = 1 } into y
step commit { COMMIT }

session B
step begin  { BEGIN }
step write  { UPDATE item SET value = 12 WHERE id = 1 }
step commit { COMMIT }

shows A.x = 10, A.y = 112
