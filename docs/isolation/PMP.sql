# PMP: Predicate-many-preceders: a row that a first search should have found is found by a second one.
schema {
	CREATE TABLE item (id INTEGER PRIMARY KEY, value INTEGER NOT NULL) {table_end}
}
setup { INSERT INTO item (id, value) VALUES (1, 10), (2, 20) }

session A
step begin  { BEGIN }
step search { SELECT COUNT(*) FROM item WHERE value = 30 } into x
step again  { SELECT COUNT(*) FROM item WHERE value % 3 = 0 } into y
step commit { COMMIT }

session B
step begin  { BEGIN }
step insert { INSERT INTO item (id, value) VALUES (3, 30) }
step commit { COMMIT }

shows A.x = 0, A.y = 1
