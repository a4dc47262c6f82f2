# MAV-own-write: Monotonic atomic view, broken by an own write between reads: it lets one half of the other transaction in.
schema {
	CREATE TABLE item (id INTEGER PRIMARY KEY, value INTEGER NOT NULL) {table_end}
}
setup { INSERT INTO item (id, value) VALUES (1, 10), (2, 20) }

session A
step begin  { BEGIN }
step read   { SELECT value FROM item WHERE id = 1 } into x
step write  { UPDATE item SET value = value + 100 WHERE id = 1 }
step again  { SELECT value FROM item WHERE id = 1 } into y
step other  { SELECT value FROM item WHERE id = 2 } into z
step commit { COMMIT }

session B
step begin  { BEGIN }
step first  { UPDATE item SET value = 12 WHERE id = 1 }
step second { UPDATE item SET value = 18 WHERE id = 2 }
step commit { COMMIT }

shows A.y = 112, A.z = 20
