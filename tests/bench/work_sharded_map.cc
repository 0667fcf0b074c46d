// A hash map in shards, a std::mutex for each, used by two threads: one operation is a find or an insertion.
#include <barrier>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "measure.h"

namespace
{

constexpr std::uint64_t shard_count = 64;
constexpr std::uint64_t key_count = 50000;

struct alignas(64) shard {
	std::mutex mutex;
	std::unordered_map<std::string, std::uint64_t> values;
};

class sharded_map
{
      public:
	std::uint64_t find(const std::string &key)
	{
		shard &owner = shard_of(key);
		std::lock_guard<std::mutex> guard(owner.mutex);
		auto found = owner.values.find(key);
		return found == owner.values.end() ? 0 : found->second;
	}

	void insert(const std::string &key, std::uint64_t value)
	{
		shard &owner = shard_of(key);
		std::lock_guard<std::mutex> guard(owner.mutex);
		owner.values[key] = value;
	}

      private:
	shard &shard_of(const std::string &key)
	{
		return shards_[std::hash<std::string>{}(key) % shard_count];
	}

	std::vector<shard> shards_ = std::vector<shard>(shard_count);
};

struct workload {
	sharded_map map;
	std::vector<std::string> keys;
	std::barrier<> start{2}, end{2};
	std::uint64_t count = 0;

	void work(std::uint64_t seed)
	{
		std::uint64_t state = seed;
		for (std::uint64_t i = 0; i < count; i++) {
			state = state * 6364136223846793005u + 1442695040888963407u;
			const std::string &key = keys[(state >> 33) % keys.size()];
			if (state >> 62)
				map.find(key);
			else
				map.insert(key, state);
		}
	}

	void run(std::uint64_t operations)
	{
		count = operations;
		start.arrive_and_wait();
		work(1);
		end.arrive_and_wait();
	}
};

void run(void *context, std::uint64_t count)
{
	static_cast<workload *>(context)->run(count);
}

} // namespace

int main()
{
	measure_init(MEASURE_FREE);
	workload all;
	for (std::uint64_t i = 0; i < key_count; i++) {
		all.keys.push_back("key:" + std::to_string(i));
		all.map.insert(all.keys.back(), i);
	}
	std::thread([&all] {
		for (;;) {
			all.start.arrive_and_wait();
			all.work(2);
			all.end.arrive_and_wait();
		}
	}).detach();
	measure_run(run, &all, 2);
	std::quick_exit(0);
}
