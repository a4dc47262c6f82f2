# G-single-predicate: Read skew by searches: the first one sees none of the other transaction, the second one does.
schema {
	CREATE TABLE item (id INTEGER PRIMARY KEY, value INTEGER NOT NULL) {table_end}
}
setup { INSERT INTO item (id, value) VALUES (1, 10), (2, 20) }

session A
step begin  { BEGIN }
step fives  { SELECT COUNT(*) FROM item WHERE value % 5 = 0 } into x
step threes { SELECT COUNT(*) FROM item WHERE value % 3 = 0 } into y
step commit { COMMIT }

session B
step begin  { BEGIN }
step write  { UPDATE item SET value = 12 WHERE value = 10 }
step commit { COMMIT }

shows A.x = 2, A.y = 1
