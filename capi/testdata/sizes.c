/* Prints the size of every struct and where its last field of version 1.0 lies. */
#include <stdio.h>

#include "anchorvk.h"

#define SHOW(type, last) printf("%s %zu, %s at %zu\n", #type, sizeof(type), #last, offsetof(type, last))

int main(void) {
	SHOW(avk_device_options, reserved);
	SHOW(avk_adopt_info, lock_user);
	SHOW(avk_borrow_info, reserved);
	SHOW(avk_plan_info, reserved);
	SHOW(avk_memory, stripes);
	SHOW(avk_tensor, strides);
	SHOW(avk_tensors, stripes_size);
	SHOW(avk_sync, signal_count);
	SHOW(avk_stats, mode);
	SHOW(avk_tune_info, folder);
	return 0;
}
