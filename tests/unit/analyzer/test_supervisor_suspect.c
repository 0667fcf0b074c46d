/* What the supervisor takes for proof of a hang. */
#include <criterion/criterion.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proc_wait.h"
#include "supervisor_incidents.h"
#include "supervisor_suspect.h"
#include "trace_format.h"

/* A child whose main thread sleeps on a mutex that was taken by a thread that is not there. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t held;
static pid_t holder_tid;

static void *hold(void *unused)
{
	holder_tid = gettid();
	pthread_mutex_lock(&lock);
	pthread_barrier_wait(&held);
	for (;;)
		pause();
	return unused;
}

static pid_t fork_hung_child(void)
{
	pthread_t thread;

	pthread_barrier_init(&held, NULL, 2);
	pthread_create(&thread, NULL, hold, NULL);
	pthread_barrier_wait(&held);
	pid_t pid = fork();
	if (pid == 0) {
		pthread_mutex_lock(&lock);
		_exit(0);
	}
	struct proc_wait wait;
	do
		proc_wait_read(pid, pid, &wait);
	while (wait.state == PROC_WAIT_OTHER);
	return pid;
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static struct pending_incident incident_of(pid_t pid)
{
	return (struct pending_incident){
	    .pid = pid,
	    .tid = pid,
	    .time_ns = now(),
	    .lock_address = (uintptr_t)&lock,
	    .lock_kind = TRACE_LOCK_MUTEX,
	    .proof = TRACE_PROOF_OWNER_WORD,
	    .holder_tid = holder_tid,
	    .own_pending = true,
	};
}

/* Looks as often as the suspect asks for within the span, on a clock of its own. */
static enum suspect_state examine_for(struct pending_incident incident, uint64_t span_ms)
{
	uint64_t start_ns = now();
	struct suspect suspect;

	supervisor_suspect_init(&suspect, &incident, start_ns);
	for (uint64_t at_ns = start_ns; at_ns <= start_ns + span_ms * 1000000; at_ns = suspect.due_ns) {
		supervisor_suspect_examine(&suspect, at_ns);
		if (suspect.state != SUSPECT_WATCHED)
			break;
		cr_assert_gt(suspect.due_ns, at_ns);
	}
	return suspect.state;
}

Test(supervisor_suspect, proves_a_hang_only_over_a_span_of_time, .timeout = 60)
{
	pid_t pid = fork_hung_child();

	cr_assert_eq(examine_for(incident_of(pid), 49), SUSPECT_WATCHED);
	cr_assert_eq(examine_for(incident_of(pid), 100), SUSPECT_PROVEN);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	cr_assert_eq(examine_for(incident_of(pid), 100), SUSPECT_CLEARED);
}

