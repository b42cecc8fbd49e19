/* One call, with which eight threads do all that there is at once, until one of
 * them closes it. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <time.h>

#include "fixture.h"

enum { THREADS = 8, ROUNDS = 30 };

static struct fixture f;
static avk_call call;
static int went; /* runs that went well */

static void told(void *user, double done) { HOLDS(user == &f && done > 0 && done <= 1); }

/* may says what a status may be while others use the call, or have closed it. */
static int may(avk_status status) {
	HOLDS(status == AVK_OK || status == AVK_NOT_READY || status == AVK_ERROR_BUSY || status == AVK_ERROR_CANCELLED ||
	      status == AVK_ERROR_CLOSED || status == AVK_ERROR_HANDLE || status == AVK_ERROR_ARGUMENT);
	return status == AVK_OK;
}

static void *worker(void *argument) {
	int n = (int)(size_t)argument;
	for (int i = 0; i < 1000; i++) {
		avk_stats stats;
		char text[100];
		size_t length;
		avk_status status;
		memset(&stats, 0, sizeof stats);
		stats.struct_size = sizeof stats;
		switch (n % 4) {
		case 0:
			status = avk_call_run(call, &stats);
			break;
		case 1:
			status = avk_call_start(call);
			if (may(status)) may(avk_call_wait(call, i % 3 - 1, &stats));
			break;
		case 2:
			status = avk_call_cancel(call);
			may(avk_call_wait(call, 0.2, &stats));
			break;
		default:
			status = avk_call_warnings(call, text, sizeof text, &length);
			may(avk_call_pace(call, i % 2 ? 0.9 : 0, i % 3 ? told : NULL, (avk_user)&f));
			may(avk_call_submit(call, NULL)); /* whose tensors are on the host */
			may(avk_call_submitted(call, 0));
		}
		if (may(status) && n % 4 == 0) __sync_fetch_and_add(&went, 1);
		if (status == AVK_ERROR_HANDLE || status == AVK_ERROR_CLOSED) return NULL;
	}
	return NULL;
}

int main(void) {
	fixture_open(&f);
	fixture_run(&f);
	for (int round = 0; round < ROUNDS; round++) {
		pthread_t threads[THREADS];
		struct timespec pause = {0, 3000000L * (round % 5)};
		OK(avk_call_create(f.engine, f.plan, &f.tensors, &call));
		for (size_t i = 0; i < THREADS; i++) HOLDS(!pthread_create(&threads[i], NULL, worker, (void *)i));
		nanosleep(&pause, NULL);
		OK(avk_call_close(call));
		for (size_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
		EXPECT(avk_call_run(call, NULL), AVK_ERROR_HANDLE, "closed");
	}
	HOLDS(went > 0);
	fixture_run(&f);
	fixture_close(&f);
	return finish();
}
