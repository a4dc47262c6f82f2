# G0: Dirty write: two transactions write the same two rows, and each keeps one of them.
schema {
	CREATE TABLE item (id INTEGER PRIMARY KEY, value INTEGER NOT NULL) {table_end}
}
setup { INSERT INTO item (id, value) VALUES (1, 10), (2, 20) }

session A
step begin  { BEGIN }
step first  { UPDATE item SET value = 11 WHERE id = 1 }
step second { UPDATE item SET value = 21 WHERE id = 2 }
step commit { COMMIT }

session B
step begin  { BEGIN }
step first  { UPDATE item SET value = 12 WHERE id = 1 }
step second { UPDATE item SET value = 22 WHERE id = 2 }
step commit { COMMIT }

invariant "both rows are of one transaction" { SELECT 1 FROM item AS a, item AS b WHERE a.id = 1 AND b.id = 2 AND b.value - a.value <> 10 }
