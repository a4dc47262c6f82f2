# G2: Write skew by searches: both see that there is no such row, and both add one.
schema {
	CREATE TABLE item (id INTEGER PRIMARY KEY, value INTEGER NOT NULL) {table_end}
}
setup { INSERT INTO item (id, value) VALUES (1, 10), (2, 20) }

session A
step begin  { BEGIN }
step search { SELECT COUNT(*) FROM item WHERE value % 3 = 0 } into n
step insert { INSERT INTO item (id, value) VALUES (3, 30) }
step commit { COMMIT }

session B
step begin  { BEGIN }
step search { SELECT COUNT(*) FROM item WHERE value % 3 = 0 } into n
step insert { INSERT INTO item (id, value) VALUES (4, 42) }
step commit { COMMIT }

shows A.n = 0, B.n = 0
