# OTV: Observed transaction vanishes: B writes after A; C sees B in one row, and after that A in the other.
schema {
	CREATE TABLE item (id INTEGER PRIMARY KEY, value INTEGER NOT NULL) {table_end}
}
setup { INSERT INTO item (id, value) VALUES (1, 10), (2, 20) }

session A
step begin  { BEGIN }
step first  { UPDATE item SET value = 11 WHERE id = 1 }
step second { UPDATE item SET value = 19 WHERE id = 2 }
step commit { COMMIT }

session B
step begin  { BEGIN }
step first  { UPDATE item SET value = 12 WHERE id = 1 AND value = 11 }
step second { UPDATE item SET value = 18 WHERE id = 2 AND value = 19 }
step commit { COMMIT }

session C
step begin  { BEGIN }
step first  { SELECT value FROM item WHERE id = 1 } into x
step second { SELECT value FROM item WHERE id = 2 } into y
step commit { COMMIT }

shows C.x = 12, C.y = 19