Test(supervisor_suspect, does_not_take_another_lock_or_owner_for_it, .timeout = 60)
{
	pid_t pid = fork_hung_child();
	struct pending_incident other = incident_of(pid);

	other.lock_address += 64;
	cr_assert_eq(examine_for(other, 5000), SUSPECT_WATCHED);
	other.lock_address -= 128;
	cr_assert_eq(examine_for(other, 5000), SUSPECT_WATCHED);
	other = incident_of(pid);
	other.holder_tid++;
	cr_assert_eq(examine_for(other, 5000), SUSPECT_WATCHED);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* A child that tries the same lock for ever, and sleeps in between. */
static pid_t fork_trying_child(void (*handler)(int))
{
	pthread_t thread;
	int ready[2];
	char byte = 0;

	pthread_barrier_init(&held, NULL, 2);
	pthread_create(&thread, NULL, hold, NULL);
	pthread_barrier_wait(&held);
	cr_assert_eq(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		for (int number = 1; number < SIGSYS; number++)
			signal(number, SIG_DFL);
		signal(SIGUSR1, handler);
		cr_assert_eq(write(ready[1], &byte, 1), 1);
		while (pthread_mutex_trylock(&lock) != 0)
			usleep(1000);
		_exit(0);
	}
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	return pid;
}

static void nothing(int number)
{
	(void)number;
}

Test(supervisor_suspect, proves_an_endless_loop_by_the_library_s_word_over_two_seconds, .timeout = 60)
{
	pid_t pid = fork_trying_child(SIG_DFL);
	struct pending_incident incident = incident_of(pid);

	cr_assert_eq(examine_for(incident, 5000), SUSPECT_WATCHED);
	incident.observed = TRACE_SPINS_ON_VANISHED;
	cr_assert_eq(examine_for(incident, 1999), SUSPECT_WATCHED);
	cr_assert_eq(examine_for(incident, 2100), SUSPECT_PROVEN);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

Test(supervisor_suspect, leaves_a_loop_alone_that_a_handler_could_end, .timeout = 60)
{
	pid_t pid = fork_trying_child(nothing);
	struct pending_incident incident = incident_of(pid);

	incident.observed = TRACE_SPINS_ON_VANISHED;
	cr_assert_eq(examine_for(incident, 5000), SUSPECT_WATCHED);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

Test(supervisor_suspect, clears_a_process_that_is_not_of_the_tree, .timeout = 60)
{
	pid_t pid = fork_hung_child();
	pid_t judge = fork();

	if (judge == 0) /* in which the hung child is a sibling */
		_exit(examine_for(incident_of(pid), 1000) == SUSPECT_CLEARED ? 0 : 1);
	int status;
	waitpid(judge, &status, 0);
	cr_assert_eq(status, 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

Test(supervisor_suspect, clears_a_pid_that_was_given_again, .timeout = 60)
{
	pid_t pid = fork_hung_child();
	struct pending_incident older = incident_of(pid);

	older.time_ns -= UINT64_C(3600000000000);
	cr_assert_eq(examine_for(older, 1000), SUSPECT_CLEARED);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

Test(supervisor_suspect, leaves_a_stopped_process_alone, .timeout = 60)
{
	pid_t pid = fork_hung_child();
	int status;

	kill(pid, SIGSTOP);
	cr_assert_eq(waitpid(pid, &status, WUNTRACED), pid);
	cr_assert_eq(examine_for(incident_of(pid), 5000), SUSPECT_WATCHED);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

Test(supervisor_suspect, recognises_a_hang_that_the_trace_only_counts, .timeout = 60)
{
	struct pending_incident incident;
	pid_t pid = fork_hung_child();

	cr_assert(supervisor_suspect_recognise(pid, pid, &incident));
	cr_assert_eq(incident.lock_address, (uintptr_t)&lock);
	cr_assert_eq(incident.holder_tid, holder_tid);
	cr_assert_eq(examine_for(incident, 100), SUSPECT_PROVEN);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	cr_assert_not(supervisor_suspect_recognise(pid, pid, &incident));
}

Test(supervisor_suspect, does_not_recognise_a_wait_for_a_live_owner, .timeout = 60)
{
	struct pending_incident incident;
	pid_t pid = fork();

	if (pid == 0) {
		/* The same picture, but the owner is a thread of this very process. */
		pthread_t thread;

		pthread_barrier_init(&held, NULL, 2);
		pthread_create(&thread, NULL, hold, NULL);
		pthread_barrier_wait(&held);
		pthread_mutex_lock(&lock);
		_exit(0);
	}
	struct proc_wait wait;
	do
		proc_wait_read(pid, pid, &wait);
	while (wait.state != PROC_WAIT_FUTEX || wait.address != (uintptr_t)&lock);
	cr_assert_not(supervisor_suspect_recognise(pid, pid, &incident));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* A child whose main thread sleeps on the loader's own lock, which a thread held that is not there. In the
 * parent it lets go: LeakSanitizer wants the lock at the end. */
static pthread_barrier_t forked;

static int stay(struct dl_phdr_info *info, size_t size, void *stays)
{
	(void)info;
	(void)size;
	if (!stays)
		return 1;
	pthread_barrier_wait(&held);
	pthread_barrier_wait(&forked);
	return 1;
}

static void *walk(void *unused)
{
	dl_iterate_phdr(stay, &held);
	return unused;
}

static pid_t fork_child_hung_in_libc(bool with_thread)
{
	pthread_t thread;

	pthread_barrier_init(&held, NULL, 2);
	pthread_barrier_init(&forked, NULL, 2);
	pthread_create(&thread, NULL, walk, NULL);
	pthread_barrier_wait(&held);
	pid_t pid = fork();
	if (pid == 0) {
		if (with_thread)
			pthread_create(&thread, NULL, hold, NULL);
		dl_iterate_phdr(stay, NULL);
		_exit(0);
	}
	pthread_barrier_wait(&forked);
	pthread_join(thread, NULL);
	struct proc_wait wait;
	do
		proc_wait_read(pid, pid, &wait);
	while (wait.state != PROC_WAIT_FUTEX);
	return pid;
}

static struct pending_incident libc_incident_of(pid_t pid)
{
	struct pending_incident incident = incident_of(pid);

	incident.lock_kind = TRACE_LOCK_LIBC;
	incident.lock_address = 64;
	incident.proof = TRACE_PROOF_RECORD;
	return incident;
}

Test(supervisor_suspect, proves_a_hang_on_libc_s_own_data_over_a_second, .timeout = 60)
{
	pid_t pid = fork_child_hung_in_libc(false);

	cr_assert_eq(examine_for(libc_incident_of(pid), 949), SUSPECT_WATCHED);
	cr_assert_eq(examine_for(libc_incident_of(pid), 1100), SUSPECT_PROVEN);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

Test(supervisor_suspect, does_not_prove_one_beside_other_threads, .timeout = 60)
{
	pthread_barrier_init(&held, NULL, 1);
	pid_t pid = fork_child_hung_in_libc(true);

	cr_assert_eq(examine_for(libc_incident_of(pid), 5000), SUSPECT_WATCHED);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

Test(supervisor_suspect, does_not_take_a_lock_of_the_program_s_for_libc_s, .timeout = 60)
{
	pid_t pid = fork_hung_child();

	cr_assert_eq(examine_for(libc_incident_of(pid), 5000), SUSPECT_WATCHED);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
