// oneTBB starts its workers once. The child inherits the arena that counts on them: work handed to it is
// never done.
#include <atomic>
#include <future>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>
#include "child.h"

static int squares_done()
{
	std::atomic<int> done{0};

	tbb::parallel_for(0, 1000, [&](int) { ++done; });
	return done;
}

static tbb::task_arena arena(2);

static int in_background()
{
	std::promise<int> done;

	arena.enqueue([&] { done.set_value(squares_done()); });
	return done.get_future().get();
}

int main()
{
	printf("parent: %d\n", in_background());
	fflush(stdout);
	pid_t pid = fork();

	if (pid == 0) {
		printf("child: %d\n", in_background());
		exit(0);
	}
	child_say_end(pid);
}
