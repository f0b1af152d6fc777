/* producer.c - the traced program: producer (calls N | seconds S) WORK; calls getppid in a loop, with WORK
 * steps of something else between two calls, and prints "CALLS NANOSECONDS". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static unsigned long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000UL + t.tv_nsec;
}

int main(int argc, char **argv)
{
	unsigned long calls = 0, most = ~0UL, nanoseconds = ~0UL, spent, begin, work;

	if (argc == 4 && !strcmp(argv[1], "calls"))
		most = strtoul(argv[2], NULL, 10);
	else if (argc == 4 && !strcmp(argv[1], "seconds"))
		nanoseconds = strtod(argv[2], NULL) * 1e9;
	else
		return 2;
	work = strtoul(argv[3], NULL, 10);
	begin = now();
	do {
		for (int i = 0; i < 256 && calls < most; i++, calls++) {
			syscall(SYS_getppid);
			for (volatile unsigned long step = 0; step < work; step++)
				;
		}
		spent = now() - begin;
	} while (calls < most && spent < nanoseconds);
	printf("%lu %lu\n", calls, spent);
	return 0;
}
