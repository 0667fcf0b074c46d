// A boost::asio::thread_pool: the child posts to the pool whose threads stayed in the parent, and waits for
// the answer on a condition variable that it has just made.
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/thread/future.hpp>
#include "child.h"

static boost::asio::thread_pool pool(2);

static int in_background()
{
	boost::promise<int> done;

	boost::asio::post(pool, [&] { done.set_value(42); });
	return done.get_future().get();
}

int main()
{
	printf("parent: %d\n", in_background());
	fflush(stdout);
	wait_until_others_sleep();
	pid_t pid = fork();

	if (pid == 0) {
		printf("child: %d\n", in_background());
		_exit(0);
	}
	child_say_end(pid);
	pool.join();
}
