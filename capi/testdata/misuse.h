/* What programs that misuse the interface share: a set of objects, and calls with
 * every wrong handle and size. */
#ifndef MISUSE_H
#define MISUSE_H

#include "fixture.h"

static struct fixture f;

/* Runs a call with every handle that is not the right one. */
#define WRONG_HANDLES(statement, right) \
	do { \
		const uint64_t wrong[] = {f.device, f.engine, f.plan, f.buffer, f.call, 1, 42, UINT64_MAX, (right) + 1, (right) + (1u << 24), (right) ^ (1ull << 63)}; \
		uint64_t h = 0; \
		EXPECT(statement, AVK_ERROR_HANDLE, "is zero"); \
		for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) { \
			h = wrong[i]; \
			if (h != (right)) EXPECT(statement, AVK_ERROR_HANDLE, "is needed"); \
		} \
	} while (0)

/* Runs a call with every struct_size that is refused. The struct lies at the
 * start of more memory, as that of a newer program. */
#define WRONG_SIZES(statement, type, value) \
	do { \
		union { \
			type s; \
			unsigned char bytes[sizeof(type) + 64]; \
		} u; \
		type *s = &u.s; \
		const size_t wrong[] = {0, 1, sizeof(size_t), sizeof(type) - 1, 5000, SIZE_MAX}; \
		for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) { \
			memset(&u, 0, sizeof u); \
			*s = (value); \
			s->struct_size = wrong[i]; \
			EXPECT(statement, AVK_ERROR_STRUCT_SIZE, "set struct_size to sizeof(" #type ")"); \
		} \
	} while (0)

/* A newer program's struct: refused if it sets what is not known here. */
#define UNKNOWN_FIELD(statement, type, value) \
	do { \
		union { \
			type s; \
			unsigned char bytes[sizeof(type) + 64]; \
		} u; \
		type *s = &u.s; \
		memset(&u, 0, sizeof u); \
		*s = (value); \
		s->struct_size = sizeof u; \
		u.bytes[sizeof u - 1] = 1; \
		EXPECT(statement, AVK_ERROR_STRUCT_SIZE, "sets a field"); \
	} while (0)

#endif
