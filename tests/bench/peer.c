/* peer.c - what a C program on libbpf does with the same BPF object.
 *
 *   peer                                     say which libbpf it is
 *   peer OBJECT                              say how many seconds it takes to load and attach it
 *   peer OBJECT WATERMARK                    what shared.Consumer does, "loop"
 *   peer OBJECT WATERMARK PRODUCER RECORDS   the same, "fill"
 *
 * WATERMARK: bytes after which the kernel wakes it, 0: for each record. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum { PAGES = 64, FILLS = 30, LONE = 64 };

struct data_t {
	unsigned long long ts;
	unsigned int pid, nr;
	char comm[16];
};

static volatile sig_atomic_t asked;
static volatile unsigned long sink; /* what was read, so that it is */
static unsigned long received, lost, delays[LONE];

static void ask(int number)
{
	(void)number;
	asked = 1;
}

static unsigned long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000UL + t.tv_nsec;
}

static enum bpf_perf_event_ret on_event(void *context, int cpu, struct perf_event_header *event)
{
	(void)context, (void)cpu;
	if (event->type == PERF_RECORD_SAMPLE) {
		const struct data_t *e = (void *)((char *)(event + 1) + sizeof(unsigned int));

		sink += e->ts;
		if (event->size > sizeof(*e)) /* not where the record is but a number */
			sink += e->pid + e->comm[0];
		if (received < LONE)
			delays[received] = now() - e->ts;
		received++;
	} else if (event->type == PERF_RECORD_LOST) {
		lost += ((unsigned long long *)(event + 1))[1];
	}
	return LIBBPF_PERF_EVENT_CONT;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void fill(struct perf_buffer *buffer, const char *producer, unsigned int records)
{
	unsigned long before, begin;
	double best = 1e9, each;
	char command[4096];

	snprintf(command, sizeof(command), "exec '%s' calls %u 0 >/dev/null", producer, records);
	for (int i = 0; i < FILLS; i++) {
		before = received;
		if (system(command))
			fail("run the producer");
		begin = now();
		perf_buffer__consume(buffer);
		each = (double)(now() - begin) / records;
		if (received - before != records)
			fail("receive all");
		if (each < best)
			best = each;
	}
	printf("%f\n", best);
}

static int compare(const void *a, const void *b)
{
	unsigned long x = *(unsigned long *)a, y = *(unsigned long *)b;

	return (x > y) - (x < y);
}

static void report(void)
{
	unsigned long count = received < LONE ? received : LONE;
	struct rusage used;

	asked = 0;
	getrusage(RUSAGE_SELF, &used);
	qsort(delays, count, sizeof(*delays), compare);
	printf("%lu %lu %f %ld %lu %lu\n", received, lost, used.ru_utime.tv_sec + used.ru_stime.tv_sec +
	       (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6, used.ru_maxrss,
	       count ? delays[count / 2] : 0, count ? delays[count - 1] : 0);
}

static struct bpf_object *open_object(const char *path)
{
	struct bpf_object *object = bpf_object__open(path);
	struct bpf_map *map;

	if (!object)
		fail("open the object");
	bpf_object__for_each_map(map, object) {
		/* libbpf takes the type of the records for that of the map's values. */
		if (bpf_map__type(map) == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
			bpf_map__set_value_size(map, sizeof(int));
	}
	if (bpf_object__load(object))
		fail("load the object");
	return object;
}

static void attach(struct bpf_object *object)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
		if (!bpf_program__attach(program))
			fail("attach the program");
}

static struct perf_buffer *open_buffer(struct bpf_object *object, unsigned int watermark)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr), .type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_BPF_OUTPUT,
		.sample_type = PERF_SAMPLE_RAW, .sample_period = 1, .wakeup_events = 1,
	};
	struct perf_buffer *buffer;

	if (watermark) {
		attr.watermark = 1;
		attr.wakeup_watermark = watermark;
	}
	buffer = perf_buffer__new_raw(bpf_object__find_map_fd_by_name(object, "e_out"), PAGES, &attr, on_event, NULL, NULL);
	if (!buffer)
		fail("open the perf buffer");
	return buffer;
}

int main(int argc, char **argv)
{
	unsigned long begin = now();
	struct perf_buffer *buffer;
	struct bpf_object *object;

	if (argc != 2 && argc != 3 && argc != 5) {
		puts(libbpf_version_string());
		return 0;
	}
	object = open_object(argv[1]);
	if (argc == 2) {
		attach(object);
		printf("%f\n", (now() - begin) / 1e9);
		return 0;
	}
	buffer = open_buffer(object, atoi(argv[2]));
	attach(object);
	if (argc == 5) {
		fill(buffer, argv[3], atoi(argv[4]));
		return 0;
	}
	signal(SIGUSR1, ask);
	setlinebuf(stdout);
	puts("ready");
	for (;;) {
		if (perf_buffer__poll(buffer, 100) < 0 && errno != EINTR)
			fail("poll");
		if (asked)
			report();
	}
}
