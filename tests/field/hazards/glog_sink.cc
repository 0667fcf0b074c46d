// glog keeps its list of sinks under a read-write lock. A thread is in a sink while main forks; the child
// adds one of its own.
#include <ctime>
#include <glog/logging.h>
#include "inside.h"

class slow_sink : public google::LogSink
{
      public:
	void send(google::LogSeverity, const char *, const char *, int, const struct ::tm *, const char *,
	          std::size_t) override
	{
		stay_inside();
	}
};

static slow_sink of_program, of_child;

static void work()
{
	LOG(INFO) << "from the worker";
}

static void serve()
{
	google::AddLogSink(&of_child);
}

int main(int, char **argv)
{
	FLAGS_logtostderr = true;
	google::InitGoogleLogging(argv[0]);
	google::AddLogSink(&of_program);
	fork_beside(work, serve);
}
