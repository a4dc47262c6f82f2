# G1a: Aborted read: a value is seen that is taken back.
schema {
	CREATE TABLE item (id INTEGER PRIMARY KEY, value INTEGER NOT NULL) {table_end}
}
setup { INSERT INTO item (id, value) VALUES (1, 10), (2, 20) }

session A
step begin    { BEGIN }
step write    { UPDATE item SET value = 101 WHERE id = 1 }
step rollback { ROLLBACK }

session B
step begin  { BEGIN }
step read   { SELECT value FROM item WHERE id = 1 } into x
step again  { SELECT value FROM item WHERE id = 1 } into y
step commit { COMMIT }

shows B.x = 101
shows B.y = 101
