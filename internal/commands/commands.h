/* What has been recorded into command buffers, in order. */
#include <stdint.h>

typedef struct {
	const char *name; /* of the function */
	uint32_t from_stages, from_access, to_stages, to_access; /* of a barrier */
} commands_entry;

enum { COMMANDS_MOST = 64 }; /* later ones are counted only */

extern commands_entry commands_log[COMMANDS_MOST];
extern int64_t commands_count;

void *commands_wrap(const char *name, void *address);
