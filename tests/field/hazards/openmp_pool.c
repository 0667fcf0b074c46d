/* libgomp keeps its pool of threads between parallel regions. The child inherits the pool without the
 * threads. */
#include "child.h"

static double sum_of_squares(int count)
{
	double sum = 0;

#pragma omp parallel for num_threads(4) reduction(+ : sum)
	for (int i = 0; i < count; i++)
		sum += (double)i * i;
	return sum;
}

int main(void)
{
	printf("parent: %.0f\n", sum_of_squares(1000));
	fflush(stdout);
	pid_t pid = fork();

	if (pid == 0) {
		printf("child: %.0f\n", sum_of_squares(1000));
		exit(0);
	}
	child_say_end(pid);
	return 0;
}
