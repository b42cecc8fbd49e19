/* What the test programs share: checks that say where they failed. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "anchorvk.h"

static int failures;

/* The status of a call, and words that the text of its error must contain. */
static inline int expect(avk_status got, avk_status want, const char *words, const char *call, int line) {
	char text[2048] = "";
	if (got < 0) avk_last_error(text, sizeof text);
	if (got == want && (!words || strstr(text, words))) return 1;
	failures++;
	fprintf(stderr, "line %d: %s\n  gave %s, expected %s with \"%s\"\n  %s\n", line, call, avk_status_name(got), avk_status_name(want), words ? words : "", text);
	return 0;
}

#define EXPECT(call, status, words) expect(call, status, words, #call, __LINE__)
#define OK(call) \
	do { \
		if (!expect(call, AVK_OK, NULL, #call, __LINE__)) exit(1); \
	} while (0)
#define HOLDS(condition) \
	do { \
		if (!(condition)) { \
			failures++; \
			fprintf(stderr, "line %d: not true: %s\n", __LINE__, #condition); \
		} \
	} while (0)

static inline int finish(void) {
	if (failures) fprintf(stderr, "%d failures\n", failures);
	return failures != 0;
}

#endif
