// Lock/unlock pairs through the C++ library's guards, whose functions are calls where nothing is inlined.
//   --unique=1   std::unique_lock instead of std::lock_guard
#include <cstdint>
#include <mutex>

#include "measure.h"

namespace
{

std::mutex mutex;

void use_guard(void *, std::uint64_t count)
{
	for (std::uint64_t i = 0; i < count; i++)
		std::lock_guard<std::mutex> guard(mutex);
}

void use_unique(void *, std::uint64_t count)
{
	for (std::uint64_t i = 0; i < count; i++)
		std::unique_lock<std::mutex> guard(mutex);
}

} // namespace

int main(int, char *argv[])
{
	measure_init(MEASURE_PINNED);
	measure_start_idle_threads(1);
	measure_run(measure_option(argv, "unique", 0) ? use_unique : use_guard, nullptr, 1);
}
