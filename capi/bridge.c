/* What needs no Go: the text of the last error, which belongs to a thread of the
 * caller, and names of constants. */
#include "bridge.h"

#include <string.h>

static _Thread_local char last_error[2048];

void avk_keep_error(const char *text, size_t length) {
	if (length >= sizeof last_error) length = sizeof last_error - 1;
	memcpy(last_error, text, length);
	last_error[length] = 0;
}

size_t avk_last_error(char *text, size_t size) {
	size_t length = strlen(last_error);
	if (text && size) {
		size_t n = length < size ? length : size - 1;
		memcpy(text, last_error, n);
		text[n] = 0;
	}
	return length;
}

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
