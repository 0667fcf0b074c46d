/* A connection to SQLite that is used in the child as well, while a thread of the parent is in a statement:
 * each connection has a lock. */
#include <sqlite3.h>
#include "inside.h"

static sqlite3 *db;

static int progress(void *unused)
{
	(void)unused;
	stay_inside();
	return 1;
}

static void count_rows(void)
{
	sqlite3_exec(db,
	             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
	             NULL, NULL, NULL);
}

static void read_row(void)
{
	sqlite3_exec(db, "SELECT 1", NULL, NULL, NULL);
}

int main(void)
{
	if (sqlite3_open(":memory:", &db) != SQLITE_OK)
		return 99;
	sqlite3_progress_handler(db, 1000, progress, NULL);
	fork_beside(count_rows, read_row);
	return 0;
}
