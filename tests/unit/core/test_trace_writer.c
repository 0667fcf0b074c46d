#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace_writer_fixture.h"

Test(trace_writer, counts_without_a_file)
{
	core_start();
	cr_assert_not_null(trace_writer_run());
	cr_assert_null(trace_writer_image());
	trace_writer_add(&trace_writer_run()->threads, 2);
	cr_assert_eq(trace_writer_run()->threads, 2);
	cr_assert_null(append(1));
	trace_writer_notify();
}

Test(trace_writer, brings_counts_along_when_the_file_is_made)
{
	core_start();
	trace_writer_add(&trace_writer_run()->threads, 2);
	trace_writer_add(&trace_writer_run()->processes, 3);
	trace_writer_add(&trace_writer_run()->forks, 4);
	struct trace_run *before = trace_writer_run();
	trace_writer_open_run();
	cr_assert_neq(trace_writer_run(), before);
	cr_assert_eq(trace_writer_run()->threads, 2);
	cr_assert_eq(trace_writer_run()->processes, 3);
	cr_assert_eq(trace_writer_run()->forks, 4);
	cr_assert_eq(trace_writer_run()->images, 1);
}

Test(trace_writer, makes_each_file_once)
{
	const struct trace_image *image = open_image();

	trace_writer_open_image();
	trace_writer_open_run();
	cr_assert_eq(trace_writer_image(), image);
	cr_assert_eq(image->file.run_id, trace_writer_run()->file.run_id);
	cr_assert_eq(image->file.file_size_bytes, IMAGE_SIZE_BYTES);
}

Test(trace_writer, passes_the_options_on_to_the_run)
{
	core_start();
	config.on_deadlock = TRACE_ACTION_ABORT;
	config.trace_limit_bytes = 12345678;
	trace_writer_open_run();
	cr_assert_eq(trace_writer_run()->on_deadlock, TRACE_ACTION_ABORT);
	cr_assert_eq(trace_writer_run()->size_limit_bytes, 12345678);
	cr_assert_not(trace_writer_is_supervised());
}

Test(trace_writer, fills_a_record_s_header)
{
	open_image();
	struct trace_incident *found = append(0xabcdef);
	cr_assert_not_null(found);
	expect_sound(found);
	cr_assert_eq(found->record.pid, getpid());
	cr_assert_eq(found->record.tid, gettid());
	cr_assert_neq(found->record.time_ns, 0);
	cr_assert_eq((char *)found - (char *)trace_writer_image(), TRACE_HEADER_SIZE_BYTES);
}

Test(trace_writer, puts_records_at_granules)
{
	char *image = (char *)open_image();

	cr_assert_eq((char *)append(1) - image, TRACE_HEADER_SIZE_BYTES);
	cr_assert_eq((char *)append(2) - image, TRACE_HEADER_SIZE_BYTES + 2 * TRACE_GRANULE_BYTES);
	cr_assert_eq(trace_writer_image()->file.tail_bytes,
	             TRACE_HEADER_SIZE_BYTES + 4 * TRACE_GRANULE_BYTES);
}

/* The checksum covers sizes that are no multiple of a word. */
Test(trace_writer, copies_records_of_any_size)
{
	struct {
		struct trace_incident incident;
		char tail[64];
	} body = {.incident = incident_of(7)};

	open_image();
	memset(body.tail, 'x', sizeof body.tail);
	for (uint32_t more = 0; more < sizeof body.tail; more++) {
		struct trace_record *record = trace_writer_append(
		    TRACE_RECORD_INCIDENT, &body.incident.record, (uint32_t)sizeof body.incident + more, 72);
		cr_assert_eq(record->size_bytes, sizeof body.incident + more);
		cr_assert_arr_eq((char *)record + sizeof body.incident, body.tail, more);
		cr_assert_eq(((char *)record)[record->size_bytes], 0, "a byte too many was written");
		cr_assert_eq(record->checksum, trace_checksum((char *)record + 72, record->size_bytes - 72));
	}
}

Test(trace_writer, puts_a_record_in_place_of_another)
{
	open_image();
	struct trace_incident *old = append(1), body = incident_of(2);
	uint64_t tail = trace_writer_image()->file.tail_bytes;

	old->outcome = TRACE_OUTCOME_RETURNED;
	cr_assert_eq(trace_writer_rewrite(&old->record, &body.record, old->record.size_bytes, 72),
	             &old->record);
	expect_sound(old);
	cr_assert_eq(old->fault_hash, 2);
	cr_assert_eq(old->outcome, TRACE_OUTCOME_PENDING);
	cr_assert_eq(trace_writer_image()->file.tail_bytes, tail);
}

Test(trace_writer, leaves_a_record_of_another_size_or_owner_alone)
{
	open_image();
	struct trace_incident *old = append(1), body = incident_of(2);

	cr_assert_null(trace_writer_rewrite(&old->record, &body.record, old->record.size_bytes - 8, 72));
	old->record.state = TRACE_RECORD_CLAIMED; /* another process is at it */
	cr_assert_null(trace_writer_rewrite(&old->record, &body.record, old->record.size_bytes, 72));
	cr_assert_eq(old->fault_hash, 1);
}

