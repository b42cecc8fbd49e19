/* Ten threads on one engine, each with calls and tensors of its own. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>

#include "fixture.h"

enum { THREADS = 10, RUNS = 20 };

static struct fixture shared;
static int busy; /* calls that were refused because they ran */

static void *worker(void *argument) {
	int n = (int)(size_t)argument;
	struct fixture f = shared;
	avk_tensors tensors = f.tensors;
	uint16_t want = (uint16_t)(0x3c00 + 0x40 * n); /* every value; so every output */
	f.tq = host_tensor(f.q, sizeof f.q);
	f.tk = host_tensor(f.k, sizeof f.k);
	f.tv = host_tensor(f.v, sizeof f.v);
	f.to = host_tensor(f.o, sizeof f.o);
	tensors.q = &f.tq, tensors.k = &f.tk, tensors.v = &f.tv, tensors.o = &f.to, tensors.lse = f.lse;
	for (size_t i = 0; i < sizeof f.v / 2; i++) f.v[i] = want;
	OK(avk_call_create(shared.engine, shared.plan, &tensors, &f.call));
	for (int run = 0; run < RUNS; run++) {
		memset(f.o, 0xff, sizeof f.o);
		if (run % 2) {
			OK(avk_call_run(f.call, NULL));
		} else {
			OK(avk_call_start(f.call));
			if (run % 4) { /* which a busy machine may find ended */
				avk_status status = avk_call_run(f.call, NULL);
				HOLDS(status == AVK_ERROR_BUSY || status == AVK_OK);
				__sync_fetch_and_add(&busy, status == AVK_ERROR_BUSY);
			}
			OK(avk_call_wait(f.call, -1, NULL));
		}
		for (size_t i = 0; i < sizeof f.o / 2; i++) HOLDS(f.o[i] == want);
		/* The text of an error belongs to the thread that had it. */
		avk_call none = (avk_call)n + 1000;
		char text[200], number[32];
		EXPECT(avk_call_run(none, NULL), AVK_ERROR_HANDLE, NULL);
		avk_last_error(text, sizeof text);
		snprintf(number, sizeof number, "%#llx ", (unsigned long long)none);
		HOLDS(strstr(text, number));
	}
	OK(avk_call_close(f.call));
	return NULL;
}

int main(void) {
	pthread_t threads[THREADS];
	fixture_open(&shared);
	for (size_t i = 0; i < THREADS; i++) HOLDS(!pthread_create(&threads[i], NULL, worker, (void *)i));
	for (size_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
	HOLDS(busy > 0);
	fixture_run(&shared);
	fixture_close(&shared);
	return finish();
}
