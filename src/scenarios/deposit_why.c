/* What `racy explain` says of each way to write a deposit: what it does, whether it races and how, what the
 * engines and levels make of it. Figures stand beside the command that gives them. */
#include "scenarios/deposit_why.h"

const char atomic_long_delay_why[] =
	"A transaction around everything, and a long pause between the read and the write.\n"
	"\n"
	"It races. A transaction makes the two writes one: both are there or none. It does not make the\n"
	"read stay true: nobody locked the row, so two requests read the same balance, both add to it, and\n"
	"the second write erases the first. Every customer is told 200 OK, every deposit is on record, and\n"
	"the balance is short.\n"
	"\n"
	"On MariaDB this holds at READ UNCOMMITTED, READ COMMITTED (which Django sets) and\n"
	"REPEATABLE READ alike. With innodb_snapshot_isolation=ON at REPEATABLE READ the late writer is\n"
	"refused instead (error 1020), and at SERIALIZABLE by a deadlock (1213). Now and then a request is\n"
	"refused by a deadlock at every level: the INSERT's foreign key takes a shared lock on the account,\n"
	"which two requests can hold at the same time and both then want to upgrade for the UPDATE.\n"
	"On PostgreSQL it loses at READ COMMITTED, its default, and the late writer is refused (40001) from\n"
	"REPEATABLE READ on.\n"
	"On SQLite it loses nothing: a transaction that has read may not write once another has written\n"
	"(SQLITE_BUSY_SNAPSHOT), so that all but one of those that overlap are refused at once.\n"
	"\n"
	"Measured (racy run deposit/atomic_long_delay --db mariadb, MariaDB 10.11): 10 deposits of 100 at\n"
	"once on 3 workers leave a balance of 300 to 400.";

const char non_atomic_long_delay_why[] =
	"No transaction: each statement stands for itself; a long pause between the read and the write.\n"
	"\n"
	"It races on every engine and at every isolation level, as levels are about transactions and there is\n"
	"none around it. (Each statement is one of its own: on PostgreSQL from REPEATABLE READ on an UPDATE\n"
	"that has waited is refused, 40001, and the deposit that was recorded before it is torn.) Whoever\n"
	"writes last wins; everybody who read the same balance before is erased. It can also leave a torn\n"
	"deposit: when the worker dies or the database refuses between the INSERT and the UPDATE, the deposit\n"
	"is recorded and never reaches the balance.\n"
	"\n"
	"Measured (racy run deposit/non_atomic_long_delay --db mariadb, MariaDB 10.11): 10 deposits of 100\n"
	"at once on 3 workers leave a balance of 300 to 400, hardly different from the atomic one: the\n"
	"transaction was not what was missing.";

const char atomic_no_delay_why[] =
	"A transaction around everything, and no pause: the code that passes every test in development.\n"
	"\n"
	"It races all the same; the window is only shorter. A short window is met seldom by one user and\n"
	"often by many: \"too short to race\" is never true. Measured (racy run deposit/atomic_no_delay\n"
	"--db mariadb -n 2000, MariaDB 10.11 at READ COMMITTED): 17 to 32 % of what was recorded was lost\n"
	"and 13 to 19 % refused with 3 workers, 31 to 33 % and 46 to 47 % with --workers 8. The refusals are\n"
	"deadlocks (1213): the INSERT's foreign key takes a shared lock on the account that both requests\n"
	"then want to upgrade.\n"
	"\n"
	"What the engines and levels do with it is told under atomic_long_delay: MariaDB loses up to\n"
	"REPEATABLE READ, and refuses with innodb_snapshot_isolation=ON or at SERIALIZABLE; SQLite refuses.";

const char non_atomic_no_delay_why[] =
	"No transaction and no pause: read, insert, update.\n"
	"\n"
	"It races on every engine and at every isolation level. Measured (racy run\n"
	"deposit/non_atomic_no_delay --db mariadb -n 2000, MariaDB 10.11): 57 % of what was recorded was lost\n"
	"with 3 workers, 81 to 84 % with --workers 8. Nothing was refused in those runs, so nothing warns:\n"
	"every request was answered 200.\n"
	"Without a transaction a deposit can be torn: recorded, and never added to the balance, when the\n"
	"worker dies or the database refuses between the INSERT and the UPDATE (on SQLite with no patience\n"
	"for locks, say).";