Test(trace_writer, counts_what_a_full_file_drops)
{
	struct trace_image *image = open_image();
	unsigned written = 0;

	while (append(written + 1))
		written++;
	cr_assert_eq(written, (IMAGE_SIZE_BYTES - TRACE_HEADER_SIZE_BYTES) / (2 * TRACE_GRANULE_BYTES));
	cr_assert_eq(image->file.dropped_records, 1);
	for (int i = 0; i < 10; i++)
		cr_assert_null(append(1));
	cr_assert_eq(image->file.dropped_records, 11);
	cr_assert_leq(image->file.tail_bytes, image->file.file_size_bytes);
	cr_assert_eq(count_sound(image), written);
}

Test(trace_writer, finds_incidents_by_their_hash)
{
	uint64_t position = 0;

	open_image();
	struct trace_incident *first = append(1), *other = append(2), *second = append(1);
	cr_assert_eq(trace_writer_find(1, &position), first);
	cr_assert_eq(trace_writer_find(1, &position), second);
	cr_assert_null(trace_writer_find(1, &position));
	position = 0;
	cr_assert_eq(trace_writer_find(2, &position), other);
	position = 0;
	cr_assert_null(trace_writer_find(3, &position));
}

/* Claims room and fills it, but for the last store, as a writer that is killed in between. The inside is the
 * worst that a frame table holds: at every granule what looks like a committed record of no size. */
static void leave_uncommitted(uint32_t granules)
{
	struct trace_file_header *file = &trace_writer_image()->file;
	char *at = (char *)file +
	           __atomic_fetch_add(&file->tail_bytes, granules * TRACE_GRANULE_BYTES, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < granules; i++) {
		struct trace_record *inside = (struct trace_record *)(at + i * TRACE_GRANULE_BYTES);
		*inside =
		    (struct trace_record){.type = TRACE_RECORD_INCIDENT, .state = TRACE_RECORD_COMMITTED};
	}
	*(struct trace_record *)at = (struct trace_record){
	    .magic = TRACE_RECORD_MAGIC,
	    .type = TRACE_RECORD_INCIDENT,
	    .size_bytes = granules * TRACE_GRANULE_BYTES,
	    .state = TRACE_RECORD_CLAIMED,
	};
}

Test(trace_writer, finds_what_stands_behind_an_uncommitted_record, .timeout = 60)
{
	uint64_t position = 0;

	open_image();
	append(1);
	leave_uncommitted(4);
	struct trace_incident *behind = append(2);
	cr_assert_eq(trace_writer_find(2, &position), behind);
	cr_assert_null(trace_writer_find(2, &position));
}

Test(trace_writer, takes_nothing_inside_an_uncommitted_record_for_one, .timeout = 60)
{
	uint64_t position = 0;

	open_image();
	leave_uncommitted(4);
	cr_assert_null(trace_writer_find(0, &position));
}

static void write_until_killed(uint64_t *appended)
{
	trace_writer_child(getpid());
	for (int i = 0; i < KILLED_RECORDS_MAX; i++) {
		append(1);
		__atomic_fetch_add(appended, 1, __ATOMIC_SEQ_CST);
	}
	for (;;)
		pause();
}

Test(trace_writer, loses_nothing_when_it_is_killed_at_any_moment, .timeout = 120)
{
	struct trace_image *image = open_image();
	uint64_t *appended = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t expected = 0;

	for (uint64_t round = 0; round < KILLED_WRITERS; round++) {
		__atomic_store_n(appended, 0, __ATOMIC_SEQ_CST);
		pid_t child = fork();
		if (child == 0)
			write_until_killed(appended);
		while (__atomic_load_n(appended, __ATOMIC_SEQ_CST) < round % KILLED_RECORDS_MAX)
			sched_yield();
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		cr_assert_not_null(append(2));
		expected += *appended + 1;
	}
	/* A kill between the commit and the count leaves one more record than was counted, each round. */
	cr_assert_geq(count_sound(image), expected);
	cr_assert_leq(count_sound(image), expected + KILLED_WRITERS);
	cr_assert_eq(image->file.dropped_records, 0);
}

static void write_many(uint64_t stamp)
{
	trace_writer_child(getpid());
	for (uint64_t i = 0; i < RECORDS_EACH; i++)
		if (!append(stamp << 32 | i))
			_exit(1);
	_exit(0);
}

Test(trace_writer, keeps_the_records_of_processes_apart, .timeout = 60)
{
	struct trace_image *image = open_image();
	pid_t writer[WRITERS];
	unsigned seen[WRITERS] = {0};

	for (uint64_t i = 0; i < WRITERS; i++) {
		writer[i] = fork();
		if (writer[i] == 0)
			write_many(i + 1);
	}
	for (int i = 0; i < WRITERS; i++)
		cr_assert_eq(core_wait(writer[i]), 0);
	cr_assert_eq(count_sound(image), WRITERS * RECORDS_EACH);
	for (uint64_t at = TRACE_HEADER_SIZE_BYTES; at < image->file.tail_bytes;
	     at += 2 * TRACE_GRANULE_BYTES) {
		const struct trace_incident *found =
		    (const struct trace_incident *)((const char *)image + at);
		unsigned who = (unsigned)(found->fault_hash >> 32) - 1;
		cr_assert_lt(who, WRITERS);
		cr_assert_eq(found->record.pid, writer[who]);
		cr_assert_eq((uint32_t)found->fault_hash, seen[who]++,
		             "the records of one writer are out of order");
	}
}
