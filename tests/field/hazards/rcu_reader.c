/* Userspace RCU: a thread reads while main forks. The child waits until all readers have left, that one, too.
 */
#include <urcu.h>
#include "inside.h"

static void read_table(void)
{
	rcu_register_thread();
	rcu_read_lock();
	stay_inside();
	rcu_read_unlock();
	rcu_unregister_thread();
}

static void replace_table(void)
{
	synchronize_rcu();
}

int main(void)
{
	rcu_register_thread();
	fork_beside(read_table, replace_table);
	return 0;
}
