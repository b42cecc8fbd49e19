/* What the Go side sees of the header. Go has no const, so pointers to const get
 * names: the prototypes that cgo makes then agree with those of anchorvk.h, and
 * the compiler holds each against the other. */
#ifndef ANCHORVK_BRIDGE_H
#define ANCHORVK_BRIDGE_H

#define AVK_BUILD
#include "go_names.h"
#include "anchorvk.h"

typedef const avk_device_options *avk_in_device_options;
typedef const avk_adopt_info *avk_in_adopt_info;
typedef const avk_borrow_info *avk_in_borrow_info;
typedef const avk_plan_info *avk_in_plan_info;
typedef const avk_tensor *avk_in_tensor;
typedef const avk_tensors *avk_in_tensors;
typedef const avk_sync *avk_in_sync;
typedef const avk_tune_info *avk_in_tune_info;
typedef const void *avk_in_bytes;
typedef const char *avk_in_text;

/* The text of avk_last_error, kept for each thread (bridge.c). */
void avk_keep_error(const char *text, size_t length);

/* Calls a function of the caller's (bridge.c): Go cannot. */
void avk_tell(avk_progress progress, avk_user user, double done);

#endif
