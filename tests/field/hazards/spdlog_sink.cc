// spdlog writes to each of its sinks under a lock. A thread is in a sink, as it would be in one whose disk is
// slow, while main forks; the child logs.
#include <memory>
#include <mutex>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include "inside.h"

class slow_sink : public spdlog::sinks::base_sink<std::mutex>
{
      protected:
	void sink_it_(const spdlog::details::log_msg &) override { stay_inside(); }
	void flush_() override {}
};

static spdlog::logger logger("field", std::make_shared<slow_sink>());

static void work()
{
	logger.info("from the worker");
}

static void serve()
{
	logger.info("from the child");
}

int main()
{
	fork_beside(work, serve);
}