const char row_locking_atomic_long_delay_why[] =
	"A transaction that locks the row when it reads it (SELECT ... FOR UPDATE), then the long pause.\n"
	"\n"
	"Among requests that all do so, no deposit was ever seen lost: the second reads only when the first\n"
	"has committed, so what it read is still true when it writes. The price is that they wait for each\n"
	"other: ten deposits take ten pauses, however many workers there are, and who waits longer than the\n"
	"worker's time-out is killed with nothing done (8 workers, 30 s: 4 of 10 were recorded).\n"
	"\n"
	"It protects only against those who lock too. A non-locking deposit beside it reads past the lock\n"
	"(plain reads are not blocked) and its UPDATE, which waits for the lock, then erases the locking\n"
	"one: a no_delay deposit of 1 that starts while a locking deposit of 100 sleeps ends in balance 1\n"
	"with both recorded. See: racy run deposit/row_locking_atomic_long_delay --mix non_atomic_no_delay\n"
	"\n"
	"On MariaDB the lock is on the row, at every level; on PostgreSQL too, but from REPEATABLE\n"
	"READ on who has waited for it is refused (40001). SQLite has no row locks: there it is\n"
	"BEGIN IMMEDIATE, a lock on the whole database, and other accounts wait as well.";

const char atomic_update_why[] =
	"The database adds: UPDATE ... SET balance = balance + amount. Nothing that was read before is written\n"
	"back, so there is nothing to be stale.\n"
	"\n"
	"In its transaction no deposit was ever seen lost, on any engine and at any level. The row is locked by\n"
	"the UPDATE itself, for as long as the rest of the transaction takes; nothing is read first, so there\n"
	"is no pause. The INSERT stands before the UPDATE, as in the other ways, and on MariaDB that has a\n"
	"price: its foreign key takes a shared lock on the account, which two requests can hold at the same\n"
	"time and both then want to upgrade. One of them is refused by a deadlock (1213), at every level.\n"
	"update_first is the same work without it. On PostgreSQL the foreign key's lock (FOR KEY SHARE) does\n"
	"not conflict with the UPDATE of another column; there it waits at READ COMMITTED, and from REPEATABLE\n"
	"READ on who has waited is refused (40001), since the row has changed since the transaction's snapshot.\n"
	"\n"
	"It needs an operation that the database can express. Where the new value takes more than arithmetic (a\n"
	"limit, a rate, another service), it does not apply.";

const char update_first_why[] =
	"As atomic_update, and the UPDATE stands before the INSERT: the same work without the foreign key's\n"
	"deadlock.\n"
	"\n"
	"In its transaction no deposit was ever seen lost. The UPDATE takes the exclusive lock at once, and the\n"
	"INSERT's foreign key finds the account locked by its own transaction: nobody holds a shared lock that\n"
	"must be upgraded, so that on MariaDB nobody is refused either. From REPEATABLE READ on PostgreSQL\n"
	"refuses who has waited (40001), whatever the order of statements.";

const char optimistic_version_why[] =
	"Reads a version beside the balance and takes the next version when it writes: UPDATE ... WHERE version =\n"
	"what was read. Where 0 rows match, somebody else has written since; the request is refused (503,\n"
	"\"conflict\") and may be tried again from the start: see --max-tries.\n"
	"\n"
	"Nothing is locked while it thinks, and no deposit was ever seen lost. The price is paid by those who\n"
	"come second: at high contention most of the work is done in vain.\n"
	"Two details carry it. The version is read before the balance: were it read after, a balance that is\n"
	"already too old could pass. And both writes are in one transaction: the version is kept in a table of\n"
	"racy's own (racy_version), so that a table that somebody else made stays as it is; without the\n"
	"transaction (--no-transaction) another request can read the new version and still the old balance. A\n"
	"version column in the same row would not have this gap.\n"
	"\n"
	"At stricter levels the database mostly refuses first: PostgreSQL from REPEATABLE READ on (40001), MariaDB\n"
	"at SERIALIZABLE (1213) and with innodb_snapshot_isolation=ON (1020), SQLite always\n"
	"(SQLITE_BUSY_SNAPSHOT): the same answer with another reason.";

