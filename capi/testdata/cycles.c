/* Opens and closes everything again and again: memory, threads and files must not
 * grow.
 *
 *   cycles [CYCLES] */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>

#include "fixture.h"

struct usage {
	long kib, threads, files;
};

static struct usage used(void) {
	struct usage u = {0, 0, 0};
	char line[256];
	FILE *f = fopen("/proc/self/status", "r");
	if (!f) exit(1);
	while (fgets(line, sizeof line, f)) {
		sscanf(line, "VmRSS: %ld", &u.kib);
		sscanf(line, "Threads: %ld", &u.threads);
	}
	fclose(f);
	DIR *files = opendir("/proc/self/fd");
	if (!files) exit(1);
	while (readdir(files)) u.files++;
	closedir(files);
	return u;
}

int main(int argc, char **argv) {
	int cycles = argc > 1 ? atoi(argv[1]) : 1000, settled = cycles / 2;
	struct fixture *f = malloc(sizeof *f);
	struct usage before = {0, 0, 0}, after;
	if (!f) return 1;
	for (int i = 0; i < cycles; i++) {
		fixture_open(f);
		if (i % 100 == 0) fixture_run(f);
		fixture_close(f);
		if (i + 1 == settled) before = used();
	}
	after = used();
	printf("after %d cycles: %ld KiB, %ld threads, %ld files; after %d: %ld KiB, %ld threads, %ld files\n", settled, before.kib, before.threads,
		before.files, cycles, after.kib, after.threads, after.files);
	/* A few more threads and files are the Go runtime's own: a thread when it wants one, two files when its poller starts. */
	HOLDS(after.kib - before.kib < 8 * 1024 && after.threads - before.threads <= 4 && after.files - before.files <= 4);
	free(f);
	return finish();
}
