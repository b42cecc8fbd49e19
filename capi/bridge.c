/* What needs no Go, or Go cannot do: the text of the last error, which belongs to a
 * thread of the caller, names of constants, calls of the caller's functions. */
#include "bridge.h"

#include <stdlib.h>
#include <string.h>

/* Not _Thread_local: the Go runtime makes this a library with static TLS, of which
 * a program that loads it later (dlopen) has a few hundred bytes left. */
#ifdef _WIN32
#include <windows.h>

static DWORD slot;
static INIT_ONCE once = INIT_ONCE_STATIC_INIT;

static void WINAPI forget(void *text) { free(text); }

static BOOL CALLBACK make_slot(PINIT_ONCE o, void *argument, void **context) {
	(void)o, (void)argument, (void)context;
	slot = FlsAlloc(forget);
	return TRUE;
}

static char *get_text(void) {
	InitOnceExecuteOnce(&once, make_slot, NULL, NULL);
	return FlsGetValue(slot);
}

static int set_text(char *text) { return FlsSetValue(slot, text); }
#else
#include <pthread.h>

static pthread_key_t key;
static int has_key; /* a process has about a thousand; without one errors have no text */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_key(void) { has_key = pthread_key_create(&key, free) == 0; }

static char *get_text(void) {
	pthread_once(&once, make_key);
	return has_key ? pthread_getspecific(key) : NULL;
}

static int set_text(char *text) { return has_key && pthread_setspecific(key, text) == 0; }
#endif

enum { TEXT_SIZE = 2048 };

void avk_keep_error(const char *text, size_t length) {
	char *to = get_text();
	if (!to) {
		to = malloc(TEXT_SIZE);
		if (!to || !set_text(to)) {
			free(to);
			return;
		}
	}
	if (length >= TEXT_SIZE) length = TEXT_SIZE - 1;
	memcpy(to, text, length);
	to[length] = 0;
}

size_t avk_last_error(char *text, size_t size) {
	const char *from = get_text();
	size_t length = from ? strlen(from) : 0;
	if (text && size) {
		size_t n = length < size ? length : size - 1;
		if (n) memcpy(text, from, n);
		text[n] = 0;
	}
	return length;
}

void avk_tell(avk_progress progress, avk_user user, double done) { progress((void *)user, done); }

uint32_t avk_abi_version(void) { return AVK_ABI_VERSION; }

const char *avk_status_name(avk_status status) {
	switch (status) {
#define NAME(status) case status: return #status
	NAME(AVK_NOT_READY);
	NAME(AVK_OK);
	NAME(AVK_ERROR_OTHER);
	NAME(AVK_ERROR_ARGUMENT);
	NAME(AVK_ERROR_HANDLE);
	NAME(AVK_ERROR_STRUCT_SIZE);
	NAME(AVK_ERROR_BUFFER_TOO_SMALL);
	NAME(AVK_ERROR_ABI_VERSION);
	NAME(AVK_ERROR_NO_DEVICE);
	NAME(AVK_ERROR_FEATURE);
	NAME(AVK_ERROR_LIMIT);
	NAME(AVK_ERROR_OUT_OF_MEMORY);
	NAME(AVK_ERROR_DEVICE_LOST);
	NAME(AVK_ERROR_TIMEOUT);
	NAME(AVK_ERROR_CLOSED);
	NAME(AVK_ERROR_CANCELLED);
	NAME(AVK_ERROR_BUSY);
	NAME(AVK_ERROR_UNSUPPORTED);
	NAME(AVK_ERROR_MEMORY_BUDGET);
	NAME(AVK_ERROR_BORROWED);
	NAME(AVK_ERROR_INTERNAL);
#undef NAME
	}
	return "unknown avk_status";
}
