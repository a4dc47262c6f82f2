# G2-item: Write skew: both read both rows, and each writes another one.
schema {
	CREATE TABLE item (id INTEGER PRIMARY KEY, value INTEGER NOT NULL) {table_end}
}
setup { INSERT INTO item (id, value) VALUES (1, 10), (2, 20) }

session A
step begin  { BEGIN }
step read   { SELECT SUM(value) FROM item WHERE id IN (1, 2) } into x
step write  { UPDATE item SET value = 11 WHERE id = 1 }
step commit { COMMIT }

session B
step begin  { BEGIN }
step read   { SELECT SUM(value) FROM item WHERE id IN (1, 2) } into x
step write  { UPDATE item SET value = 21 WHERE id = 2 }
step commit { COMMIT }

shows A.x = 30, B.x = 30
