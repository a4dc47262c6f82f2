# A statement that takes its time and waits for nobody, beside one that waits: a clock takes them for the same.
schema {
	CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL) {table_end}
}
setup { INSERT INTO account (id, balance) VALUES (1, 0) }

session A
step begin  { BEGIN }
step think  {
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150)
	SELECT COUNT(*) FROM n AS a, n AS b WHERE (a.i * b.i) % 7 = 3
}
step write  { UPDATE account SET balance = balance + 100 WHERE id = 1 }
step commit { COMMIT }
session B like A
