# G2-two-edges: A reader makes it visible: A has not seen B, C has seen B and not A, so no order of the three fits.
schema {
	CREATE TABLE item (id INTEGER PRIMARY KEY, value INTEGER NOT NULL) {table_end}
}
setup { INSERT INTO item (id, value) VALUES (1, 10), (2, 20) }

session A
step begin  { BEGIN }
step read   { SELECT SUM(value) FROM item } into x
step write  { UPDATE item SET value = 0 WHERE id = 1 }
step commit { COMMIT }

session B
step begin  { BEGIN }
step write  { UPDATE item SET value = value + 5 WHERE id = 2 }
step commit { COMMIT }

session C
step begin  { BEGIN }
step read   { SELECT SUM(value) FROM item } into x
step commit { COMMIT }

shows A.x = 30, C.x = 35