const char compare_and_set_why[] =
	"Writes only if the balance is still what was read: UPDATE ... WHERE id = ? AND balance = ?. 0 rows are a\n"
	"conflict: the request is refused (503) and may be tried again from the start: see --max-tries.\n"
	"\n"
	"No deposit was ever seen lost, and it needs no column more. It asks whether the value is the same, not\n"
	"whether nobody has written: where a value can come back (a deposit and a withdrawal of the same amount)\n"
	"a version tells more.\n"
	"The number of rows must count those that matched. MariaDB by themselves count those that\n"
	"changed, and would report 0 for a deposit of nothing; racy asks for matched rows (CLIENT_FOUND_ROWS).\n"
	"The UPDATE stands before the INSERT, so that a conflict leaves nothing behind even without a\n"
	"transaction. At stricter levels the database refuses first, as it does with optimistic_version.";

const char serializable_why[] =
	"The code of atomic_long_delay, at SERIALIZABLE whatever the session's level is: the level is the\n"
	"variant's own.\n"
	"\n"
	"No deposit was ever seen lost: the database finds out that two requests cannot have been one after the\n"
	"other and refuses one of them. How it does so differs. MariaDB turn the plain read into a\n"
	"locking one (shared): two who hold it both want to write, a deadlock (1213). PostgreSQL lets both go on\n"
	"and refuses the late writer (40001). SQLite is at this level always and refuses the late writer at once\n"
	"(SQLITE_BUSY_SNAPSHOT).\n"
	"A refusal is an answer that the code must expect: without trying again (--max-tries) customers see it.";

const char for_share_why[] =
	"Locks the row when it reads it, but for reading only (FOR SHARE, LOCK IN SHARE MODE): \"nobody may change\n"
	"it while I think\".\n"
	"\n"
	"Several may hold that lock at the same time, and each then wants to write: all wait for each other, a\n"
	"deadlock, and the database refuses all but one. No deposit was ever seen lost, and it is the dearest way\n"
	"not to lose one. Who wants to write must lock for writing (FOR UPDATE).\n"
	"On PostgreSQL a deadlock is looked for only after deadlock_timeout (a second, if nobody changed it), so\n"
	"that every refusal takes at least so long. SQLite has no such lock: not applicable.";

const char advisory_lock_why[] =
	"A lock that only the application knows of, named after the account: GET_LOCK on MariaDB,\n"
	"pg_advisory_xact_lock on PostgreSQL.\n"
	"\n"
	"Among requests that all take it no deposit was ever seen lost on MariaDB at any level, and on PostgreSQL\n"
	"at READ COMMITTED. It has nothing to do with rows: who does not ask for it, a report, an admin page,\n"
	"another service, is not held up and overwrites as ever.\n"
	"The end matters. MariaDB's lock belongs to the connection, not to the transaction: it must be given back\n"
	"after the COMMIT (before it, the next one reads the old balance) and in every case, or the connection\n"
	"keeps it when it goes back to its pool. PostgreSQL's ends with the transaction by itself; but the\n"
	"statement that waits for it is the one that takes the snapshot, so that from REPEATABLE READ on who has\n"
	"waited reads the old balance and is refused when it writes (40001). Without a transaction\n"
	"(--no-transaction) PostgreSQL's lock ends at once and protects nothing. SQLite has none: not applicable.";

const char ledger_why[] =
	"Keeps no balance. A deposit is a row in the list of transactions, and the balance is their sum, asked for\n"
	"when somebody wants to know it.\n"
	"\n"
	"There is nothing to overwrite, so that nothing can be lost: two who insert do not even wait for each\n"
	"other. The price is the sum, which grows with the list (banks close the books now and then and begin with\n"
	"a carried balance), and that the account's own balance column means nothing here.\n"
	"What a sum cannot protect is a rule over it: \"never below zero\" is checked against a sum that another\n"
	"request may be changing, and two withdrawals can both pass the check (write skew).";

const char retry_lost_commit_why[] =
	"The code of update_first; but whoever runs it tries again when the answer to COMMIT was lost, as if\n"
	"that were a refusal.\n"
	"\n"
	"A broken connection does not say whether the COMMIT was carried out before it broke. Tried again, the\n"
	"deposit is made twice, and no isolation level and no lock has anything to do with it. See it:\n"
	"    racy run deposit/retry_lost_commit --db mariadb --max-tries 3 --fault commit:lose/3\n"
	"Every third request's first COMMIT arrives at the server and is carried out, and its answer does not come\n"
	"back. The other ways answer 503 without a Retry-After then (\"it may have been done or not\"), and leave\n"
	"the question to somebody who can look. What helps is an operation that can be made twice: a key of the\n"
	"request that is unique in the table, so that the second INSERT is refused.\n"
	"Without --fault, or with one try, it does what update_first does.";
