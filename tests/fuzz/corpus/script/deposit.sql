# Two deposits of 100, each read, thought about, and written back.
schema {
	CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL) {table_end}
}
setup { INSERT INTO account (id, balance) VALUES (1, 0) }

session A
step begin  { BEGIN }
step read   { SELECT balance FROM account WHERE id = 1 } into balance
step write  { UPDATE account SET balance = :balance + 100 WHERE id = 1 }
step commit { COMMIT }
session B like A
